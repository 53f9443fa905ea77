// A behaviour test: the real program over real sockets, once under each connection model. Write
//
//     class Forwarding : public support::Behaviour {};
//     EVERY_MODEL(Forwarding);
//     TEST_P(Forwarding, KeepsTheConnection) { RunningProxy proxy(model(), ...); ... }
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "tests/support/origins.h"
#include "tests/support/raw_connection.h"
#include "tests/support/running_proxy.h"
#include "tests/support/waiting.h"

namespace headgate::support {

/// The models that the program under test has. Every behaviour is tested under each.
inline constexpr std::array models_built{"event"};

class Behaviour : public testing::TestWithParam<const char*> {
protected:
    std::string model() const { return GetParam(); }
};

/// Everything goes to one origin.
template <class Origin>
std::string pass_all_to(const Origin& origin) {
    return "ProxyPass / http://" + origin.address() + "/\n";
}

/// A request without content.
inline std::string get(const std::string& target, const std::string& fields = "") {
    return "GET " + target + " HTTP/1.1\r\nHost: proxy.test\r\n" + fields + "\r\n";
}

/// A request with content of a known length.
inline std::string post(const std::string& target, const std::string& content,
                        const std::string& fields = "") {
    return "POST " + target + " HTTP/1.1\r\nHost: proxy.test\r\n" + fields +
           "Content-Length: " + std::to_string(content.size()) + "\r\n\r\n" + content;
}

/// A response of known length.
inline std::string ok(const std::string& content, const std::string& fields = "") {
    return "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: " + std::to_string(content.size()) +
           "\r\n\r\n" + content;
}

/// The barrier: the proxy has read what this connection sent, and has nothing left to do.
inline void settle(const RunningProxy& proxy, const RawConnection& connection) {
    connection.wait_until_read();
    proxy.wait_until_parked();
}

}  // namespace headgate::support

#define EVERY_MODEL(suite)                                                                     \
    INSTANTIATE_TEST_SUITE_P(Model, suite, testing::ValuesIn(headgate::support::models_built), \
                             [](const auto& each) { return std::string(each.param); })
