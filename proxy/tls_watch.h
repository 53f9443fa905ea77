// TlsWatch: new certificates reach the children that run. The supervisor looks at the files (it may
// read keys, they may not), tries what has changed, and sends what is right; a bad pair leaves the
// old one serving. Also rotates the keys of session tickets.
#pragma once

#include <ctime>
#include <string>
#include <vector>

#include "proxy/file_stamps.h"
#include "proxy/site/site.h"

namespace headgate::proxy {

class TlsWatch {
public:
    /// What `sites` were built from is what has been seen. They outlive this.
    explicit TlsWatch(const Sites& sites);

    /// In a child: makes the certificates of such a text those of new connections.
    static void take_sent(const Sites& sites, const std::string& text);

    /// Looks once: texts for take_sent(), one for each site that has changed. Says on
    /// standard error what it did, and what is wrong.
    std::vector<std::string> look();

private:
    struct Watched {
        std::size_t part = 0;  // of the site's TLS: see tls_watch.cpp
        const Site* site = nullptr;
        std::vector<std::string> names;
        std::vector<FileStamp> seen;
        bool is_tried_again = false;  // a bad pair may be one half written
        std::time_t said_end = 0;     // of the OCSP response whose end was said
    };
    void watch(std::size_t part, const Site& site, std::vector<std::string> names);
    std::string reload(Watched& watched);
    std::string unsaid(std::string text);
    static bool take(std::size_t part, TlsSite& site, const TlsFiles& files,
                     conf::Diagnostics& diagnostics);
    static void say_expired(Watched& watched);
    void rotate_tickets();

    FileStamps stamps_;
    std::vector<Watched> watched_;
    std::string said_;     // by this look(), last
    bool serves_ = false;  // some site speaks TLS with clients
};

}  // namespace headgate::proxy
