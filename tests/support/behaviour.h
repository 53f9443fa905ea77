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
inline constexpr std::array models_built{"event", "worker", "prefork"};

class Behaviour : public testing::TestWithParam<const char*> {
protected:
    std::string model() const { return GetParam(); }
};

/// Whether a parked exchange keeps its thread: one at a time is served then.
inline bool keeps_threads(const std::string& model) {
    return model != "event";
}

/// Directives for exactly so many threads over all children, whatever the model calls them, and no
/// more when they are busy.
inline std::string threads_of(const std::string& model, unsigned count) {
    const std::string n = std::to_string(count);
    if (model == "prefork")
        return "ServerLimit " + n + "\nStartServers " + n + "\nMaxRequestWorkers " + n +
               "\nMaxSpareServers " + std::to_string(count + 2) + "\n";
    return "ThreadsPerChild " + n + "\nMaxRequestWorkers " + n + "\nStartServers 1\n";
}

/// One process with one thread: every client connection meets the same pool.
inline std::string one_thread(const std::string& model) {
    return threads_of(model, 1);
}

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
