// What the engine says of its own accord, by a clock that is moved by hand.
#include "proxy/engine.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "tests/support/loaded_sites.h"
#include "tests/support/manual_clock.h"
#include "tests/support/surroundings.h"

namespace headgate::proxy {
namespace {

using namespace std::chrono_literals;

/// Accepting may pause many times a second while descriptors are scarce.
TEST(Engine, says_at_most_once_a_second_that_accepting_paused) {
    const support::LoadedSites loaded("ErrorLog error.log\n");
    support::ManualLoop manual;
    upstream::SharedStock stock;
    support::OneThread thread;
    Engine engine(manual.loop, loaded.sites(), stock, thread.surroundings);
    const auto lines = [&] {
        manual.loop.prepare_to_sleep();  // logs are written then
        const std::string log = loaded.file("error.log");
        std::size_t count = 0;
        for (std::size_t at = 0; (at = log.find("HG0301: ", at)) != log.npos; at++)
            count++;
        return count;
    };
    for (int i = 0; i < 100; i++)
        engine.accept_paused(EMFILE);
    EXPECT_EQ(lines(), 1u);
    EXPECT_NE(loaded.file("error.log").find("Too many open files"), std::string::npos);
    manual.pass_time(999ms);
    engine.accept_paused(EMFILE);
    EXPECT_EQ(lines(), 1u);
    manual.pass_time(1ms);
    engine.accept_paused(ENFILE);
    engine.accept_paused(EMFILE);
    EXPECT_EQ(lines(), 2u);
    manual.pass_time(1s);
    EXPECT_EQ(lines(), 2u) << "nothing to say";
    engine.accept_paused(EMFILE);
    EXPECT_EQ(lines(), 3u);
    Engine other(manual.loop, loaded.sites(), stock, thread.surroundings);
    other.accept_paused(EMFILE);
    EXPECT_EQ(lines(), 3u) << "the whole program, not each of its threads";
    manual.pass_time(1s);
    other.accept_paused(EMFILE);
    engine.accept_paused(EMFILE);
    EXPECT_EQ(lines(), 4u);
}

}  // namespace
}  // namespace headgate::proxy
