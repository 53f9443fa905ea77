// Times of logs, beside what strftime() makes of them, in zones of whole, half and negative hours.
#include "proxy/logs/log_time.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace headgate::proxy {
namespace {

class LogTime : public testing::Test {
protected:
    ~LogTime() override { use_zone("UTC0"); }
    static void use_zone(const char* zone) {
        ::setenv("TZ", zone, 1);
        ::tzset();
    }
    static std::string by_library(const char* layout, std::time_t at) {
        std::tm local{};
        ::localtime_r(&at, &local);
        char text[128];
        return {text, std::strftime(text, sizeof text, layout, &local)};
    }
};

TEST_F(LogTime, is_what_strftime_makes_of_it) {
    for (const char* zone : {"UTC0", "NST3:30NDT,M3.2.0,M11.1.0", "IST-5:30", "CET-1CEST"}) {
        use_zone(zone);
        for (std::time_t at = 0; at < 4'102'444'800; at += 9'876'543) {
            EXPECT_EQ(access_log_time(at), by_library("[%d/%b/%Y:%H:%M:%S %z]", at)) << zone;
            EXPECT_EQ(error_log_time(at, 42), by_library("%a %b %d %H:%M:%S.000042 %Y", at));
            if (HasFailure()) return;
        }
    }
}

}  // namespace
}  // namespace headgate::proxy
