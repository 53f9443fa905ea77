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
    int error;  // errno
};

class Listeners {
public:
    /// Opens every address in every bucket, except what was inherited; fails as a whole. An address
    /// that another program listens on fails too: it is probed first, since SO_REUSEPORT would
    /// share it silently.
    static std::optional<ListenFailure> open(const std::vector<loop::Address>& addresses,
                                             const Settings& settings, unsigned buckets,
                                             Listeners& result);

    /// The same for a start, at which nothing serves yet: an address in use is tried for again, for
    /// half a second. Children of a program that has just been killed hold its addresses until they
    /// have noticed, and who starts it anew at once is not to be refused.
    static std::optional<ListenFailure> open_patiently(const std::vector<loop::Address>& addresses,
                                                       const Settings& settings, unsigned buckets,
                                                       Listeners& result);

    /// A change of addresses: what is new is open already.
    struct Change {
        std::vector<loop::Address> addresses;
        std::vector<std::vector<loop::Socket>> opened;  // by bucket and address
        std::optional<ListenFailure> failure;
    };
    /// The first half of a reload: opens what is new in every bucket. Nothing has changed yet, and
    /// when the result has a failure, or is dropped, nothing will.
    Change prepare(const std::vector<loop::Address>& addresses, const Settings& settings) const;
    /// The second half, which cannot fail: closes what is gone, keeps the rest as it is.
    void commit(Change change);

    /// Takes over sockets that are open already (from an earlier program, or systemd): for each
    /// address its first socket goes to bucket 0, its second to bucket 1, and so on. Before open().
    void inherit(std::vector<loop::Socket> sockets);
    std::vector<int> descriptors() const;
    bool holds(int descriptor) const;

    unsigned buckets() const { return static_cast<unsigned>(buckets_.size()); }
    /// The sockets of one bucket, in the order of the addresses.
    const std::vector<loop::Socket>& bucket(unsigned index) const { return buckets_[index]; }
    void close() { buckets_.clear(); }

private:
    std::size_t position(const loop::Address& address) const;

    std::vector<loop::Address> addresses_;
    std::vector<std::vector<loop::Socket>> buckets_;
};

}  // namespace headgate::mpm
