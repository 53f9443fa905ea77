// ConnectionHandler: the seam between processes and the application. Made once per thread, after
// fork; everything it is told happens on its loop's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mpm/live_records.h"
#include "mpm/loop/loop.h"
#include "mpm/loop/socket.h"

namespace headgate::mpm {

/// A connection as the acceptor took it.
struct Accepted {
    loop::Socket socket;  // tuned for relaying, by its listener
    loop::Address peer;
    loop::Address local;  // which of the machine's addresses it reached
};

/// What a handler may know of its surroundings: its slot of the scoreboard to count in, its records
/// there for what it is doing, and the whole to show.
struct Surroundings {
    ThreadSlot& slot;
    LiveRecords& records;
    const Scoreboard& scoreboard;
    const char* model;  // in words, for the status page
    std::uint32_t generation;
    std::time_t started;  // of the supervisor
};

/// What a child is told from outside.
struct ControlMessage {
    enum class Kind : std::uint8_t {
        reopen_logs,
        news,  // `text` is what HandlerFactory::news() gave in the supervisor; told to one thread
    } kind = Kind::reopen_logs;
    std::string text = {};
};

/// How idle connections end when a process drains.
enum class Drain : std::uint8_t {
    gently,  // a reload: each may send one more request within its KeepAliveTimeout
    soon,    // the program ends: only what is already on its way is waited for
};

class ConnectionHandler {
public:
    virtual ~ConnectionHandler() = default;

    /// Serves one client connection from its first octet to its close. Never fails: what goes wrong
    /// with a connection ends that connection.
    virtual loop::Task<void> serve(Accepted accepted) = 0;

    /// From now on connections end when what they are doing is done. May be told a second time,
    /// sooner.
    virtual void drain(Drain how) = 0;

    virtual void apply(const ControlMessage& message) = 0;

    /// No connection can be accepted for want of descriptors or memory (`error` is errno): the
    /// runner tries again in a moment. Told at each try.
    virtual void accept_paused(int error) { static_cast<void>(error); }

    /// Memory is short: whoever holds some without an exchange being under way gives it back, in
    /// the passes that follow.
    virtual void shed() {}
};

/// Makes the handler of one loop, on that loop's thread.
class HandlerFactory {
public:
    virtual ~HandlerFactory() = default;
    virtual std::unique_ptr<ConnectionHandler> make(loop::Loop& loop,
                                                    const Surroundings& surroundings) = 0;
    /// Whether memory holds what must not be left in a core, such as private keys.
    virtual bool holds_secrets() const { return false; }
    /// In a child that ends for want of memory or the like: logs the line where its errors go.
    /// False when it cannot. Any thread.
    virtual bool report_want(const char* line) {
        static_cast<void>(line);
        return false;
    }
    /// In the supervisor: what its children are told, so that those forked later start from it.
    virtual void apply(const ControlMessage&) {}
    /// In the supervisor, a few times a second: what the children that run are to be told, each of
    /// all of it. Those forked later start from what this has become.
    virtual std::vector<std::string> news() { return {}; }
};

}  // namespace headgate::mpm
