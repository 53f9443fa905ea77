// See log_time.h.
#include "proxy/logs/log_time.h"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace headgate::proxy {
namespace {

constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::tm local_time(std::time_t at) {
    std::tm local{};
    ::localtime_r(&at, &local);
    return local;
}

}  // namespace

std::string access_log_time(std::time_t at) {
    const std::tm local = local_time(at);
    const long minutes = std::labs(local.tm_gmtoff) / 60;
    char text[64];
    const int size =
        std::snprintf(text, sizeof text, "[%02d/%s/%d:%02d:%02d:%02d %c%02ld%02ld]", local.tm_mday,
                      months[local.tm_mon], local.tm_year + 1900, local.tm_hour, local.tm_min,
                      local.tm_sec, local.tm_gmtoff < 0 ? '-' : '+', minutes / 60, minutes % 60);
    return {text, static_cast<std::size_t>(size)};
}

std::string error_log_time(std::time_t at, int micros) {
    const std::tm local = local_time(at);
    char text[64];
    const int size =
        std::snprintf(text, sizeof text, "%s %s %02d %02d:%02d:%02d.%06d %d", days[local.tm_wday],
                      months[local.tm_mon], local.tm_mday, local.tm_hour, local.tm_min,
                      local.tm_sec, micros, local.tm_year + 1900);
    return {text, static_cast<std::size_t>(size)};
}

}  // namespace headgate::proxy
