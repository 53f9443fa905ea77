// See resolver.h. c-ares works on descriptors of its own, tells which of them to watch, and has one
// timer; Channel ties these to the loop by waiters that call back instead of resuming a task.
#include "upstream/resolver.h"

#include <ares.h>
#include <netdb.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>

#include "mpm/loop/reserve.h"
#include "mpm/loop/wakeup.h"
#include "mpm/loop/want.h"

namespace headgate::upstream {

using loop::Address;
using loop::Deadline;
using loop::TimePoint;
using loop::Waiter;
using loop::Wake;
using net::FailureKind;
using net::Side;

/// What is known of one name.
struct Resolver::Name {
    std::string host;
    std::vector<Address> addresses;  // of the last good answer
    TimePoint fresh_until{};
    TimePoint not_before{};  // after a failure: no new query until then
    TimePoint stale_from{};  // of this query: from then on the last good answer has to do
    bool querying = false;
    loop::Wakeup answered;
};

class Resolver::Channel {
public:
    Channel(loop::Loop& loop, std::string servers) : loop_(loop), servers_(std::move(servers)) {
        static std::once_flag once;
        std::call_once(once, [] {
            ares_library_init_mem(ARES_LIB_INIT_ALL, loop::reserve::allocate, std::free,
                                  loop::reserve::reallocate);
        });
        timer_.call = [](Waiter& waiter) {
            Channel& channel = *static_cast<Channel*>(waiter.context);
            ares_process_fd(channel.ares_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
            channel.reschedule();
        };
        timer_.context = this;
        open();
    }

    ~Channel() {
        closing_ = true;
        ares_destroy(ares_);
        timer_.deadline_hook.unlink();
    }

    Name& name(const std::string& host) {
        auto& slot = names_[host];
        if (!slot) {
            slot = std::make_unique<Name>();
            slot->host = host;
        }
        return *slot;
    }

    void query(Name& name) {
        reopen_when_configuration_changed();
        name.querying = true;
        name.stale_from = loop_.now() + patience;
        ares_addrinfo_hints hints{};
        hints.ai_family = AF_UNSPEC;
        hints.ai_socktype = SOCK_STREAM;
        auto* question = new Question{*this, name};
        ares_getaddrinfo(ares_, name.host.c_str(), nullptr, &hints, on_answer, question);
        reschedule();
    }

private:
    struct Question {
        Channel& channel;
        Name& name;
    };

    /// One descriptor of c-ares. Lives until no waiter of its own is queued any more.
    struct Watched {
        Channel& channel;
        int descriptor;
        loop::Readiness& readiness;
        Waiter reader{}, writer{};
        bool is_dead = false;
    };

    void open() {
        ares_options options{};
        options.timeout = 2000;
        options.tries = 2;
        options.sock_state_cb = [](void* self, ares_socket_t socket, int read, int write) {
            static_cast<Channel*>(self)->watch(socket, read != 0, write != 0);
        };
        options.sock_state_cb_data = this;
        const int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
        errno = 0;
        const int made = ares_init_options(&ares_, &options, mask);
        if (made != ARES_SUCCESS) loop::end_for_want_of("resolver of names");
        if (!servers_.empty()) ares_set_servers_ports_csv(ares_, servers_.c_str());
        configured_ = configuration_time();
    }

    static std::int64_t configuration_time() {
        struct stat facts {};
        if (::stat("/etc/resolv.conf", &facts) != 0) return 0;
        return facts.st_mtim.tv_sec * 1'000'000'000 + facts.st_mtim.tv_nsec;
    }

    void reopen_when_configuration_changed() {
        const bool busy = std::any_of(names_.begin(), names_.end(),
                                      [](const auto& each) { return each.second->querying; });
        if (busy || configuration_time() == configured_) return;
        ares_destroy(ares_);
        open();
    }

    void watch(int descriptor, bool read, bool write) {
        const auto found = watched_.find(descriptor);
        if (!read && !write) {
            if (found != watched_.end()) unwatch(found->second.release());
            watched_.erase(descriptor);
            return;
        }
        if (found != watched_.end()) return;
        auto fresh =
            std::unique_ptr<Watched>(new Watched{*this, descriptor, loop_.watch(descriptor)});
        for (Waiter* waiter : {&fresh->reader, &fresh->writer}) {
            waiter->context = fresh.get();
            waiter->call = on_ready;
        }
        park(*fresh);
        watched_[descriptor] = std::move(fresh);
    }

    void unwatch(Watched* watched) {
        watched->is_dead = true;
        const bool queued = watched->reader.queued || watched->writer.queued;
        watched->reader.source_hook.unlink();
        watched->writer.source_hook.unlink();
        loop_.forget(watched->readiness);
        if (!queued && !(watched == running_)) delete watched;
    }

    void park(Watched& watched) {
        for (Waiter* waiter : {&watched.reader, &watched.writer}) {
            if (waiter->queued || waiter->source_hook.is_linked()) continue;
            const bool reads = waiter == &watched.reader;
            loop_.park(*waiter, reads ? &watched.readiness.readers : &watched.readiness.writers,
                       Deadline::never());
        }
    }

    static void on_ready(Waiter& waiter) {
        auto* watched = static_cast<Watched*>(waiter.context);
        Channel& channel = watched->channel;
        if (!watched->is_dead) channel.process(*watched, &waiter == &watched->reader);
        if (watched->is_dead && !watched->reader.queued && !watched->writer.queued) delete watched;
    }

    void process(Watched& watched, bool reads) {
        running_ = &watched;
        int waiting = 0;
        do {
            if (reads) {
                ares_process_fd(ares_, watched.descriptor, ARES_SOCKET_BAD);
            } else {
                ares_process_fd(ares_, ARES_SOCKET_BAD, watched.descriptor);
            }
            waiting = 0;
            // The set is edge-triggered: what c-ares left unread would never be told again.
            if (reads && !watched.is_dead) ::ioctl(watched.descriptor, FIONREAD, &waiting);
        } while (waiting > 0);
        running_ = nullptr;
        if (!watched.is_dead) park(watched);
        reschedule();
    }

    void reschedule() {
        timeval limit{};
        if (ares_timeout(ares_, nullptr, &limit) == nullptr || timer_.queued) return;
        const auto wait =
            std::chrono::seconds(limit.tv_sec) + std::chrono::microseconds(limit.tv_usec + 1000);
        timer_.deadline_hook.unlink();
        loop_.park(timer_, nullptr, Deadline::at(loop_.now() + wait));
    }

    static void on_answer(void* argument, int status, int, ares_addrinfo* info) {
        const std::unique_ptr<Question> question(static_cast<Question*>(argument));
        Channel& channel = question->channel;
        Name& name = question->name;
        if (!channel.closing_) channel.learn(name, status, info);
        if (info != nullptr) ares_freeaddrinfo(info);
    }

    void learn(Name& name, int status, const ares_addrinfo* info) {
        name.querying = false;
        const TimePoint now = loop_.precise_now();
        std::vector<Address> found;
        std::chrono::seconds ttl = ceiling;
        for (auto* node = info != nullptr ? info->nodes : nullptr; node; node = node->ai_next) {
            if (node->ai_family == AF_INET) {
                found.push_back(Address::from_v4(
                    reinterpret_cast<const sockaddr_in*>(node->ai_addr)->sin_addr, 0));
            } else if (node->ai_family == AF_INET6) {
                found.push_back(Address::from_v6(
                    reinterpret_cast<const sockaddr_in6*>(node->ai_addr)->sin6_addr, 0));
            }
            ttl = std::min(ttl, std::chrono::seconds(node->ai_ttl));
        }
        if (status == ARES_SUCCESS && !found.empty()) {
            name.addresses = std::move(found);
            name.fresh_until = now + std::clamp(ttl, floor, ceiling);
        } else {
            name.not_before = now + retry;
        }
        name.answered.notify_all(loop_);
    }

    loop::Loop& loop_;
    const std::string servers_;
    ares_channel ares_ = nullptr;
    std::int64_t configured_ = 0;
    bool closing_ = false;
    Watched* running_ = nullptr;
    Waiter timer_;
    std::map<int, std::unique_ptr<Watched>> watched_;
    std::map<std::string, std::unique_ptr<Name>> names_;
};

Resolver::Resolver(loop::Loop& loop, const std::string& servers)
    : loop_(loop), channel_(std::make_unique<Channel>(loop, servers)) {}

Resolver::~Resolver() = default;

std::string Resolver::library_version() {
    return std::string("c-ares ") + ares_version(nullptr);
}

loop::Task<net::Result<std::vector<Address>>> Resolver::resolve(const std::string& host,
                                                                std::uint16_t port,
                                                                Deadline deadline) {
    if (const auto literal = Address::from_literal(host, port)) {
        co_return std::vector<Address>{*literal};
    }
    Name& name = channel_->name(host);
    const TimePoint now = loop_.now();
    const bool is_fresh = name.fresh_until > now;
    if (!is_fresh && !name.querying && name.not_before <= now) channel_->query(name);
    // RFC 8767 section 5: an old answer is better than none, once the query has had its chance.
    const bool has_old = !name.addresses.empty();
    if (name.querying && !is_fresh && !(has_old && name.stale_from <= now)) {
        const Deadline until = has_old ? Deadline::after(patience) : deadline;
        const Wake wake = co_await name.answered.wait(loop_, net::phase::resolve, until);
        const bool may_go_on = wake == Wake::deadline && !name.addresses.empty();
        if (wake != Wake::ready && !may_go_on) {
            co_return net::failed_wait(Side::upstream, net::phase::resolve, wake);
        }
    }
    co_return answer(name, port);
}

net::Result<std::vector<Address>> Resolver::answer(const Name& name, std::uint16_t port) {
    if (name.addresses.empty()) {
        return net::Failure{
            Side::upstream,           FailureKind::unresolved, net::phase::resolve, 0, 0,
            "the name has no address"};
    }
    std::vector<Address> result;
    for (const Address& each : name.addresses)
        result.push_back(each.with_port(port));
    return result;
}

}  // namespace headgate::upstream
