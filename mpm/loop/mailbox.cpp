// See mailbox.h.
#include "mpm/loop/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "mpm/loop/want.h"

namespace headgate::loop {

Mailbox::Mailbox() : descriptor_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (descriptor_ < 0) end_for_want_of("eventfd");
}

Mailbox::~Mailbox() {
    ::close(descriptor_);
}

void Mailbox::post(Call call) {
    {
        std::lock_guard lock(mutex_);
        calls_.push_back(std::move(call));
    }
    const std::uint64_t one = 1;
    // Can only fail when the counter is full, and then the loop is awake already.
    [[maybe_unused]] const ssize_t written = ::write(descriptor_, &one, sizeof one);
}

void Mailbox::deliver() {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t drained = ::read(descriptor_, &count, sizeof count);
    std::vector<Call> calls;
    {
        std::lock_guard lock(mutex_);
        calls.swap(calls_);
    }
    for (Call& call : calls)
        call();
}

}  // namespace headgate::loop
