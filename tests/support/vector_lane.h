// Plays a framing vector through the running proxy: the client and the origin around it, one
// exchange at a time, and what both of them saw. Several lanes, each with an address of the proxy
// and an origin of its own, may be used by several threads at once.
#pragma once

#include <netinet/in.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/framing_vectors.h"
#include "tests/support/wire.h"

namespace headgate::support {

/// What came of one vector.
struct Seen {
    // the client
    std::vector<int> interim;
    int status = 0;  ///< 0: no final head
    std::string content;
    bool complete = false;
    enum class Client : std::uint8_t { kept, fin, reset } client = Client::kept;
    bool second_answered = false;  ///< a further request on the connection got its own answer
    // the origin
    bool connected = false;  ///< the request came, or a part of it
    bool reused = false;     ///< the further request came over the same connection
    bool let_go = false;     ///< the proxy closed the connection
    int requests = 0;        ///< complete ones, the further one not counted
    std::string request_content;
    std::string fault;  ///< what cannot be right whatever the vector is

    friend bool operator==(const Seen&, const Seen&) = default;
};
std::ostream& operator<<(std::ostream& out, const Seen& seen);

/// How the octets of a vector are cut.
using Pieces = std::vector<std::string_view>;

class Lane {
public:
    /// `address` is where this lane's clients connect to, without its port.
    explicit Lane(std::uint32_t address);

    /// Directives that listen for this lane on ${PORT} and pass everything to its origin.
    std::string directives() const;
    void connect_to_port(std::uint16_t port) { proxy_.sin_port = htons(port); }

    /// The vector's octets are the origin's answer. `version` is the client's: 0 or 1. `is_used`:
    /// both connections have had an exchange before.
    Seen run_response(const FramingVector& vector, const Pieces& pieces, int version,
                      bool is_used = false);
    /// The vector's octets are what the client sends.
    Seen run_request(const FramingVector& vector, const Pieces& pieces);
    /// The vector's octets come from the origin while the connection is idle.
    Seen run_idle(const FramingVector& vector);

private:
    struct Round;

    Wire connect() const;
    bool accept(Wire& into);

    sockaddr_in proxy_{};
    sockaddr_in origin_{};
    Descriptor listener_;
};

}  // namespace headgate::support
