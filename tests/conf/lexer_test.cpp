// Logical lines, expansion and words, and that every word knows its original bytes.
#include "conf/lexer.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace headgate::conf {
namespace {

class Lexer : public ::testing::Test {
protected:
    std::vector<Word> words(const std::string& text) {
        LogicalLine line;
        const std::uint32_t source = diagnostics.sources().add("test", text);
        LineReader reader(diagnostics.sources(), source);
        EXPECT_TRUE(reader.next(line));
        is_expanded = expand(line, variables, diagnostics);
        return split_words(line, 0, diagnostics);
    }

    std::vector<std::string> texts(const std::string& text) {
        std::vector<std::string> out;
        for (const Word& word : words(text)) {
            out.push_back(word.text);
        }
        return out;
    }

    Diagnostics diagnostics;
    Variables variables;
    bool is_expanded = false;
};

using Texts = std::vector<std::string>;

TEST_F(Lexer, splits_at_blanks) {
    EXPECT_EQ(texts("  Timeout \t 5  "), (Texts{"Timeout", "5"}));
    EXPECT_TRUE(texts("   ").empty());
}

TEST_F(Lexer, takes_quotes_off) {
    EXPECT_EQ(texts("A \"b c\" 'd \"e\"' \"\""), (Texts{"A", "b c", "d \"e\"", ""}));
    EXPECT_EQ(texts("A \"b\"c"), (Texts{"A", "b", "c"}));  // as httpd: the quote ends the word
    EXPECT_EQ(texts("A b\"c d"), (Texts{"A", "b\"c", "d"}));
}

TEST_F(Lexer, backslash_escapes_quote_and_itself_alone) {
    EXPECT_EQ(texts(R"(A "b\"c" "d\\e" "f\ng" 'h\'i' j\\k l\m "n\'o")"),
              (Texts{"A", "b\"c", "d\\e", "f\\ng", "h'i", "j\\k", "l\\m", "n\\'o"}));
}

TEST_F(Lexer, reports_a_quote_that_is_not_closed) {
    EXPECT_EQ(texts("A 'b c"), (Texts{"A", "b c"}));
    EXPECT_EQ(diagnostics.error_count(), 1u);
}

TEST_F(Lexer, joins_lines) {
    const std::vector<Word> found = words("ProxyPass / \\\r\n  http://\\\nhost/\n");
    ASSERT_EQ(found.size(), 3u);
    EXPECT_EQ(found[2].text, "http://host/");
    EXPECT_EQ(found[2].span, (Span{0, 2, 3, 7}));  // as far as it is on its first line
    EXPECT_EQ(found[1].span, (Span{0, 1, 11, 1}));
}

TEST_F(Lexer, counts_lines_over_continuations) {
    Sources& sources = diagnostics.sources();
    LineReader reader(sources, sources.add("test", "a \\\nb\n\n# c\nd"));
    LogicalLine line;
    ASSERT_TRUE(reader.next(line));
    EXPECT_EQ(line.text, "a b");
    ASSERT_TRUE(reader.next(line));
    EXPECT_TRUE(line.is_empty());
    ASSERT_TRUE(reader.next(line));
    EXPECT_TRUE(line.is_comment());
    ASSERT_TRUE(reader.next(line));
    EXPECT_EQ(line.text, "d");
    EXPECT_EQ(line.span().line, 5u);
    EXPECT_FALSE(reader.next(line));
}

TEST_F(Lexer, skips_a_byte_order_mark) {
    const std::vector<Word> found = words("\xEF\xBB\xBFTimeout 5");
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].text, "Timeout");
    EXPECT_EQ(found[0].span.column, 4u);
}

TEST_F(Lexer, expands_from_define_first_then_from_the_environment) {
    ::setenv("HEADGATE_TEST_VALUE", "outside", 1);
    EXPECT_EQ(texts("A ${HEADGATE_TEST_VALUE}"), (Texts{"A", "outside"}));
    variables.define("HEADGATE_TEST_VALUE", "inside");
    EXPECT_EQ(texts("A x${HEADGATE_TEST_VALUE}y"), (Texts{"A", "xinsidey"}));
    ::unsetenv("HEADGATE_TEST_VALUE");
}

TEST_F(Lexer, expands_before_it_splits) {
    variables.define("TWO", "b \"c d\"");
    EXPECT_EQ(texts("A ${TWO}"), (Texts{"A", "b", "c d"}));
    EXPECT_EQ(texts("A '${TWO}'"), (Texts{"A", "b \"c d\""}));
}

TEST_F(Lexer, takes_defaults) {
    EXPECT_EQ(texts("A ${HEADGATE_NOT_SET:-8080}"), (Texts{"A", "8080"}));
    EXPECT_EQ(texts("A x${HEADGATE_NOT_SET:-}"), (Texts{"A", "x"}));
    variables.define("EMPTY", "");
    EXPECT_EQ(texts("A ${EMPTY:-full}"), (Texts{"A", "full"}));
}

TEST_F(Lexer, does_not_expand_what_it_expanded) {
    variables.define("ONE", "${TWO}");
    EXPECT_EQ(texts("A ${ONE}"), (Texts{"A", "${TWO}"}));
}

TEST_F(Lexer, leaves_rewrite_maps_and_other_dollars_alone) {
    EXPECT_EQ(texts("A ${map:key} $1 $ ${"), (Texts{"A", "${map:key}", "$1", "$", "${"}));
    EXPECT_FALSE(diagnostics.has_errors());
}

TEST_F(Lexer, reports_what_is_not_set) {
    variables.define("FLAG");
    texts("A ${HEADGATE_NOT_SET} ${FLAG}");
    EXPECT_FALSE(is_expanded);
    EXPECT_EQ(diagnostics.error_count(), 2u);
}

TEST_F(Lexer, an_expanded_word_points_at_the_variable) {
    variables.define("PORT", "8080");
    const std::vector<Word> found = words("Listen ${PORT} b");
    ASSERT_EQ(found.size(), 3u);
    EXPECT_EQ(found[1].span, (Span{0, 1, 8, 7}));
    EXPECT_EQ(found[2].span, (Span{0, 1, 16, 1}));
}

}  // namespace
}  // namespace headgate::conf
