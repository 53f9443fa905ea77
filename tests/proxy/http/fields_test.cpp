// Field names, the list of fields, list elements, connection options.
#include "proxy/http/fields.h"
#include "proxy/http/connection_options.h"
#include "proxy/http/head_parser.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

namespace headgate::http {
namespace {

// Fields over their own text.
struct Parsed {
    explicit Parsed(std::string lines) : text(std::move(lines) + "\r\n") {
        HeadParser parser(HeadParser::Kind::trailers);
        EXPECT_EQ(parser.parse(text), HeadParser::Status::complete);
        fields = parser.take_trailers();
    }
    std::string text;
    Fields fields;
};

TEST(FieldNames, FindsEachOneInAnyCase) {
    for (int i = 1; i < static_cast<int>(FieldName::count_); ++i) {
        const auto id = static_cast<FieldName>(i);
        std::string name(spelling(id));
        EXPECT_EQ(field_name(name), id) << name;
        std::transform(name.begin(), name.end(), name.begin(), ::toupper);
        EXPECT_EQ(field_name(name), id) << name;
        std::transform(name.begin(), name.end(), name.begin(), ::tolower);
        EXPECT_EQ(field_name(name), id) << name;
        EXPECT_EQ(field_name(name + "x"), FieldName::other) << name;
        name.back() = '!';
        EXPECT_EQ(field_name(name), FieldName::other) << name;
    }
    EXPECT_EQ(field_name(""), FieldName::other);
    EXPECT_EQ(field_name(std::string(100, 'a')), FieldName::other);
}

TEST(Fields, FindsByIdAndByText) {
    const Parsed parsed("X-A: 1\r\nVia: a\r\nx-a: 2\r\nvia: b\r\n");
    const Fields& fields = parsed.fields;
    EXPECT_TRUE(fields.has(FieldName::via));
    EXPECT_FALSE(fields.has(FieldName::date));
    EXPECT_EQ(fields.count(FieldName::via), 2U);
    EXPECT_EQ(fields.value(FieldName::via, parsed.text), "a");
    EXPECT_EQ(fields.value(FieldName::date, parsed.text), std::nullopt);
    ASSERT_NE(fields.find("X-a", parsed.text), nullptr);
    EXPECT_EQ(value(*fields.find("X-a", parsed.text), parsed.text), "1");
    EXPECT_EQ(fields.find("X-B", parsed.text), nullptr);
    EXPECT_EQ(fields.find("VIA", parsed.text), fields.find(FieldName::via));
}

TEST(Fields, ForgetsWhatIsRemoved) {
    Parsed parsed("X-A: 1\r\nVia: a\r\nDate: d\r\n");
    parsed.fields.remove_if([](const Field& field) { return field.id == FieldName::via; });
    EXPECT_EQ(parsed.fields.size(), 2U);
    EXPECT_FALSE(parsed.fields.has(FieldName::via));
    EXPECT_TRUE(parsed.fields.has(FieldName::date));
}

TEST(Fields, WalksListsWithTheirEmptyElements) {
    const auto elements = [](std::string_view list) {
        std::vector<std::string> found;
        ListElements walk(list);
        while (const auto element = walk.next()) {
            found.emplace_back(*element);
        }
        return found;
    };
    using Strings = std::vector<std::string>;
    EXPECT_EQ(elements("a, b\t,c"), (Strings{"a", "b", "c"}));
    EXPECT_EQ(elements(""), (Strings{""}));
    EXPECT_EQ(elements("a,"), (Strings{"a", ""}));
}

TEST(ConnectionOptions, TakeTheFieldsThatTheyName) {
    const Parsed parsed(
        "Connection: close, X-A\r\nX-A: 1\r\nX-B: 2\r\nTE: trailers\r\n"
        "Upgrade: x\r\nKeep-Alive: 5\r\nProxy-Authorization: y\r\n");
    std::string kept;
    for (const Field& field : parsed.fields) {
        if (!is_hop_by_hop(field, parsed.fields, parsed.text)) {
            kept += name(field, parsed.text);
        }
    }
    EXPECT_EQ(kept, "X-B");
    EXPECT_TRUE(accepts_trailers(parsed.fields, parsed.text));
}

TEST(ConnectionOptions, DecideOnPersistence) {
    const auto persists = [](Version version, std::string lines) {
        const Parsed parsed(std::move(lines));
        return client_wants_keep_alive(version, parsed.fields, parsed.text);
    };
    EXPECT_TRUE(persists(Version::http_1_1, ""));
    EXPECT_FALSE(persists(Version::http_1_0, ""));
    EXPECT_TRUE(persists(Version::http_1_0, "Connection: Keep-Alive\r\n"));
    EXPECT_FALSE(persists(Version::http_1_1, "Connection: keep-alive\r\nConnection: Close\r\n"));
    EXPECT_TRUE(persists(Version::http_1_1, "Connection: upgrade\r\n"));
}

}  // namespace
}  // namespace headgate::http
