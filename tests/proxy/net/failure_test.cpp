// Failures: what each is called, counted as and answered with; and whose a deadline was.
#include "proxy/net/failure.h"

#include <gtest/gtest.h>

#include <set>

namespace headgate::net {
namespace {

Failure waited(Side party, loop::Wake wake) {
    return failed_wait(party, phase::upstream_wait, wake);
}

TEST(Failure, of_a_deadline_says_who_was_silent) {
    const Failure client = waited(Side::client, loop::Wake::deadline);
    EXPECT_EQ(full_name(client), "timeout/upstream-wait/client-silent");
    EXPECT_EQ(party_of(client), Side::client);
    EXPECT_EQ(status_of(client), 408);
    const Failure upstream = waited(Side::upstream, loop::Wake::deadline);
    EXPECT_EQ(full_name(upstream), "timeout/upstream-wait/upstream-silent");
    EXPECT_EQ(party_of(upstream), Side::upstream);
    EXPECT_EQ(status_of(upstream), 504);
    const Failure both = waited(Side::proxy, loop::Wake::deadline);
    EXPECT_EQ(full_name(both), "timeout/upstream-wait/both-silent");
    EXPECT_EQ(party_of(both), Side::timeout);
}

TEST(Failure, of_a_cancelled_wait_is_named_by_who_cancelled_it) {
    const Failure cancelled = waited(Side::upstream, loop::Wake::cancelled);
    EXPECT_EQ(full_name(settled(cancelled, FailureKind::reset)), "client/upstream-wait/reset");
    const Failure stopped = settled(cancelled, FailureKind::stopped);
    EXPECT_EQ(full_name(stopped), "admin/upstream-wait/stopped");
    EXPECT_EQ(status_of(stopped), 503);
    EXPECT_EQ(full_name(settled(cancelled, FailureKind::drained)), "admin/upstream-wait/drained");
    const Failure other{Side::upstream, FailureKind::malformed, phase::upstream_wait, 0, 0, ""};
    EXPECT_EQ(full_name(settled(other, FailureKind::stopped)), "upstream/upstream-wait/malformed");
}

TEST(Failure, has_a_counter_of_its_own_for_side_phase_and_kind) {
    std::set<std::string> names;
    for (std::size_t i = 0; i < failure_indices; i++) {
        Failure failure;
        failure.side = static_cast<Side>(i / kind_limit / loop::phase_limit);
        failure.phase = static_cast<loop::Phase>(i / kind_limit % loop::phase_limit);
        failure.kind = static_cast<FailureKind>(i % kind_limit);
        EXPECT_EQ(index_of(failure), i);
        EXPECT_EQ(name_of_index(i), full_name(failure));
        names.insert(name_of_index(i));
    }
    EXPECT_EQ(names.size(), failure_indices);
    EXPECT_EQ(names.count("admin/response-content/stopped"), 1u);
}

}  // namespace
}  // namespace headgate::net
