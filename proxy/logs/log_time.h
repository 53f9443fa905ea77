// Local times as Apache's logs write them. Not by strftime(): it looks the time zone's file up at
// each call, under one lock of the process.
#pragma once

#include <ctime>
#include <string>

namespace headgate::proxy {

/// "[23/Nov/2026:07:04:01 +0100]": `%t` of access logs.
std::string access_log_time(std::time_t at);

/// "Mon Nov 23 07:04:01.123456 2026", of error logs. `micros`: below a million.
std::string error_log_time(std::time_t at, int micros);

}  // namespace headgate::proxy
