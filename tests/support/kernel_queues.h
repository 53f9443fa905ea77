// What the kernel keeps for the connections of a port, whoever's they are: how much of what was
// written has not been sent yet, and how much of what was received has not been read.
#pragma once

#include <cstdint>

namespace headgate::support {

struct KernelQueues {
    std::uint64_t unsent = 0;  ///< octets written, and not yet sent for the first time
    std::uint64_t unread = 0;  ///< octets received, and not yet read
};

/// The sums over established IPv4 connections whose own port is `local`, and whose peer's is
/// `remote`; 0: any. From sock_diag(7); throws where there is none.
KernelQueues kernel_queues(std::uint16_t local, std::uint16_t remote);

}  // namespace headgate::support
