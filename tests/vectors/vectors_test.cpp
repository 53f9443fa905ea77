// The framing vectors of tests/cases through the real program: what the client gets, what the
// origin gets, which connections live on. Whole, with a client of HTTP/1.0, octet by octet, and cut
// in two at every place.
#include "tests/support/behaviour.h"

#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>

#include "tests/support/framing_vectors.h"
#include "tests/support/vector_lane.h"

namespace headgate {
namespace {

using namespace support;

class Vectors : public Behaviour {};
EVERY_MODEL(Vectors);

enum class Cut { whole, on_used, by_octet, in_two };

struct Job {
    const FramingVector* vector;
    Pieces pieces;
    int version = 1;
    std::string name;
    bool is_used = false;
};

/// Everything that is not for HTTP/1 over TCP, by name.
const char* reason_to_skip(const FramingVector& vector) {
    if (vector.proto == "fcgi") return "FastCGI";
    if (vector.is_tls) return "TLS";
    if (!vector.is_request && vector.method == "CONNECT") return "CONNECT is never forwarded";
    return nullptr;
}

std::vector<FramingVector> vectors_of(bool requests, bool idle, std::set<std::string>& skipped) {
    std::vector<FramingVector> found;
    for (const char* file : {"framing-vectors.json", "more-framing-vectors.json",
                             "hostile-framing-vectors.json", "odd-framing-vectors.json"}) {
        for (FramingVector& each : read_framing_vectors(file)) {
            if (const char* reason = reason_to_skip(each)) {
                skipped.insert(each.name + ": " + reason);
            } else if (each.is_request == requests && each.is_idle == idle) {
                found.push_back(std::move(each));
            }
        }
    }
    return found;
}

// ---- what is right

/// F-mid: a client of HTTP/1.0 could take FIN for the end of the content, whatever its length, and
/// one that speaks TLS is sent no close_notify, which it sees as a reset.
bool is_cut(const Seen& seen, const FramingVector& vector, int version) {
    const bool is_reset = version == 0 || support::tests_tls();
    const auto end = is_reset ? Seen::Client::reset : Seen::Client::fin;
    return seen.status == vector.expect.status && !seen.complete &&
           seen.content.size() <= vector.expect.body_len && seen.client == end;
}

/// An unread rest of a request is waited for when it is small, but never when the client may have
/// been told not to send it.
bool keeps_client(const FramingVector& vector, int version) {
    return version == 1 && (vector.request_complete || !vector.expects_continue);
}

/// MPM-independent: the answer of our own, F-head.
bool is_bad_gateway(const Seen& seen, const FramingVector& vector, int version) {
    const bool is_kept = keeps_client(vector, version);
    return seen.status == 502 && seen.complete &&
           seen.client == (is_kept ? Seen::Client::kept : Seen::Client::fin) &&
           seen.second_answered == is_kept;
}

std::vector<int> interim_for_client(const FramingVector& vector, int version) {
    std::vector<int> expected = vector.expect.interim;
    if (version == 0) expected.clear();
    if (!vector.expects_continue) std::erase(expected, 100);
    return expected;
}

std::string wrong_response(const FramingVector& vector, const Seen& seen, int version) {
    const VectorOutcome& expect = vector.expect;
    if (!seen.fault.empty()) return seen.fault;
    if (seen.interim != interim_for_client(vector, version)) return "interim responses";
    const bool is_cut_off = !vector.eof && !expect.complete && expect.error.empty();
    if (expect.kind == "error" || expect.kind == "pending") {
        return is_bad_gateway(seen, vector, version) ? "" : "not a 502";
    }
    if (!expect.error.empty() || (is_cut_off && expect.kind != "close")) {
        if (expect.kind == "tunnel") return "";
        const bool is_right =
            is_cut(seen, vector, version) || is_bad_gateway(seen, vector, version);
        return is_right ? "" : "neither cut nor a 502";
    }
    if (seen.status == 502 &&
        std::count(vector.alternatives.begin(), vector.alternatives.end(), 502))
        return "";
    if (seen.status != expect.status || !seen.complete) return "not the response";
    if (seen.content.size() != expect.body_len) return "content";
    const bool is_kept = keeps_client(vector, version);
    if ((seen.client == Seen::Client::kept) != is_kept) return "the client's connection";
    if (is_kept && seen.reused != expect.reusable) return "reuse of the upstream connection";
    return "";
}

std::string wrong_request(const FramingVector& vector, const Seen& seen) {
    const VectorOutcome& expect = vector.expect;
    const auto& also = vector.alternatives;
    if (!seen.fault.empty()) return seen.fault;
    if (expect.status != 0 && !(seen.status == 200 && std::count(also.begin(), also.end(), 0))) {
        if (seen.status != expect.status && !std::count(also.begin(), also.end(), seen.status))
            return "not the refusal";
        if (seen.client == Seen::Client::kept) return "the connection was kept";
        if (seen.requests != 0) return "a request reached the origin";
        return expect.kind == "error" && seen.connected ? "a part reached the origin" : "";
    }
    if (!expect.complete) {  // it waited, and was then broken off by the client
        if (seen.requests != 0) return "completed what the client did not";
        if (seen.request_content.size() != expect.body_len) return "content before the wait";
        return seen.client == Seen::Client::kept ? "the connection was kept" : "";
    }
    if (seen.status != 200 || !seen.complete) return "not the answer";
    const bool is_ours = vector.raw.starts_with("OPTIONS * ");  // answered by the proxy itself
    if (seen.requests != (is_ours ? 0 : expect.leftover > 0 ? 2 : 1)) return "number of requests";
    if (seen.request_content.size() != expect.body_len) return "content";
    if (expect.leftover == 0 && (seen.client == Seen::Client::kept) != expect.reusable)
        return "the client's connection";
    return "";
}

// ---- running them

constexpr std::uint32_t first_address = 0x7f000002;  // 127.0.0.2 and following
constexpr unsigned lane_count = 4;

class Lanes {
public:
    explicit Lanes(const std::string& model)
        : lanes_(make()), proxy_(model, threads_of(model, 8) + directives()) {
        for (Lane& lane : lanes_)
            lane.connect_to_port(proxy_.port());
    }

    /// Runs every job; what `judge` says about each is a failure.
    template <class Run, class Judge>
    void run(const std::vector<Job>& jobs, Run run, Judge judge) {
        std::atomic<std::size_t> next = 0;
        std::mutex mutex;
        std::vector<std::string> failures;
        std::vector<std::thread> threads;
        for (Lane& lane : lanes_) {
            threads.emplace_back([&] {
                for (std::size_t i; (i = next++) < jobs.size();) {
                    const Seen seen = run(lane, jobs[i]);
                    const std::string wrong = judge(jobs[i], seen);
                    if (wrong.empty()) continue;
                    std::ostringstream text;
                    text << jobs[i].name << ": " << wrong << "\n    " << seen;
                    const std::lock_guard lock(mutex);
                    failures.push_back(text.str());
                    if (failures.size() > 100) return;
                }
            });
        }
        for (std::thread& thread : threads)
            thread.join();
        for (const std::string& each : failures)
            ADD_FAILURE() << each;
    }

private:
    static std::vector<Lane> make() {
        std::vector<Lane> lanes;
        for (std::uint32_t i = 0; i < lane_count; i++)
            lanes.emplace_back(first_address + i);
        return lanes;
    }
    std::string directives() const {
        std::string text = "MaxKeepAliveRequests 0\nTimeout 20\n";
        for (const Lane& lane : lanes_)
            text += lane.directives();
        return text;
    }

    std::vector<Lane> lanes_;
    RunningProxy proxy_;
};

/// Every place. Only the hostile ones of 6 to 9 KiB, which are about limits, are cut at some 200
/// places of theirs: all of them would be 170,000 exchanges under each model, a minute, and the
/// units cut them everywhere. HEADGATE_TEST_EVERY_CUT=1 does it here too.
/// Over TLS each takes a handshake, so some twenty places do.
std::size_t step_between_cuts(const FramingVector& vector) {
    constexpr std::size_t long_message = 1200;
    if (tests_tls()) return 1 + vector.raw.size() / 20;
    const bool is_sampled = vector.name.starts_with("hostile-") &&
                            vector.raw.size() > long_message &&
                            std::getenv("HEADGATE_TEST_EVERY_CUT") == nullptr;
    return is_sampled ? 1 + vector.raw.size() / 200 : 1;
}

void add_jobs(std::vector<Job>& jobs, const FramingVector& vector, Cut cut) {
    const std::string_view raw = vector.raw;
    if (cut == Cut::whole) {
        jobs.push_back({&vector, {raw}, 1, vector.name});
        if (!vector.is_request && vector.upgrade.empty())
            jobs.push_back({&vector, {raw}, 0, vector.name + " to a 1.0 client"});
    }
    // Nothing at all is an answer to try again for.
    if (cut == Cut::on_used && !raw.empty())
        jobs.push_back({&vector, {raw}, 1, vector.name + " on a used connection", true});
    if (cut == Cut::by_octet) {
        Pieces pieces;
        for (std::size_t i = 0; i < raw.size(); i++)
            pieces.push_back(raw.substr(i, 1));
        jobs.push_back({&vector, pieces, 1, vector.name + " octet by octet"});
    }
    if (cut == Cut::in_two) {
        for (std::size_t at = 1; at < raw.size(); at += step_between_cuts(vector)) {
            jobs.push_back({&vector,
                            {raw.substr(0, at), raw.substr(at)},
                            1,
                            vector.name + " cut at " + std::to_string(at)});
        }
    }
}

void run_responses(const std::string& model, Cut cut) {
    std::set<std::string> skipped;
    const auto vectors = vectors_of(false, false, skipped);
    std::vector<Job> jobs;
    for (const FramingVector& each : vectors)
        add_jobs(jobs, each, cut);
    Lanes(model).run(
        jobs,
        [](Lane& lane, const Job& job) {
            return lane.run_response(*job.vector, job.pieces, job.version, job.is_used);
        },
        [](const Job& job, const Seen& seen) {
            return wrong_response(*job.vector, seen, job.version);
        });
    EXPECT_GE(vectors.size(), 80U);
}

void run_requests(const std::string& model, Cut cut) {
    std::set<std::string> skipped;
    const auto vectors = vectors_of(true, false, skipped);
    std::vector<Job> jobs;
    for (const FramingVector& each : vectors)
        add_jobs(jobs, each, cut);
    Lanes(model).run(
        jobs, [](Lane& lane, const Job& job) { return lane.run_request(*job.vector, job.pieces); },
        [](const Job& job, const Seen& seen) { return wrong_request(*job.vector, seen); });
    EXPECT_GE(vectors.size(), 73U);
}

TEST_P(Vectors, OfResponsesWhole) {
    run_responses(model(), Cut::whole);
}
TEST_P(Vectors, OfResponsesOnUsedConnections) {
    run_responses(model(), Cut::on_used);
}
TEST_P(Vectors, OfResponsesOctetByOctet) {
    run_responses(model(), Cut::by_octet);
}
TEST_P(Vectors, OfResponsesCutAnywhere) {
    run_responses(model(), Cut::in_two);
}
TEST_P(Vectors, OfRequestsWhole) {
    run_requests(model(), Cut::whole);
}
TEST_P(Vectors, OfRequestsOctetByOctet) {
    run_requests(model(), Cut::by_octet);
}
TEST_P(Vectors, OfRequestsCutAnywhere) {
    run_requests(model(), Cut::in_two);
}

TEST_P(Vectors, OfIdleConnections) {
    std::set<std::string> skipped;
    const auto vectors = vectors_of(false, true, skipped);
    std::vector<Job> jobs;
    for (const FramingVector& each : vectors)
        jobs.push_back({&each, {}, 1, each.name});
    Lanes(model()).run(
        jobs, [](Lane& lane, const Job& job) { return lane.run_idle(*job.vector); },
        [](const Job&, const Seen& seen) -> std::string {
            if (!seen.fault.empty()) return seen.fault;
            if (seen.status != 200 || seen.content != "ok") return "the first answer";
            return seen.second_answered && !seen.reused ? "" : "the second answer";
        });
    EXPECT_GE(vectors.size(), 3U);
}

/// The cuts are real only if the barrier between two pieces sees octets that are not read yet.
TEST(VectorsBarrier, SeesWhatThePeerHasNotRead) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const Descriptor listener = listen_on(address, 0);
    Wire client(connect_to(address, 0, 0));
    wait_until("to connect", [&] { return client.is_read_by_peer(); });
    client.send("abc");
    Wire peer;
    wait_until("to be accepted", [&] {
        peer = Wire(Descriptor(::accept4(listener.number(), nullptr, nullptr, SOCK_CLOEXEC)));
        return peer.is_open();
    });
    EXPECT_FALSE(client.is_read_by_peer());
    wait_until("to be read", [&] { return peer.pump() && peer.input == "abc"; });
    EXPECT_TRUE(client.is_read_by_peer());
}

/// None is left out by accident.
TEST(VectorsLeftOut, AreNamed) {
    std::set<std::string> skipped;
    vectors_of(true, false, skipped);
    for (const std::string& each : skipped)
        std::printf("    left out: %s\n", each.c_str());
    EXPECT_EQ(skipped.size(), 12U);
}

}  // namespace
}  // namespace headgate
