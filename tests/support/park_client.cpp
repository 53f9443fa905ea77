// headgate-park: opens many exchanges, lets each get stuck in one phase, and holds them there while
// it sends quick requests past them. It shows what a parked exchange costs a proxy, and whether
// anybody else notices.
//
//     headgate-park --mode think --count 5000 --to http://127.0.0.1:8080/
//
// When all are open, or no more will be, it prints `opened N started M failed K`. Then it takes
// commands from standard input, one a line, and prints one line for each:
//
//     quick URL COUNT [keep] [LIMIT_MS]    COUNT requests in turn, on fresh connections or on one
//         answered=200 failed=0 median_us=310 max_us=900 parked=5000
//     finish [COUNT] [LIMIT_S]             lets the first COUNT exchanges (all) end properly
//         completed=5000 broken=0 left=0
//     quit
//
// Started means: the exchange is where its phase wants it. For requests that are not finished, and
// for upstreams that think, what was to be sent is sent; for responses, their head has arrived.
// One thread, one edge-triggered epoll set. Read from the bottom: main, Park::run.
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/park_plan.h"
#include "tests/support/parked_exchange.h"
#include "tests/support/quick_run.h"

namespace {

using namespace headgate::support;

// What an epoll event is about, above every index of an exchange.
constexpr std::uint64_t about_input = 1ull << 62;
constexpr std::uint64_t about_quick = about_input + 1;

constexpr std::size_t opening_at_once = 256;  // stays within a listener's backlog
constexpr std::uint32_t loopback = 0x7f000001;
constexpr std::size_t ports_of_a_source = 20000;

class Park {
public:
    Park(ParkOptions options, Plan plan)
        : options_(std::move(options)),
          plan_(std::move(plan)),
          events_(::epoll_create1(EPOLL_CLOEXEC)),
          began_us_(now_us()),
          progress_us_(began_us_) {
        exchanges_.reserve(options_.count);
        ::fcntl(STDIN_FILENO, F_SETFL, ::fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
        watch(STDIN_FILENO, about_input, EPOLLIN);
    }

    void run() {
        while (!is_over_) {
            if (task_ == Task::open) open_more();
            wait();
            drip();
            step_task();
            while (task_ == Task::none && next_command()) {
            }
        }
    }

private:
    enum class Task { open, none, quick, finish };

    void watch(int descriptor, std::uint64_t about, std::uint32_t interest) {
        epoll_event event{};
        event.events = interest;
        event.data.u64 = about;
        ::epoll_ctl(events_.number(), EPOLL_CTL_ADD, descriptor, &event);
    }

    void wait() {
        epoll_event ready[512];
        int count = ::epoll_wait(events_.number(), ready, 512, task_ == Task::open ? 1 : 20);
        for (int i = 0; i < count; ++i) {
            auto about = ready[i].data.u64;
            if (about == about_input)
                read_input();
            else if (about == about_quick)
                advance_quick();
            else
                advance(exchanges_[about]);
        }
    }

    // ---- the exchanges
    // -----------------------------------------------------------------------------

    static bool is_opening(const ParkedExchange& exchange) {
        return exchange.is_open() && !exchange.has_opened();
    }

    void advance(ParkedExchange& exchange) {
        auto before = exchange.state();
        bool was_opening = is_opening(exchange);
        exchange.advance();
        if (was_opening && !is_opening(exchange)) --opening_;
        if (exchange.state() != before) progress_us_ = now_us();
    }

    void open_more() {
        auto due = std::min<std::uint64_t>(options_.count,
                                           (now_us() - began_us_) * options_.rate / 1000000 + 1);
        while (exchanges_.size() < due && opening_ < opening_at_once) {
            auto index = exchanges_.size();
            // A source address has about 28,000 ports toward one peer.
            bool is_local = ntohl(options_.to.address.sin_addr.s_addr) >> 24 == 127;
            auto nth = static_cast<std::uint32_t>(index / ports_of_a_source);
            auto socket = connect_to(options_.to.address, is_local ? loopback + nth : 0,
                                     plan_.receive_buffer);
            auto& exchange = exchanges_.emplace_back(plan_, std::move(socket));
            progress_us_ = now_us();
            if (!exchange.is_open()) continue;
            ++opening_;
            watch(exchange.socket(), index, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
            drips_.emplace_back(progress_us_ + options_.drip_ms * 1000, index);
        }
    }

    void drip() {
        auto now = now_us();
        while (!drips_.empty() && drips_.front().first <= now) {
            auto index = drips_.front().second;
            drips_.pop_front();
            exchanges_[index].drip();
            if (exchanges_[index].is_open()) {
                drips_.emplace_back(now + options_.drip_ms * 1000, index);
            }
        }
    }

    std::size_t count(ParkedExchange::State state) const {
        return static_cast<std::size_t>(
            std::count_if(exchanges_.begin(), exchanges_.end(),
                          [state](const auto& exchange) { return exchange.state() == state; }));
    }

    // ---- the task at hand
    // --------------------------------------------------------------------------

    void step_task() {
        auto now = now_us();
        if (task_ == Task::open) {
            bool is_done =
                exchanges_.size() == options_.count && count(ParkedExchange::State::opening) == 0;
            if (is_done || now - progress_us_ > options_.settle_ms * 1000) report_opened();
        } else if (task_ == Task::quick) {
            if (now >= quick_->deadline_us()) advance_quick();
        } else if (task_ == Task::finish) {
            bool is_done = std::none_of(exchanges_.begin(), exchanges_.begin() + finishing_,
                                        [](const auto& exchange) { return exchange.is_open(); });
            if (is_done || now >= finish_deadline_us_) report_finished();
        }
    }

    void report_opened() {
        auto started = std::count_if(exchanges_.begin(), exchanges_.end(),
                                     [](const auto& exchange) { return exchange.has_started(); });
        std::printf("opened %zu started %zu failed %zu\n", exchanges_.size(),
                    static_cast<std::size_t>(started), count(ParkedExchange::State::failed));
        end_task();
    }

    void advance_quick() {
        if (!quick_) return;
        while (quick_->advance()) {
            if (quick_->is_over()) return report_quick();
            begin_quick();
        }
    }

    void begin_quick() {
        if (quick_->begin() && quick_->socket() >= 0) {
            watch(quick_->socket(), about_quick, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
        }
    }

    void report_quick() {
        std::printf("answered=%zu failed=%zu median_us=%llu max_us=%llu parked=%zu\n",
                    quick_->answered(), quick_->failed(),
                    static_cast<unsigned long long>(quick_->median_us()),
                    static_cast<unsigned long long>(quick_->max_us()),
                    count(ParkedExchange::State::parked));
        quick_.reset();
        end_task();
    }

    void report_finished() {
        std::printf("completed=%zu broken=%zu left=%zu\n", count(ParkedExchange::State::completed),
                    count(ParkedExchange::State::failed),
                    count(ParkedExchange::State::parked) + count(ParkedExchange::State::opening));
        end_task();
    }

    void end_task() {
        std::fflush(stdout);
        task_ = Task::none;
    }

    // ---- commands
    // ----------------------------------------------------------------------------------

    void read_input() {
        char scratch[1024];
        auto size = ::read(STDIN_FILENO, scratch, sizeof scratch);
        if (size < 0) return;
        if (size > 0) {
            input_.append(scratch, static_cast<std::size_t>(size));
        } else {
            ::epoll_ctl(events_.number(), EPOLL_CTL_DEL, STDIN_FILENO, nullptr);
            input_ += "quit\n";
        }
    }

    bool next_command() {
        auto end = input_.find('\n');
        if (end == std::string::npos || is_over_) return false;
        std::istringstream words(input_.substr(0, end));
        input_.erase(0, end + 1);

        std::string name;
        words >> name;
        if (name == "quick")
            start_quick(words);
        else if (name == "finish")
            start_finish(words);
        else if (name == "quit")
            is_over_ = true;
        else
            complain("commands are quick, finish and quit");
        return true;
    }

    void start_quick(std::istringstream& words) {
        std::string url_text;
        std::size_t count = 0;
        words >> url_text >> count;
        std::uint64_t limit_ms = 10000;
        bool keeps = false;
        for (std::string word; words >> word;) {
            if (word == "keep")
                keeps = true;
            else
                limit_ms = parse_number(word).value_or(limit_ms);
        }
        auto url = parse_url(url_text);
        if (!url || count == 0) return complain("quick URL COUNT [keep] [LIMIT_MS]");
        quick_.emplace(*url, count, keeps, limit_ms * 1000);
        task_ = Task::quick;
        begin_quick();
    }

    void start_finish(std::istringstream& words) {
        std::size_t count = exchanges_.size();
        std::uint64_t limit_s = 60;
        words >> count >> limit_s;
        finishing_ = static_cast<std::ptrdiff_t>(std::min(count, exchanges_.size()));
        finish_deadline_us_ = now_us() + limit_s * 1000000;
        task_ = Task::finish;
        for (std::ptrdiff_t i = 0; i < finishing_; ++i) {
            exchanges_[static_cast<std::size_t>(i)].let_end();
        }
    }

    void complain(const char* text) {
        std::printf("error: %s\n", text);
        end_task();
    }

    ParkOptions options_;
    Plan plan_;
    Descriptor events_;
    std::uint64_t began_us_;
    std::uint64_t progress_us_;  // when an exchange last changed its state
    Task task_ = Task::open;
    bool is_over_ = false;
    std::string input_;

    std::vector<ParkedExchange> exchanges_;
    std::size_t opening_ = 0;  // connections whose request is not sent yet
    std::deque<std::pair<std::uint64_t, std::size_t>> drips_;  // due, index; one fixed interval
    std::optional<QuickRun> quick_;
    std::ptrdiff_t finishing_ = 0;
    std::uint64_t finish_deadline_us_ = 0;
};

int usage() {
    std::fputs(
        "usage: headgate-park --to URL --mode MODE --count N [--rate PER_SECOND] [--drip-ms MS]\n"
        "           [--hold-ms MS] [--settle-ms MS] [--octets N] [--rcvbuf OCTETS]\n"
        "modes: half-head slow-upload think drip-length drip-chunked drip-close slow-reader\n",
        stderr);
    return 2;
}

bool set_option(ParkOptions& options, std::string_view name, std::string_view text) {
    if (name == "--mode") {
        options.mode = text;
        return true;
    }
    if (name == "--to") {
        auto url = parse_url(text);
        if (url) options.to = *url;
        return url.has_value();
    }
    auto number = parse_number(text);
    if (!number) return false;
    if (name == "--count")
        options.count = *number;
    else if (name == "--rate")
        options.rate = *number;
    else if (name == "--drip-ms")
        options.drip_ms = std::max<std::uint64_t>(1, *number);
    else if (name == "--hold-ms")
        options.hold_ms = *number;
    else if (name == "--settle-ms")
        options.settle_ms = *number;
    else if (name == "--octets")
        options.octets = *number;
    else if (name == "--rcvbuf")
        options.receive_buffer = static_cast<int>(*number);
    else
        return false;
    return true;
}

}  // namespace

int main(int count, char** words) {
    ParkOptions options;
    for (int i = 1; i < count; i += 2) {
        if (i + 1 == count || !set_option(options, words[i], words[i + 1])) return usage();
    }
    auto plan = make_plan(options);
    if (!plan || options.to.target.empty()) return usage();

    constexpr std::size_t spare = 64;
    if (raise_descriptor_limit() < options.count + spare) {
        std::fputs("headgate-park: the descriptor limit is too low for that many\n", stderr);
        return 1;
    }
    Park(std::move(options), std::move(*plan)).run();
}
