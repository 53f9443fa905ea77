// See tls_shared.h.
#include "proxy/site/tls_shared.h"

#include <fcntl.h>

#include <cstdlib>
#include <iostream>
#include <map>

namespace headgate::proxy {

namespace {

constexpr const char* variable = "HEADGATE_TICKETS";

// For the life of the program: generations share them, and so do all children.
net::TlsTickets* tickets = nullptr;

}  // namespace

net::TlsTickets& shared_tickets() {
    if (tickets == nullptr) tickets = new net::TlsTickets;
    return *tickets;
}

std::vector<net::TlsTicketKey> ticket_keys_of(const std::string& file,
                                              const net::TlsTicketKey& key) {
    static std::map<std::string, std::vector<net::TlsTicketKey>> by_file;
    constexpr std::size_t most = 3;
    std::vector<net::TlsTicketKey>& keys = by_file[file];
    const auto is_it = [&](const net::TlsTicketKey& each) { return each.is_named(key.name); };
    std::erase_if(keys, is_it);
    keys.insert(keys.begin(), key);
    if (keys.size() > most) keys.pop_back();
    return keys;
}

void leave_tickets(bool is_leaving) {
    if (tickets == nullptr) return;
    const int descriptor = tickets->descriptor();
    ::fcntl(descriptor, F_SETFD, is_leaving ? 0 : FD_CLOEXEC);
    if (is_leaving) {
        ::setenv(variable, std::to_string(descriptor).c_str(), 1);
    } else {
        ::unsetenv(variable);
    }
}

void take_tickets() {
    const char* left = std::getenv(variable);
    if (left == nullptr) return;
    const int descriptor = std::atoi(left);
    ::unsetenv(variable);
    if (tickets != nullptr || ::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) return;
    tickets = net::TlsTickets::adopt(descriptor).release();
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
