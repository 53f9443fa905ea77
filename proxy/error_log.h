// ErrorLog: what went wrong and for whom, in the shape of Apache's error log, each line with a
// stable number (HG0101) that documentation and scripts can hold on to.
#pragma once

#include <string>
#include <string_view>

#include "proxy/log_file.h"
#include "proxy/net/failure.h"
#include "proxy/settings.h"

namespace headgate::proxy {

/// The numbers. Never reused for another meaning.
enum class LogId : int {
    started = 1,
    draining = 2,
    stopped = 3,
    request_refused = 101,  // the client's request was not acceptable
    client_lost = 102,      // the client went away or was too slow
    tls_failed = 103,       // no handshake with the client
    upstream_failed = 201,  // no usable response from the upstream
    response_cut = 202,     // the response broke off after its head was sent
    retried = 203,          // a reused connection had died; sent again on a fresh one
};

class ErrorLog {
public:
    ErrorLog(LogFile& file, const LogLevels& levels) : file_(file), levels_(levels) {}

    bool is_on(LogLevel level) const { return level <= levels_.level; }
    /// One line. `client` is "address:port" or empty.
    void write(LogBuffer& buffer, LogLevel level, LogId id, std::string_view client,
               std::string_view text) const;

private:
    LogFile& file_;
    const LogLevels& levels_;
};

/// "upstream timed-out in upstream-wait: detail (errno text)".
std::string describe(const net::Failure& failure);

}  // namespace headgate::proxy
