// Mailbox: the one door through which other threads reach a loop. They leave a call; the loop's
// thread makes it. Nothing else of a loop may be touched from another thread.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

namespace headgate::loop {

class Mailbox {
public:
    using Call = std::function<void()>;

    Mailbox();
    ~Mailbox();
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;

    /// Leaves a call for the owner's thread. Any thread; never blocks for long; never fails.
    void post(Call call);

    /// The eventfd that becomes readable when there is something to take.
    int descriptor() const { return descriptor_; }

    /// Makes the calls left so far. Owner's thread only.
    void deliver();

private:
    int descriptor_;
    std::mutex mutex_;
    std::vector<Call> calls_;
};

}  // namespace headgate::loop
