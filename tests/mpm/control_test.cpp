// The channel between the supervisor and one child: words down, the end of input when it is gone.
#include "mpm/control.h"

#include <gtest/gtest.h>

namespace headgate::mpm {
namespace {

TEST(Control, carries_words_in_order) {
    const auto [ours, theirs] = make_control_pair();
    EXPECT_FALSE(receive_word(theirs).word) << "it does not block";
    EXPECT_FALSE(receive_word(theirs).is_end);
    const ControlWord words[] = {ControlWord::reopen_logs, ControlWord::drain, ControlWord::finish,
                                 ControlWord::stop};
    for (const ControlWord word : words)
        EXPECT_TRUE(send_word(ours, word));
    for (const ControlWord word : words) {
        const ReceivedWord received = receive_word(theirs);
        ASSERT_TRUE(received.word);
        EXPECT_EQ(*received.word, word);
        EXPECT_FALSE(received.is_end);
    }
    EXPECT_FALSE(receive_word(theirs).word);
}

TEST(Control, carries_texts) {
    const auto [ours, theirs] = make_control_pair();
    const std::string text(100'000, 'x');
    EXPECT_TRUE(send_word(ours, ControlWord::news, text));
    EXPECT_TRUE(send_word(ours, ControlWord::drain));
    const ReceivedWord received = receive_word(theirs);
    EXPECT_EQ(received.word, ControlWord::news);
    EXPECT_EQ(received.text.size(), text.size());
    EXPECT_EQ(receive_word(theirs).word, ControlWord::drain);
    EXPECT_FALSE(send_word(ours, ControlWord::news, std::string(10 << 20, 'x')));
    EXPECT_EQ(errno, EMSGSIZE);
}

TEST(Control, tells_the_child_that_the_supervisor_is_gone) {
    auto [ours, theirs] = make_control_pair();
    EXPECT_TRUE(send_word(ours, ControlWord::drain));
    ours.close();
    EXPECT_EQ(receive_word(theirs).word, ControlWord::drain) << "what was said before counts";
    EXPECT_TRUE(receive_word(theirs).is_end);
    EXPECT_TRUE(receive_word(theirs).is_end);
}

TEST(Control, tells_the_supervisor_that_the_child_is_gone) {
    auto [ours, theirs] = make_control_pair();
    theirs.close();
    EXPECT_FALSE(send_word(ours, ControlWord::drain));
}

TEST(Control, never_blocks_on_a_child_that_does_not_listen) {
    const auto [ours, theirs] = make_control_pair();
    int sent = 0;
    while (send_word(ours, ControlWord::reopen_logs))
        sent++;
    EXPECT_GT(sent, 0);
}

}  // namespace
}  // namespace headgate::mpm
