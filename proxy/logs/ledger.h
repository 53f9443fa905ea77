// Ledger: the books of one exchange: how its response was framed, how long it held a thread and how
// long it was parked, in which phases, and why it ended. Shown in the access log; asserted by
// tests.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>

#include "mpm/loop/account.h"
#include "proxy/net/failure.h"

namespace headgate::proxy {

struct Ledger {
    loop::Account account;
    loop::TimePoint began{};  // first octet of the request head
    loop::TimePoint ended{};
    std::time_t began_at = 0;   // wall clock
    const char* framing = "-";  // of the response: none, length, chunked, close, tunnel
    std::uint16_t status = 0;   // of the final response; 0: none was sent
    std::uint16_t attempts = 0;
    bool failed = false;
    net::Failure failure{};             // when failed
    std::string upstream;               // address of the endpoint tried last; empty when none was
    std::uint64_t content_sent = 0;     // octets of response content
    std::uint64_t octets_received = 0;  // on the client connection, framing included
    std::uint64_t octets_sent = 0;

    /// Time a thread was kept: running, and parked too where the runner keeps the thread.
    loop::Duration held(bool runner_keeps_thread) const {
        return account.ran() + (runner_keeps_thread ? account.parked() : loop::Duration{});
    }

    /// "ok", or side/phase/kind: "timeout/upstream-wait/upstream-silent".
    std::string end() const;
    /// Phases with their parks: "upstream-wait=1999873us/1,client-write=20us/2", or "-".
    std::string phases() const;
};

}  // namespace headgate::proxy
