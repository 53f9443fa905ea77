// Sessions of TLS connections that we opened, for resuming them: the last one of each key (name and
// context of an upstream). Of one loop: no locks.
#pragma once

#include <string>
#include <unordered_map>

struct ssl_session_st;

namespace headgate::net {

class TlsSessions {
public:
    TlsSessions() = default;
    ~TlsSessions();
    TlsSessions(const TlsSessions&) = delete;
    TlsSessions& operator=(const TlsSessions&) = delete;

    /// Null when there is none. Stays owned by this.
    ssl_session_st* find(const std::string& key) const;
    /// Takes it over, in the place of an earlier one.
    void keep(const std::string& key, ssl_session_st* session);

    static constexpr std::size_t limit = 1024;

private:
    std::unordered_map<std::string, ssl_session_st*> by_key_;
};

}  // namespace headgate::net
