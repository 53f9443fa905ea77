// What stands behind the proxy in a behaviour test: the demonstration origin as a program of its
// own, or an origin whose every octet the test decides.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "tests/support/child_program.h"
#include "tests/support/raw_connection.h"

namespace headgate::support {

/// A port that was free a moment ago, and that no other suite is looking at.
std::uint16_t free_port();

/// What a configuration says of origins of this process, as it must be read where these speak TLS
/// (tests_tls_origins()): http:// as https://, tcp:// as tls://.
std::string as_origins_speak(std::string directives);

/// headgate-origin, on a port of its own. Where origins speak TLS, this program under test stands
/// in front of it, and ends TLS.
class RunningOrigin {
public:
    RunningOrigin();
    std::uint16_t port() const { return port_; }
    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

private:
    void end_tls();

    TemporaryFolder folder_;
    std::uint16_t port_ = 0;
    std::unique_ptr<ChildProgram> program_;
    TemporaryFolder front_folder_;
    std::unique_ptr<ChildProgram> front_;  // null: it speaks for itself
};

/// An origin played by the test. The kernel completes connections by itself, so a connection that
/// the proxy made before it answered is there to be counted when the answer is. Where origins speak
/// TLS, all that the test waits for takes handshakes further.
class ScriptedOrigin {
public:
    ScriptedOrigin();
    ~ScriptedOrigin();
    ScriptedOrigin(const ScriptedOrigin&) = delete;
    ScriptedOrigin& operator=(const ScriptedOrigin&) = delete;
    std::uint16_t port() const { return port_; }
    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

    /// The next connection from the proxy. Throws TooLate when none comes.
    RawConnection accept();
    /// Whether a connection waits to be accepted, right now.
    bool has_connection() const;
    /// The same as accept(), and receives the head of the first request into `head`.
    RawConnection accept_request(std::string& head);
    /// Stops listening: what connects from now on is refused.
    void close() { listener_.close(); }

private:
    bool is_called() const;
    Descriptor take() const;
    void let_in();
    static void let_all_in();

    std::uint16_t port_ = 0;
    Descriptor listener_;
    std::deque<RawConnection> inside_;  // those under TLS that are not accepted yet
};

}  // namespace headgate::support
