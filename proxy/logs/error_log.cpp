// See error_log.h.
#include "proxy/logs/error_log.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <ctime>

#include "proxy/logs/log_time.h"

namespace headgate::proxy {
namespace {

const char* name(LogLevel level) {
    static constexpr std::array names{"emerg",  "alert",  "crit",   "error",  "warn",   "notice",
                                      "info",   "debug",  "trace1", "trace2", "trace3", "trace4",
                                      "trace5", "trace6", "trace7", "trace8"};
    return names[static_cast<std::size_t>(level)];
}

std::string time_text() {
    const auto now = std::chrono::system_clock::now();
    const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(
                            now - std::chrono::system_clock::from_time_t(seconds))
                            .count();
    return error_log_time(seconds, static_cast<int>(micros));
}

}  // namespace

std::string ErrorLog::line(LogLevel level, LogId id, std::string_view client,
                           std::string_view text) const {
    std::string line = "[" + time_text() + "] [headgate:" + name(level) + "] [pid " +
                       std::to_string(::getpid()) + ":tid " +
                       std::to_string(::syscall(SYS_gettid)) + "] ";
    if (!client.empty()) line += "[client " + std::string(client) + "] ";
    line += log_id_text(id) + ": ";
    for (const char c : text)
        line += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
    line += '\n';
    return line;
}

void ErrorLog::write(LogBuffer& buffer, LogLevel level, LogId id, std::string_view client,
                     std::string_view text) const {
    if (is_on(level)) buffer.append(file_, line(level, id, client, text));
}

bool ErrorLog::write_now(LogLevel level, LogId id, std::string_view text) const {
    return file_.try_write(line(level, id, "", text));
}

std::string describe(const net::Failure& failure) {
    std::string text = std::string(net::name(failure.side)) + " " + net::name(failure.kind) +
                       " in " + net::phase::name(failure.phase);
    if (failure.detail[0] != '\0') text += std::string(": ") + failure.detail;
    if (failure.error != 0) text += std::string(" (") + std::strerror(failure.error) + ")";
    return text;
}

}  // namespace headgate::proxy
