// IMF-fixdate by calendar arithmetic: no locale, no time zone data.
#include "proxy/http/date.h"

#include <chrono>

namespace headgate::http {

namespace {

constexpr std::string_view day_names = "SunMonTueWedThuFriSat";
constexpr std::string_view month_names = "JanFebMarAprMayJunJulAugSepOctNovDec";

void put_name(char* at, std::string_view names, unsigned index) {
    for (unsigned i = 0; i < 3; ++i) {
        at[i] = names[index * 3 + i];
    }
}

void put_number(char* at, unsigned value, unsigned digits) {
    for (unsigned i = digits; i > 0; --i) {
        at[i - 1] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
}

}  // namespace

// RFC 9110 section 5.6.7: "IMF-fixdate = day-name "," SP date1 SP time-of-day SP GMT".
std::array<char, imf_fixdate_size> imf_fixdate(std::time_t seconds) {
    using namespace std::chrono;
    const sys_seconds moment{std::chrono::seconds{seconds}};
    const sys_days day = floor<days>(moment);
    const year_month_day date{day};
    const auto second = static_cast<unsigned>((moment - day).count());

    std::array<char, imf_fixdate_size> text;
    std::string_view("ddd, 00 mmm 0000 00:00:00 GMT").copy(text.data(), text.size());
    put_name(text.data(), day_names, weekday{day}.c_encoding());
    put_number(text.data() + 5, static_cast<unsigned>(date.day()), 2);
    put_name(text.data() + 8, month_names, static_cast<unsigned>(date.month()) - 1);
    put_number(text.data() + 12, static_cast<unsigned>(static_cast<int>(date.year())), 4);
    put_number(text.data() + 17, second / 3600, 2);
    put_number(text.data() + 20, second / 60 % 60, 2);
    put_number(text.data() + 23, second % 60, 2);
    return text;
}

}  // namespace headgate::http
