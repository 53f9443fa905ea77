// Listeners: the listening sockets of the program, one per address and bucket. All loops of one
// bucket share its sockets; the kernel spreads connections over the buckets (SO_REUSEPORT).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mpm/loop/socket.h"
#include "mpm/settings.h"

namespace headgate::mpm {

/// Why a listener could not be opened, in words: "cannot listen on 0.0.0.0:80: Permission denied".
struct ListenFailure {
    std::string text;
};

class Listeners {
public:
    /// Opens every address in every bucket; fails as a whole. An address that another program
    /// listens on fails too: it is probed first, since SO_REUSEPORT would share it silently.
    static std::optional<ListenFailure> open(const std::vector<loop::Address>& addresses,
                                             const Settings& settings, unsigned buckets,
                                             Listeners& result);

    unsigned buckets() const { return static_cast<unsigned>(buckets_.size()); }
    /// The sockets of one bucket, in the order of the addresses.
    const std::vector<loop::Socket>& bucket(unsigned index) const { return buckets_[index]; }
    void close() { buckets_.clear(); }

private:
    std::vector<std::vector<loop::Socket>> buckets_;
};

}  // namespace headgate::mpm
