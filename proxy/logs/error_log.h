// ErrorLog: what went wrong and for whom, in the shape of Apache's error log, each line with a
// stable number (HG0101) that documentation and scripts can hold on to.
#pragma once

#include <string>
#include <string_view>

#include "proxy/logs/log_file.h"
#include "proxy/logs/log_ids.h"
#include "proxy/net/failure.h"
#include "proxy/settings/settings.h"

namespace headgate::proxy {

class ErrorLog {
public:
    ErrorLog(LogFile& file, const LogLevels& levels) : file_(file), levels_(levels) {}

    bool is_on(LogLevel level) const { return level <= levels_.level; }
    /// One line. `client` is "address:port" or empty.
    void write(LogBuffer& buffer, LogLevel level, LogId id, std::string_view client,
               std::string_view text) const;
    /// Writes a line at once, past the buffer and whatever the level. False when it is lost; then
    /// it is not counted as lost.
    bool write_now(LogLevel level, LogId id, std::string_view text) const;

private:
    std::string line(LogLevel level, LogId id, std::string_view client,
                     std::string_view text) const;
    LogFile& file_;
    const LogLevels& levels_;
};

/// "upstream malformed in upstream-wait: detail (errno text)".
std::string describe(const net::Failure& failure);

}  // namespace headgate::proxy
