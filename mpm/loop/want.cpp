// See want.h.
#include "mpm/loop/want.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "mpm/loop/reserve.h"

namespace headgate::loop {
namespace {

constexpr std::size_t kept_for_the_end = 32 * 1024;

std::function<bool(const char*)> told;
void* kept = nullptr;
std::atomic<bool> is_ending{false};
thread_local bool is_ending_here = false;

/// Of operator new, which tries again when this returns.
void find_memory() {
    if (reserve::release()) return;
    errno = ENOMEM;
    end_for_want_of("memory");
}

}  // namespace

void end_for_want_of(const char* what) {
    const int error = errno;
    if (is_ending_here) ::_exit(want_status);  // that it ends cannot be said either
    is_ending_here = true;
    while (is_ending.exchange(true))
        ::pause();  // another thread is ending the process
    std::free(std::exchange(kept, nullptr));
    char line[160];
    std::snprintf(line, sizeof line, "no %s%s%s: process %d ends", what, error != 0 ? ": " : "",
                  error != 0 ? std::strerror(error) : "", static_cast<int>(::getpid()));
    if (!told || !told(line)) std::fprintf(stderr, "headgate: %s\n", line);
    ::_exit(want_status);
}

void* allocate_or_end(std::size_t size) {
    void* block = reserve::allocate(size);
    if (block == nullptr) {
        errno = ENOMEM;
        end_for_want_of("memory");
    }
    return block;
}

void end_where_memory_ends(std::function<bool(const char* line)> say) {
    told = std::move(say);
    if (kept == nullptr) kept = std::malloc(kept_for_the_end);
    std::set_new_handler(find_memory);
}

}  // namespace headgate::loop
