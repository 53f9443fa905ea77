// How long a client may take to send something, as one limit of RequestReadTimeout says.
//
//    header=20-40,MinRate=500    20 s, and a second more for every 500 octets, but never above 40 s
#pragma once

#include "mpm/loop/clock.h"

namespace headgate::proxy {

struct ReadLimit {
    loop::Milliseconds start{0};     ///< 0: no limit at all
    loop::Milliseconds most{0};      ///< 0: grows without end
    unsigned octets_per_second = 0;  ///< MinRate; 0: does not grow

    friend bool operator==(const ReadLimit&, const ReadLimit&) = default;
};

}  // namespace headgate::proxy
