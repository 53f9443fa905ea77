// headgate-steady: sends requests at a steady pace for a while, and counts those that went wrong.
// It is for what must not be noticed: reloads, upgrades, children that die.
//
//     headgate-steady --to http://127.0.0.1:8080/ --seconds 15 --keep 20 --once 10 --streams 20
//
// --keep clients keep their connection, --once clients open a fresh one for each request; both ask
// for the origin's /hello, pause (--pause-ms, 20), and ask again. --streams clients read chunked
// content that drips for --stream-ms (10000), compare each octet of it, and start over. After
// --seconds nothing new begins, and what is outstanding is read to its end. Nothing is retried: a
// request whose connection ends without an octet of an answer has failed. A kept connection that is
// closed while no request is outstanding is normal, and opened again.
//
// It prints one line for each kind, the first word being keep, once or stream:
//
//     keep requests=3021 failed=0 refused=0 unanswered=0 incomplete=0 wrong=0 late=0 reopened=7
//         median_us=310 max_us=5100
//
// and before them, for each failure, `failed KIND HOW at_ms=1234 fresh=0 after_ms=2`, with times
// since the start of the run and since that of the request.
// One thread, one edge-triggered epoll set. Read from the bottom: main, Steady::run.
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/socket_help.h"
#include "tests/support/steady_exchange.h"

namespace {

using namespace headgate::support;

struct Options {
    std::string to;
    std::uint64_t seconds = 10;
    std::uint64_t keep = 0;
    std::uint64_t once = 0;
    std::uint64_t streams = 0;
    std::uint64_t pause_ms = 20;
    std::uint64_t stream_ms = 10000;
    std::uint64_t limit_ms = 10000;  // for a short request; a stream has its length more
};

constexpr std::array<const char*, 3> kind_names = {"keep", "once", "stream"};
constexpr std::uint64_t stream_octets = 100;

struct Tally {
    std::array<std::uint64_t, ended_names.size()> ended{};
    std::uint64_t opened = 0;
    std::vector<std::uint64_t> times_us;
};

/// One kind of client: its plan, its clients and what became of their requests.
struct Kind {
    SteadyPlan plan;
    std::uint64_t count = 0;
    Tally tally;
};

class Steady {
public:
    Steady(std::array<Kind, 3> kinds, std::uint64_t seconds)
        : kinds_(std::move(kinds)),
          events_(::epoll_create1(EPOLL_CLOEXEC)),
          began_us_(now_us()),
          end_us_(began_us_ + seconds * 1000000) {
        for (std::size_t kind = 0; kind < kinds_.size(); kind++) {
            const Kind& each = kinds_[kind];
            for (std::uint64_t i = 0; i < each.count; i++) {
                // Spread over the first pause, not all at the same instant.
                const auto first_us = began_us_ + i * each.plan.pause_us / each.count;
                clients_.push_back({SteadyClient(each.plan, first_us), kind});
            }
        }
    }

    void run() {
        while (now_us() < end_us_ || is_any_asking()) {
            begin_due();
            wait();
        }
        for (const Kind& kind : kinds_)
            report(kind, kind_names[&kind - kinds_.data()]);
    }

private:
    struct Client {
        SteadyClient client;
        std::size_t kind;
    };

    bool is_any_asking() const {
        return std::any_of(clients_.begin(), clients_.end(),
                           [](const Client& each) { return each.client.is_asking(); });
    }

    /// Starts what is due, and gives up what is late.
    void begin_due() {
        const auto now = now_us();
        for (std::size_t i = 0; i < clients_.size(); i++) {
            SteadyClient& client = clients_[i].client;
            if (now < client.due_us() || (!client.is_asking() && now >= end_us_)) continue;
            if (!client.is_asking()) {
                advance(i);  // its connection may have ended meanwhile
                begin(i);
            }
            advance(i);
        }
    }

    void begin(std::size_t index) {
        SteadyClient& client = clients_[index].client;
        if (!client.begin()) return;
        kinds_[clients_[index].kind].tally.opened++;
        epoll_event event{};
        event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
        event.data.u64 = index;
        ::epoll_ctl(events_.number(), EPOLL_CTL_ADD, client.socket(), &event);
    }

    void advance(std::size_t index) {
        Client& each = clients_[index];
        Tally& tally = kinds_[each.kind].tally;
        Ended ended = Ended::right;
        const auto asked_us = each.client.began_us();
        if (!each.client.advance(ended)) return;
        const auto now = now_us();
        tally.ended[static_cast<std::size_t>(ended)]++;
        if (ended == Ended::right) {
            tally.times_us.push_back(now - asked_us);
            return;
        }
        std::printf("failed %s %s at_ms=%llu fresh=%d after_ms=%llu\n", kind_names[each.kind],
                    ended_names[static_cast<std::size_t>(ended)],
                    static_cast<unsigned long long>((now - began_us_) / 1000),
                    each.client.is_fresh() ? 1 : 0,
                    static_cast<unsigned long long>((now - asked_us) / 1000));
    }

    void wait() {
        epoll_event ready[256];
        const int count = ::epoll_wait(events_.number(), ready, 256, 1);
        for (int i = 0; i < count; i++)
            advance(ready[i].data.u64);
    }

    static void report(const Kind& kind, const char* name) {
        auto times = kind.tally.times_us;
        std::sort(times.begin(), times.end());
        std::uint64_t requests = 0;
        for (const auto each : kind.tally.ended)
            requests += each;
        std::printf("%s requests=%llu failed=%llu", name, static_cast<unsigned long long>(requests),
                    static_cast<unsigned long long>(requests - kind.tally.ended[0]));
        for (std::size_t i = 1; i < ended_names.size(); i++) {
            std::printf(" %s=%llu", ended_names[i],
                        static_cast<unsigned long long>(kind.tally.ended[i]));
        }
        const auto first = std::min(kind.count, kind.tally.opened);
        std::printf(" reopened=%llu median_us=%llu max_us=%llu\n",
                    static_cast<unsigned long long>(kind.tally.opened - first),
                    static_cast<unsigned long long>(times.empty() ? 0 : times[times.size() / 2]),
                    static_cast<unsigned long long>(times.empty() ? 0 : times.back()));
    }

    std::array<Kind, 3> kinds_;
    Descriptor events_;
    std::uint64_t began_us_;
    std::uint64_t end_us_;
    std::deque<Client> clients_;
};

/// The plans of the three kinds; empty when the URL is none.
std::optional<std::array<Kind, 3>> make_kinds(const Options& options) {
    const auto root = parse_url(options.to);
    if (!root) return std::nullopt;
    Url hello = *root;
    hello.target += "hello";
    Url stream = *root;
    stream.target += "chunked?bytes=" + std::to_string(stream_octets) +
                     "&chunk=1&ms=" + std::to_string(options.stream_ms / stream_octets);
    const auto pause_us = options.pause_ms * 1000;
    const auto limit_us = options.limit_ms * 1000;
    std::array<Kind, 3> kinds;
    kinds[0] = {{hello, true, false, 0, pause_us, limit_us}, options.keep, {}};
    kinds[1] = {{hello, false, false, 0, pause_us, limit_us}, options.once, {}};
    kinds[2] = {{stream, false, true, stream_octets, pause_us, limit_us + options.stream_ms * 1000},
                options.streams,
                {}};
    return kinds;
}

int usage() {
    std::fputs(
        "usage: headgate-steady --to URL [--seconds N] [--keep N] [--once N] [--streams N]\n"
        "           [--pause-ms MS] [--stream-ms MS] [--limit-ms MS]\n",
        stderr);
    return 2;
}

bool set_option(Options& options, std::string_view name, std::string_view text) {
    if (name == "--to") {
        options.to = text;
        return true;
    }
    const std::pair<std::string_view, std::uint64_t*> numbers[] = {
        {"--seconds", &options.seconds},   {"--keep", &options.keep},
        {"--once", &options.once},         {"--streams", &options.streams},
        {"--pause-ms", &options.pause_ms}, {"--stream-ms", &options.stream_ms},
        {"--limit-ms", &options.limit_ms},
    };
    const auto number = parse_number(text);
    for (const auto& [known, value] : numbers) {
        if (known != name || !number) continue;
        *value = *number;
        return true;
    }
    return false;
}

}  // namespace

int main(int count, char** words) {
    Options options;
    for (int i = 1; i < count; i += 2) {
        if (i + 1 == count || !set_option(options, words[i], words[i + 1])) return usage();
    }
    auto kinds = make_kinds(options);
    if (!kinds) return usage();
    raise_descriptor_limit();
    Steady(std::move(*kinds), options.seconds).run();
}
