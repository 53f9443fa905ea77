// See tls_shared.h.
#include "proxy/tls_shared.h"

#include <iostream>
#include <map>

namespace headgate::proxy {

net::TlsTickets& shared_tickets() {
    // For the life of the program: generations share them, and so do all children.
    static auto* const tickets = new net::TlsTickets;
    return *tickets;
}

std::shared_ptr<net::TlsSessionCache> shared_session_cache(std::size_t octets) {
    static std::map<std::size_t, std::weak_ptr<net::TlsSessionCache>> by_size;
    if (octets == 0) return nullptr;
    std::shared_ptr<net::TlsSessionCache> cache = by_size[octets].lock();
    if (cache != nullptr) return cache;
    cache = net::TlsSessionCache::make(octets);
    by_size[octets] = cache;
    if (cache == nullptr) {
        std::cerr << "headgate: warning: no memory for SSLSessionCache" << std::endl;
    }
    return cache;
}

}  // namespace headgate::proxy
