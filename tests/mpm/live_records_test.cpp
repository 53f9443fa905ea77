// The rows of the live table that a thread lends: emptied, used again, and not more than there are.
#include "mpm/live_records.h"

#include <gtest/gtest.h>

#include <string_view>

namespace headgate::mpm {
namespace {

TEST(LiveRecords, are_lent_again_before_another_one_is) {
    Scoreboard board(1, 1, 4);
    LiveRecords records(board.slot(0, 0), &board.connection(0, 0), 4);
    ConnectionRecord* const first = records.take();
    ASSERT_EQ(first, &board.connection(0, 0));
    records.give_back(first);
    for (int i = 0; i < 10; i++) {
        ConnectionRecord* const again = records.take();
        EXPECT_EQ(again, first);
        records.give_back(again);
    }
    EXPECT_EQ(board.slot(0, 0).records_used.get(), 1u);
}

TEST(LiveRecords, come_without_what_was_in_them) {
    Scoreboard board(1, 1, 1);
    LiveRecords records(board.slot(0, 0), &board.connection(0, 0), 1);
    ConnectionRecord* const earlier = records.take();
    earlier->is_used = true;
    for (char* text : {earlier->request, earlier->upstream, earlier->framing})
        text[0] = 'x';
    records.give_back(earlier);
    EXPECT_FALSE(earlier->is_used) << "and is shown no more";
    const ConnectionRecord* const later = records.take();
    for (const char* text : {later->request, later->upstream, later->framing})
        EXPECT_EQ(std::string_view(text), "");
}

TEST(LiveRecords, are_no_more_than_there_are) {
    Scoreboard board(1, 1, 4);
    LiveRecords records(board.slot(0, 0), &board.connection(0, 0), 2);
    ConnectionRecord* const first = records.take();
    ConnectionRecord* const second = records.take();
    EXPECT_NE(first, second);
    EXPECT_EQ(records.take(), nullptr);
    records.give_back(nullptr);
    EXPECT_EQ(records.take(), nullptr) << "none was given back";
    EXPECT_EQ(board.slot(0, 0).records_used.get(), 2u);
    records.give_back(first);
    EXPECT_EQ(records.take(), first);
}

}  // namespace
}  // namespace headgate::mpm
