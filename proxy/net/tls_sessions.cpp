// See tls_sessions.h.
#include "proxy/net/tls_sessions.h"

#include <openssl/ssl.h>

namespace headgate::net {

TlsSessions::~TlsSessions() {
    for (const auto& [key, session] : by_key_)
        SSL_SESSION_free(session);
}

SSL_SESSION* TlsSessions::find(const std::string& key) const {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? nullptr : found->second;
}

void TlsSessions::keep(const std::string& key, SSL_SESSION* session) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end() && by_key_.size() >= limit) {
        SSL_SESSION_free(by_key_.begin()->second);
        by_key_.erase(by_key_.begin());
    }
    SSL_SESSION*& place = by_key_[key];
    SSL_SESSION_free(place);
    place = session;
}

}  // namespace headgate::net
