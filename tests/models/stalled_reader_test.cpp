// A client that reads fast for a while, and then stops: what waits for it in the kernel is bounded,
// however much it had taken before, and what it reads later is right.
#include <iostream>

#include "tests/support/behaviour.h"
#include "tests/support/content_pattern.h"
#include "tests/support/kernel_queues.h"

namespace headgate {
namespace {

using namespace support;

class StalledReader : public Behaviour {};
EVERY_MODEL(StalledReader);

constexpr std::uint64_t read_fast = 48 << 20;
constexpr std::uint64_t all = 96 << 20;
// As README.md says, and what the last piece may be above it: a segment as the kernel keeps it.
constexpr std::uint64_t most_unsent = 512 * 1024;
constexpr std::uint64_t one_segment = 64 * 1024;

void expect_pattern(RawConnection& client, std::uint64_t& received, std::uint64_t until) {
    while (received < until) {
        const std::string run = client.receive_some();
        ASSERT_FALSE(run.empty()) << "ended behind " << received;
        ASSERT_TRUE(is_pattern(run, received)) << "wrong behind " << received;
        received += run.size();
    }
}

TEST_P(StalledReader, HasLittleWaitingInTheKernel) {
    for (const char* how : {"EnableSplice On\n", "EnableSplice Off\n"}) {
        SCOPED_TRACE(how);
        RunningOrigin origin;
        RunningProxy proxy(model(), how + pass_all_to(origin));
        RawConnection client(proxy.port());
        client.send(get("/big?bytes=" + std::to_string(all)));
        client.receive_head();
        std::uint64_t received = 0;
        expect_pattern(client, received, read_fast);
        // It waits for its reader: there is something to be read, and it does not.
        std::uint64_t unsent = 0;
        wait_until("for the proxy to wait for its reader", [&] {
            proxy.wait_until_parked();
            unsent = kernel_queues(proxy.port(), 0).unsent;
            EXPECT_LE(unsent, most_unsent + one_segment);
            return unsent > 0 && kernel_queues(0, origin.port()).unread > 0;
        });
        std::cout << how << unsent / 1024 << " KiB wait to be sent\n";
        expect_pattern(client, received, all);
    }
}

}  // namespace
}  // namespace headgate
