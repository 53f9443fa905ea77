// The cache of sessions by id: what is kept, for how long, and what makes room for what.
#include "proxy/net/tls_session_cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace headgate::net {
namespace {

std::string id(int number) {
    std::string text = std::to_string(number);
    return text + std::string(32 - text.size(), '.');
}

TEST(TlsSessionCache, KeepsUntilItExpires) {
    const auto cache = TlsSessionCache::make(1 << 20);
    ASSERT_NE(cache, nullptr);
    EXPECT_EQ(cache->shelves(), 64u);
    EXPECT_EQ(cache->find(id(1), 100), "");
    cache->keep(id(1), "one", 200);
    cache->keep(id(2), "two", 300);
    EXPECT_EQ(cache->find(id(1), 199), "one");
    EXPECT_EQ(cache->find(id(1), 200), "");
    EXPECT_EQ(cache->find(id(2), 299), "two");
    cache->keep(id(2), "another", 300);
    EXPECT_EQ(cache->find(id(2), 200), "another");
    cache->forget(id(2));
    EXPECT_EQ(cache->find(id(2), 200), "");
}

/// On one shelf, so that the ring turns many times at every offset.
TEST(TlsSessionCache, TheOldestMakeRoom) {
    const auto cache = TlsSessionCache::make(1);
    ASSERT_EQ(cache->shelves(), 1u);
    const auto session = [](int number) {
        return std::string(static_cast<std::size_t>(100 + number * 37 % 900), 'x') +
               std::to_string(number);
    };
    for (int i = 0; i < 5000; i++) {
        cache->keep(id(i), session(i), 1000);
        for (int last = std::max(i - 9, 0); last <= i; last++)
            ASSERT_EQ(cache->find(id(last), 0), session(last)) << i;
        ASSERT_EQ(cache->find(id(std::max(i - 200, -1)), 0), "");
    }
}

TEST(TlsSessionCache, KeepsNothingTooLarge) {
    const auto cache = TlsSessionCache::make(1);
    cache->keep(id(1), std::string(8000, 'x'), 1000);
    EXPECT_EQ(cache->find(id(1), 0).size(), 8000u);
    cache->keep(id(2), std::string(9000, 'x'), 1000);
    EXPECT_EQ(cache->find(id(2), 0), "");
    EXPECT_EQ(cache->find(id(1), 0).size(), 8000u);
    cache->keep(std::string(33, 'i'), "x", 1000);
    EXPECT_EQ(cache->find(std::string(33, 'i'), 0), "");
    EXPECT_EQ(cache->find("", 0), "");
}

TEST(TlsSessionCache, ProcessesShareIt) {
    const auto cache = TlsSessionCache::make(1 << 16);
    const pid_t child = ::fork();
    if (child == 0) {
        for (int i = 0; i < 20; i++)
            cache->keep(id(i), "of the child", 1000);
        ::_exit(0);
    }
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    for (int i = 0; i < 20; i++)
        EXPECT_EQ(cache->find(id(i), 0), "of the child");
}

TEST(TlsSessionCache, IsAdoptedByAnotherProgram) {
    auto cache = TlsSessionCache::make(1 << 16);
    cache->keep(id(1), "one", 1000);
    const int left = ::dup(cache->descriptor());
    cache.reset();
    const auto adopted = TlsSessionCache::adopt(left);
    ASSERT_NE(adopted, nullptr);
    EXPECT_EQ(adopted->find(id(1), 0), "one");
    EXPECT_TRUE(adopted->is_of(1 << 16));
    EXPECT_TRUE(adopted->is_of((1 << 16) + 1)) << "rounded";
    EXPECT_FALSE(adopted->is_of(1 << 17));
    adopted->keep(id(2), "two", 1000);
    EXPECT_EQ(adopted->find(id(2), 0), "two");
}

TEST(TlsSessionCache, AdoptsNothingElse) {
    EXPECT_EQ(TlsSessionCache::adopt(-1), nullptr);
    const int memory = ::memfd_create("else", MFD_CLOEXEC);
    for (const off_t size : {off_t{0}, off_t{100}, off_t{TlsSessionCache::shelf_octets}}) {
        ASSERT_EQ(::ftruncate(memory, size), 0);
        EXPECT_EQ(TlsSessionCache::adopt(memory), nullptr);
        EXPECT_EQ(::fcntl(memory, F_GETFD), FD_CLOEXEC) << "and leaves it open";
    }
    ::close(memory);
}

}  // namespace
}  // namespace headgate::net
