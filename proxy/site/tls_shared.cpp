// See tls_shared.h.
#include "proxy/site/tls_shared.h"

#include <fcntl.h>

#include <cstdlib>
#include <iostream>
#include <map>
#include <sstream>

namespace headgate::proxy {

namespace {

using Cache = net::TlsSessionCache;

constexpr const char* tickets_variable = "HEADGATE_TICKETS";
constexpr const char* sessions_variable = "HEADGATE_SESSIONS";

// For the life of the program: generations share them, and so do all children.
net::TlsTickets* tickets = nullptr;

/// By what SSLSessionCache says, as long as somebody has it.
std::map<std::size_t, std::weak_ptr<Cache>>& caches() {
    static std::map<std::size_t, std::weak_ptr<Cache>> by_size;
    return by_size;
}

/// An earlier program's, until they are asked for.
std::vector<std::shared_ptr<Cache>>& caches_left() {
    static std::vector<std::shared_ptr<Cache>> left;
    return left;
}

/// Names what is left open for the next program, or not.
void leave(const char* variable, const std::vector<int>& descriptors, bool is_leaving) {
    std::string names;
    for (const int descriptor : descriptors) {
        ::fcntl(descriptor, F_SETFD, is_leaving ? 0 : FD_CLOEXEC);
        names += (names.empty() ? "" : " ") + std::to_string(descriptor);
    }
    if (is_leaving && !names.empty()) {
        ::setenv(variable, names.c_str(), 1);
    } else {
        ::unsetenv(variable);
    }
}

/// Descriptors that are open, and now closed on exec.
std::vector<int> take(const char* variable) {
    std::vector<int> descriptors;
    const char* left = std::getenv(variable);
    if (left == nullptr) return descriptors;
    std::istringstream names(left);
    ::unsetenv(variable);
    for (int descriptor = -1; names >> descriptor;) {
        if (::fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0) descriptors.push_back(descriptor);
    }
    return descriptors;
}

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

void leave_shared(bool is_leaving) {
    std::vector<int> sessions;
    for (const auto& [size, cache] : caches()) {
        if (const auto held = cache.lock()) sessions.push_back(held->descriptor());
    }
    leave(sessions_variable, sessions, is_leaving);
    if (tickets != nullptr) leave(tickets_variable, {tickets->descriptor()}, is_leaving);
}

void take_shared() {
    for (const int descriptor : take(tickets_variable)) {
        if (tickets == nullptr) tickets = net::TlsTickets::adopt(descriptor).release();
    }
    for (const int descriptor : take(sessions_variable)) {
        if (auto cache = Cache::adopt(descriptor)) caches_left().push_back(std::move(cache));
    }
}

void forget_untaken() {
    caches_left().clear();
}

namespace {

std::shared_ptr<Cache> cache_of(std::size_t octets) {
    for (const auto& left : caches_left()) {
        if (left->is_of(octets)) return left;
    }
    return Cache::make(octets);
}

}  // namespace

std::shared_ptr<net::TlsSessionCache> shared_session_cache(std::size_t octets) {
    if (octets == 0) return nullptr;
    std::weak_ptr<Cache>& place = caches()[octets];
    std::shared_ptr<Cache> cache = place.lock();
    if (cache != nullptr) return cache;
    cache = cache_of(octets);
    place = cache;
    if (cache == nullptr) {
        std::cerr << "headgate: warning: no memory for SSLSessionCache" << std::endl;
    }
    return cache;
}

}  // namespace headgate::proxy
