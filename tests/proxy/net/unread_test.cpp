// Octets given back to a transport: read again in order, and no memory is kept afterwards.
#include "proxy/net/unread.h"

#include <gtest/gtest.h>

#include "proxy/net/give_back.h"

namespace headgate::net {
namespace {

std::string taken(Unread& unread, std::size_t most) {
    std::string into(most, '\0');
    into.resize(unread.take(into));
    return into;
}

TEST(Unread, gives_what_was_put_last_first) {
    Unread unread;
    EXPECT_TRUE(unread.is_empty());
    unread.put("");
    EXPECT_TRUE(unread.is_empty());
    unread.put("behind");
    unread.put("before ");
    EXPECT_EQ(taken(unread, 3), "bef");
    EXPECT_FALSE(unread.is_empty());
    EXPECT_EQ(taken(unread, 100), "ore behind");
    EXPECT_TRUE(unread.is_empty());
}

TEST(GiveBack, frees_what_a_text_had) {
    std::string text(1000, 'x');
    const std::size_t least = std::string().capacity();
    give_back(text);
    EXPECT_TRUE(text.empty());
    EXPECT_EQ(text.capacity(), least);
}

}  // namespace
}  // namespace headgate::net
