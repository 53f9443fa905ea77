// The exact text of diagnostics.
#include "conf/diagnostic.h"

#include <gtest/gtest.h>

namespace headgate::conf {
namespace {

TEST(Diagnostics, shows_line_caret_hint_trace_and_help) {
    Diagnostics diagnostics;
    std::string main(40, '\n');
    main += "Include sites-enabled/*.conf\n";
    const auto first = diagnostics.sources().add("/etc/headgate/headgate.conf", main);
    std::string text(9, '\n');
    text += "  ProxyPas \"/\" \"http://127.0.0.1:9000/\"\n";
    const auto second = diagnostics.sources().add("/etc/headgate/sites-enabled/shop.conf", text,
                                                  Span{first, 41, 9, 20});
    diagnostics.error(Span{second, 10, 3, 8}, "unknown directive \"ProxyPas\"",
                      "did you mean \"ProxyPass\"?", "headgate -L ProxyPass");
    EXPECT_EQ(diagnostics.render(false),
              "/etc/headgate/sites-enabled/shop.conf:10:3: error: unknown directive \"ProxyPas\"\n"
              "   10 |   ProxyPas \"/\" \"http://127.0.0.1:9000/\"\n"
              "      |   ^~~~~~~~ did you mean \"ProxyPass\"?\n"
              "      = included from /etc/headgate/headgate.conf:41\n"
              "      = help: headgate -L ProxyPass\n");
    EXPECT_EQ(diagnostics.summary(), "1 error, 0 warnings.");
}

TEST(Diagnostics, sorts_by_place_and_counts) {
    Diagnostics diagnostics;
    const auto source = diagnostics.sources().add("a.conf", "one\ntwo\n");
    diagnostics.error({}, "no place", "a hint");
    diagnostics.warning({source, 2, 1, 3}, "second");
    diagnostics.error({source, 1, 1, 3}, "first");
    EXPECT_EQ(diagnostics.render(false),
              "a.conf:1:1: error: first\n    1 | one\n      | ^~~\n"
              "a.conf:2:1: warning: second\n    2 | two\n      | ^~~\n"
              "error: no place\n      = a hint\n");
    EXPECT_EQ(diagnostics.summary(), "2 errors, 1 warning.");
    EXPECT_TRUE(diagnostics.has_errors());
}

TEST(Diagnostics, warns_once_of_the_same) {
    Diagnostics diagnostics;
    const auto source = diagnostics.sources().add("a.conf", "one\ntwo\n");
    for (int i = 0; i < 3; i++) {
        diagnostics.warning({source, 2, 1, 3}, "second");
        diagnostics.warning({source, 1, 1, 3}, "second");
        diagnostics.warning({source, 2, 1, 3}, "another");
    }
    EXPECT_EQ(diagnostics.summary(), "0 errors, 3 warnings.");
}

TEST(Diagnostics, lines_up_under_tabs_and_utf8) {
    Diagnostics diagnostics;
    const auto source = diagnostics.sources().add("a.conf", "\tgr\xC3\xBCn x\n");
    diagnostics.error({source, 1, 8, 1}, "m");
    EXPECT_EQ(diagnostics.render(false),
              "a.conf:1:8: error: m\n    1 | \tgr\xC3\xBCn x\n      | \t     ^\n");
}

TEST(Diagnostics, lets_no_control_character_through) {
    Diagnostics diagnostics;
    const auto source = diagnostics.sources().add("a.conf", "a\x1b[31mb\n");
    diagnostics.error({source, 1, 1, 1}, "bad \x1b");
    EXPECT_EQ(diagnostics.render(false).find('\x1b'), std::string::npos);
    EXPECT_NE(diagnostics.render(true).find("\x1b[1;31merror:\x1b[0m"), std::string::npos);
}

TEST(Diagnostics, copies_share_the_texts) {
    Diagnostics original;
    const auto source = original.sources().add("a.conf", "one\n");
    Diagnostics later = original;
    later.error({source, 1, 1, 3}, "found later");
    EXPECT_FALSE(original.has_errors());
    EXPECT_NE(later.render(false).find("    1 | one"), std::string::npos);
}

}  // namespace
}  // namespace headgate::conf
