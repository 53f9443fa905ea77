// The numbers of the error log's lines: each explained, each once.
#include "proxy/logs/log_ids.h"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>

namespace headgate::proxy {
namespace {

/// The numbers that the enumeration has, read from its source.
std::multiset<int> numbers_in_header() {
    std::ifstream in(HEADGATE_SOURCE_DIR "/proxy/logs/log_ids.h");
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    std::multiset<int> numbers;
    const std::regex row("\n    [a-z_]+ = ([0-9]+),");
    for (std::sregex_iterator at(text.begin(), text.end(), row), end; at != end; ++at) {
        numbers.insert(std::stoi((*at)[1]));
    }
    return numbers;
}

TEST(LogIds, are_each_explained_once) {
    const std::multiset<int> numbers = numbers_in_header();
    EXPECT_GE(numbers.size(), 19u);
    std::multiset<int> explained;
    for (const Explanation& each : explanations()) {
        explained.insert(static_cast<int>(each.id));
        EXPECT_FALSE(each.title.empty() || each.meaning.empty() || each.causes.empty() ||
                     each.remedy.empty())
            << log_id_text(each.id);
    }
    EXPECT_EQ(numbers, explained);
    EXPECT_EQ(std::set<int>(numbers.begin(), numbers.end()).size(), numbers.size());
    EXPECT_TRUE(std::is_sorted(explanations().begin(), explanations().end(),
                               [](const auto& a, const auto& b) { return a.id < b.id; }));
}

TEST(LogIds, are_explained_by_any_spelling) {
    std::string first;
    ASSERT_TRUE(explain("HG0301", first));
    EXPECT_TRUE(first.starts_with("HG0301: accepting paused\n\nWhat it means\n    ")) << first;
    for (const char* word : {"hg0301", "0301", "301", "HG301"}) {
        std::string text;
        EXPECT_TRUE(explain(word, text)) << word;
        EXPECT_EQ(text, first) << word;
    }
    std::string all;
    ASSERT_TRUE(explain("", all));
    EXPECT_NE(all.find("HG0202  response cut\n"), std::string::npos) << all;
}

TEST(LogIds, that_do_not_exist_have_a_neighbour) {
    std::string text;
    EXPECT_FALSE(explain("HG0299", text));
    EXPECT_NE(text.find("did you mean HG0301?"), std::string::npos) << text;
    EXPECT_FALSE(explain("upstream", text));
    EXPECT_NE(text.find("HG0101"), std::string::npos) << text;
    EXPECT_FALSE(explain("HG", text));
    EXPECT_FALSE(explain("HG0101x", text));
}

TEST(LogIds, are_found_by_the_name_of_a_failure) {
    std::string text;
    ASSERT_TRUE(explain("admin/response-content/stopped", text));
    EXPECT_TRUE(text.starts_with("admin/response-content/stopped\n    This process")) << text;
    EXPECT_NE(text.find("\nIn the error log it is HG0304: exchange ended by us\n"), text.npos);
    for (std::size_t i = 0; i < net::failure_indices; i++)
        EXPECT_TRUE(explain(net::name_of_index(i), text)) << net::name_of_index(i);
    EXPECT_FALSE(explain("upstream/timed-out", text));
    EXPECT_NE(text.find("side/phase/kind"), text.npos) << text;
}

TEST(LogIds, follow_from_the_failure) {
    using net::FailureKind;
    using net::Side;
    const auto id = [](Side side, FailureKind kind, bool begun = false) {
        return log_id_text(log_id_of({side, kind, net::phase::connect, 0, 0, ""}, begun));
    };
    EXPECT_EQ(id(Side::client, FailureKind::reset), "HG0102");
    EXPECT_EQ(id(Side::timeout, FailureKind::client_silent, true), "HG0103");
    EXPECT_EQ(id(Side::client, FailureKind::too_large), "HG0104");
    EXPECT_EQ(id(Side::upstream, FailureKind::closed), "HG0201");
    EXPECT_EQ(id(Side::timeout, FailureKind::upstream_silent, true), "HG0202");
    EXPECT_EQ(id(Side::timeout, FailureKind::upstream_silent), "HG0204");
    EXPECT_EQ(id(Side::upstream, FailureKind::unreachable), "HG0205");
    EXPECT_EQ(id(Side::upstream, FailureKind::unresolved), "HG0206");
    EXPECT_EQ(id(Side::upstream, FailureKind::malformed), "HG0207");
    EXPECT_EQ(id(Side::upstream, FailureKind::too_large), "HG0208");
    EXPECT_EQ(id(Side::proxy, FailureKind::exhausted), "HG0303");
    EXPECT_EQ(id(Side::admin, FailureKind::stopped), "HG0304");
    EXPECT_EQ(id(Side::admin, FailureKind::stopped, true), "HG0304");
    const auto of_tunnel = [](Side side, FailureKind kind) {
        return log_id_text(log_id_of({side, kind, net::phase::tunnel, 0, 0, ""}, true));
    };
    EXPECT_EQ(of_tunnel(Side::timeout, FailureKind::both_silent), "HG0220");
    EXPECT_EQ(of_tunnel(Side::admin, FailureKind::drained), "HG0220");
    EXPECT_EQ(of_tunnel(Side::upstream, FailureKind::reset), "HG0220");
    EXPECT_EQ(of_tunnel(Side::timeout, FailureKind::client_silent), "HG0103");
}

}  // namespace
}  // namespace headgate::proxy
