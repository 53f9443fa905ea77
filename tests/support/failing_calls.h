// System calls on upstream connections, on one of a client, or towards a name server that fail by
// plan, under the real transports: fail_nth for the side that has no scripted transport. Linked
// into test_proxy only, whose connect(), recv(), recvfrom(), send(), sendmsg(), splice() and
// close() it stands before; without a FailingCalls they are the kernel's.
#pragma once

#include <cstdint>

#include "tests/support/fail_nth.h"

namespace headgate::support {

/// While it lives, each such call of this thread on a connection to `port` of this machine is a
/// step of `plan`. A call that is to fail meets a refused or a reset connection, and so do all
/// later ones on that descriptor; one that is to be cancelled would block, and so would they.
class FailingCalls {
public:
    FailingCalls(FailPlan& plan, std::uint16_t port);
    ~FailingCalls();
    FailingCalls(const FailingCalls&) = delete;
    FailingCalls& operator=(const FailingCalls&) = delete;

    /// Calls on this descriptor are steps too, until it is closed: a client's connection.
    static void watch(int descriptor);
    /// Whoever asks a name server (port 53, IPv4) asks the one at this port of this machine;
    /// sending to it and receiving are steps too.
    static void names_from(std::uint16_t port);

    /// Steps so far that were connects, reads and writes.
    static int connects();
    static int reads();
    static int writes();
    /// Descriptors that were closed though nothing was open there: closed twice.
    static int closed_twice();
};

}  // namespace headgate::support
