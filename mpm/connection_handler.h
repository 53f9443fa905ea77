// ConnectionHandler: the seam between processes and the application. Made once per thread, after
// fork; everything it is told happens on its loop's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "mpm/loop/loop.h"
#include "mpm/loop/socket.h"

namespace headgate::mpm {

/// A connection as the acceptor took it.
struct Accepted {
    loop::Socket socket;
    loop::Address peer;
    std::uint32_t listener = 0;  // index into what Application::load() listed
};

/// What a child is told from outside. Empty so far but for the reopening of logs; certificates and
/// the rest join it here.
struct ControlMessage {
    enum class Kind : std::uint8_t { reopen_logs } kind = Kind::reopen_logs;
};

class ConnectionHandler {
public:
    virtual ~ConnectionHandler() = default;

    /// Serves one client connection from its first octet to its close. Never fails: what goes wrong
    /// with a connection ends that connection.
    virtual loop::Task<void> serve(Accepted accepted) = 0;

    /// From now on connections end when what they are doing is done; idle ones soon.
    virtual void drain() = 0;

    virtual void apply(const ControlMessage& message) = 0;
};

/// Makes the handler of one loop, on that loop's thread.
class HandlerFactory {
public:
    virtual ~HandlerFactory() = default;
    virtual std::unique_ptr<ConnectionHandler> make(loop::Loop& loop) = 0;
};

}  // namespace headgate::mpm
