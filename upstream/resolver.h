// Resolver: names to addresses by c-ares, on one loop. An answer is kept for its time to live; when
// a new one cannot be had, the last good one goes on serving. Starting needs no answer at all.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mpm/loop/address.h"
#include "mpm/loop/task.h"
#include "proxy/net/failure.h"

namespace headgate::upstream {

class Resolver {
public:
    /// `servers`: "127.0.0.1:5353,..." to ask instead of those of /etc/resolv.conf; empty: those.
    explicit Resolver(loop::Loop& loop, const std::string& servers = "");
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    /// The addresses of `host`, at least one. A literal is its own address. Parks in
    /// phase::resolve while a query is needed; concurrent requests for one name share one query.
    /// Fails as unresolved or upstream_silent when there is no answer, old or new. With an old one
    /// a new one is waited for no longer than `patience`: a name server that is silent costs a
    /// request no more than that, and only the first ones (RFC 8767).
    loop::Task<net::Result<std::vector<loop::Address>>> resolve(const std::string& host,
                                                                std::uint16_t port,
                                                                loop::Deadline deadline);

    /// "c-ares 1.18.1": the library at run time.
    static std::string library_version();

    /// Time to live is kept within these; a failed query is not repeated sooner than `retry`;
    /// `patience` is how long a query may keep requests that could do with an old answer.
    static constexpr std::chrono::seconds floor{1};
    static constexpr std::chrono::seconds ceiling{3600};
    static constexpr std::chrono::seconds retry{2};
    static constexpr std::chrono::milliseconds patience{200};

private:
    class Channel;
    struct Name;
    static net::Result<std::vector<loop::Address>> answer(const Name& name, std::uint16_t port);

    loop::Loop& loop_;
    std::unique_ptr<Channel> channel_;
};

}  // namespace headgate::upstream
