// The bag of settings, and how sections merge.
#include "conf/settings.h"

#include <gtest/gtest.h>

#include <string>

#include "conf/directive.h"
#include "proxy/settings/settings.h"

namespace headgate::conf {
namespace {

struct Colours {
    Set<int> red{1};
    Set<std::string> name{std::string("none")};

    void merge_from(const Colours& over) {
        red.merge_from(over.red);
        name.merge_from(over.name);
    }
};

struct Other {
    int count = 0;

    void merge_from(const Other& over) { count += over.count; }
};

TEST(Settings, has_defaults_when_absent) {
    const Settings empty;
    EXPECT_EQ(*empty.get<Colours>().red, 1);
    EXPECT_FALSE(empty.get<Colours>().red.is_written());
    EXPECT_FALSE(empty.get<Colours>().red.span().is_somewhere());
}

TEST(Settings, keeps_types_apart_and_copies_values) {
    Settings settings;
    settings.edit<Colours>().red.write(2, Span{0, 1, 2, 3});
    settings.edit<Other>().count = 5;
    Settings copy = settings;
    copy.edit<Colours>().red.write(3);
    EXPECT_EQ(*settings.get<Colours>().red, 2);
    EXPECT_EQ(settings.get<Colours>().red.span().column, 2u);
    EXPECT_EQ(*copy.get<Colours>().red, 3);
    EXPECT_EQ(copy.get<Other>().count, 5);
}

TEST(Settings, inner_section_wins_where_it_was_written) {
    Settings outer;
    outer.edit<Colours>().red.write(2);
    outer.edit<Colours>().name.write("outer");
    Settings inner;
    inner.edit<Colours>().name.write("inner");
    inner.edit<Other>().count = 1;
    const Settings merged = Settings::merge(outer, inner);
    EXPECT_EQ(*merged.get<Colours>().red, 2);
    EXPECT_EQ(*merged.get<Colours>().name, "inner");
    EXPECT_EQ(merged.get<Other>().count, 1);
    EXPECT_EQ(*outer.get<Colours>().name, "outer");
}

TEST(Settings, lists_of_routes_merge_by_their_order) {
    proxy::RouteSettings outer;
    proxy::RouteSettings inner;
    outer.passes.resize(1);
    outer.passes[0].prefix = "/outer";
    inner.passes.resize(1);
    inner.passes[0].prefix = "/inner";
    outer.request_fields.push_back({{}, {}, "Outer", "1", {}});
    inner.request_fields.push_back({{}, {}, "Inner", "1", {}});
    outer.merge_from(inner);
    ASSERT_EQ(outer.passes.size(), 2u);
    EXPECT_EQ(outer.passes[0].prefix, "/inner");
    ASSERT_EQ(outer.request_fields.size(), 2u);
    EXPECT_EQ(outer.request_fields[1].name, "Inner");
}

TEST(Settings, a_virtual_hosts_logs_replace_the_servers) {
    proxy::ServerSettings server;
    server.access_logs.push_back({"logs/a", "common", {}});
    server.log_formats["common"] = "%h";
    server.server_aliases.push_back({"alias", {}, false});
    proxy::ServerSettings host;
    proxy::ServerSettings merged = server;
    merged.merge_from(host);
    EXPECT_EQ(merged.access_logs.size(), 1u);
    EXPECT_TRUE(merged.server_aliases.empty());
    host.access_logs.push_back({"logs/b", "", {}});
    merged.merge_from(host);
    ASSERT_EQ(merged.access_logs.size(), 1u);
    EXPECT_EQ(merged.access_logs[0].target, "logs/b");
    EXPECT_EQ(merged.format_of({"x", "common", {}}), "%h");
    EXPECT_EQ(merged.format_of({"x", "%u", {}}), "%u");
    EXPECT_EQ(merged.format_of(merged.access_logs[0]), *merged.transfer_format);
}

}  // namespace
}  // namespace headgate::conf
