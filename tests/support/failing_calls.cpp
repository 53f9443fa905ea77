// See failing_calls.h. A function of the program's own goes before one of the same name in the C
// library; that one is found behind it by dlsym().
#include "tests/support/failing_calls.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <map>

namespace headgate::support {
namespace {

using Verdict = FailPlan::Verdict;

constexpr std::uint16_t name_service_port = 53;
constexpr std::uint16_t refusing_port = 1;  // where nobody listens

struct State {
    FailPlan* plan = nullptr;
    std::uint16_t port = 0;
    int watched = -1;
    std::uint16_t names_port = 0;
    std::map<int, sockaddr_in> asked;  // by descriptor: whom the asking believes to ask
    int struck = -1;                   // the descriptor that the plan has hit
    Verdict verdict = Verdict::go_on;
    int connects = 0, reads = 0, writes = 0;
    int closed_twice = 0;
};

thread_local State state;

template <class Call>
Call* real(const char* name) {
    return reinterpret_cast<Call*>(::dlsym(RTLD_NEXT, name));
}

bool is_to(const sockaddr* address, std::uint16_t port) {
    return port != 0 && address->sa_family == AF_INET &&
           ntohs(reinterpret_cast<const sockaddr_in*>(address)->sin_port) == port;
}

/// Of connections: what is planned for. `port` is an upstream's or the name server's.
bool is_to_upstream(const sockaddr* address) {
    return is_to(address, state.port) || is_to(address, state.names_port);
}

bool is_upstream(int descriptor) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    auto* const address = reinterpret_cast<sockaddr*>(&peer);
    if (state.plan == nullptr) return false;
    if (descriptor == state.watched) return true;
    return ::getpeername(descriptor, address, &size) == 0 && is_to_upstream(address);
}

/// The plan's word on a step, which stays the same for the descriptor that it has hit.
Verdict step(int descriptor, int& counter) {
    if (descriptor == state.struck) return state.verdict;
    counter++;
    const Verdict verdict = state.plan->next();
    if (verdict == Verdict::go_on) return verdict;
    state.struck = descriptor;
    state.verdict = verdict;
    return verdict;
}

/// Whether a read or write goes on; else errno says why not.
bool may(int descriptor, int& counter) {
    if (!is_upstream(descriptor)) return true;
    const Verdict verdict = step(descriptor, counter);
    errno = verdict == Verdict::error ? ECONNRESET : EAGAIN;
    return verdict == Verdict::go_on;
}

}  // namespace

FailingCalls::FailingCalls(FailPlan& plan, std::uint16_t port) {
    state = {};
    state.plan = &plan;
    state.port = port;
}
FailingCalls::~FailingCalls() {
    state.plan = nullptr;
    state.struck = -1;
}
void FailingCalls::watch(int descriptor) {
    state.watched = descriptor;
}
void FailingCalls::names_from(std::uint16_t port) {
    state.names_port = port;
}
int FailingCalls::connects() {
    return state.connects;
}
int FailingCalls::reads() {
    return state.reads;
}
int FailingCalls::writes() {
    return state.writes;
}
int FailingCalls::closed_twice() {
    return state.closed_twice;
}

}  // namespace headgate::support

using headgate::support::may;
using headgate::support::real;
using headgate::support::state;

namespace {

sockaddr_in here(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

}  // namespace

// A connect that is to be cancelled is under way when that happens; all later calls would block.
extern "C" int connect(int descriptor, const sockaddr* address, socklen_t size) {
    using Verdict = headgate::support::Verdict;
    static auto* const next = real<decltype(::connect)>("connect");
    if (state.plan == nullptr) return next(descriptor, address, size);
    sockaddr_in names = here(state.names_port);
    if (state.names_port != 0 &&
        headgate::support::is_to(address, headgate::support::name_service_port)) {
        state.asked[descriptor] = *reinterpret_cast<const sockaddr_in*>(address);
        address = reinterpret_cast<const sockaddr*>(&names);
        size = sizeof names;
    }
    const bool is_step = headgate::support::is_to_upstream(address);
    if (!is_step || headgate::support::step(descriptor, state.connects) != Verdict::error) {
        return next(descriptor, address, size);
    }
    const sockaddr_in nobody = here(headgate::support::refusing_port);
    return next(descriptor, reinterpret_cast<const sockaddr*>(&nobody), sizeof nobody);
}

extern "C" ssize_t recvfrom(int descriptor, void* into, size_t size, int flags, sockaddr* from,
                            socklen_t* from_size) {
    static auto* const next = real<decltype(::recvfrom)>("recvfrom");
    if (!may(descriptor, state.reads)) {
        const int error = errno;
        next(descriptor, into, size, flags, from, from_size);  // a datagram that never came
        return errno = error, -1;
    }
    const ssize_t count = next(descriptor, into, size, flags, from, from_size);
    if (state.plan == nullptr || count < 0 || from == nullptr) return count;
    if (headgate::support::is_to(from, state.names_port)) {
        *reinterpret_cast<sockaddr_in*>(from) = state.asked[descriptor];
    }
    return count;
}

extern "C" ssize_t send(int descriptor, const void* octets, size_t size, int flags) {
    static auto* const next = real<decltype(::send)>("send");
    return may(descriptor, state.writes) ? next(descriptor, octets, size, flags) : -1;
}

extern "C" ssize_t recv(int descriptor, void* into, size_t size, int flags) {
    static auto* const next = real<decltype(::recv)>("recv");
    return may(descriptor, state.reads) ? next(descriptor, into, size, flags) : -1;
}

extern "C" ssize_t sendmsg(int descriptor, const msghdr* message, int flags) {
    static auto* const next = real<decltype(::sendmsg)>("sendmsg");
    return may(descriptor, state.writes) ? next(descriptor, message, flags) : -1;
}

extern "C" ssize_t splice(int from, off64_t* from_at, int to, off64_t* to_at, size_t size,
                          unsigned flags) {
    static auto* const next = real<decltype(::splice)>("splice");
    if (!may(from, state.reads) || !may(to, state.writes)) return -1;
    return next(from, from_at, to, to_at, size, flags);
}

extern "C" int close(int descriptor) {
    static auto* const next = real<decltype(::close)>("close");
    if (descriptor == state.struck) state.struck = -1;
    if (descriptor == state.watched) state.watched = -1;
    const int result = next(descriptor);
    if (result != 0 && errno == EBADF) state.closed_twice++;
    return result;
}
