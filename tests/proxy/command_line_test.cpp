// The command line: each letter and word with its meaning, and what is said of wrong ones.
#include "proxy/command_line.h"

#include <gtest/gtest.h>

namespace headgate::proxy {
namespace {

using Action = CommandLine::Action;
using Words = std::vector<std::string>;

CommandLine read(const Words& words) {
    CommandLine line;
    const auto error = read_command_line(words, line);
    EXPECT_FALSE(error) << error->text;
    return line;
}

std::string error(const Words& words) {
    CommandLine line;
    const auto error = read_command_line(words, line);
    return error ? error->text : "accepted";
}

TEST(CommandLine, actions) {
    const struct {
        Words words;
        Action action;
    } cases[] = {
        {{}, Action::run},
        {{"explain"}, Action::explain},
        {{"explain", "HG0101"}, Action::explain},
        {{"-t"}, Action::test},
        {{"--test"}, Action::test},
        {{"-S"}, Action::show_sites},
        {{"--sites"}, Action::show_sites},
        {{"-L"}, Action::list_directives},
        {{"-v"}, Action::version},
        {{"--version"}, Action::version},
        {{"-V"}, Action::full_version},
        {{"-h"}, Action::help},
        {{"--help"}, Action::help},
        {{"-f", "x", "-t"}, Action::test},
    };
    for (const auto& each : cases) {
        EXPECT_EQ(read(each.words).action, each.action)
            << (each.words.empty() ? "" : each.words.back());
    }
}

TEST(CommandLine, values_apart_and_glued) {
    EXPECT_EQ(read({}).load.file, "/etc/headgate/headgate.conf");
    EXPECT_FALSE(read({}).load.server_root.empty()) << "the working folder";
    EXPECT_EQ(read({"-f", "a.conf"}).load.file, "a.conf");
    EXPECT_EQ(read({"-fa.conf"}).load.file, "a.conf");
    EXPECT_EQ(read({"--config", "a.conf"}).load.file, "a.conf");
    EXPECT_EQ(read({"--config=a.conf"}).load.file, "a.conf");
    EXPECT_EQ(read({"-d", "/srv"}).load.server_root, "/srv");
    EXPECT_EQ(read({"--mpm=worker"}).model, "worker");
    EXPECT_EQ(read({"-L", "ProxyPass"}).directive, "ProxyPass");
    EXPECT_EQ(read({"-DA", "-D", "B=c"}).load.defines, (Words{"A", "B=c"}));
    EXPECT_EQ(read({"-C", "Listen 1", "-c", "Listen 2", "-c", "Listen 3"}).load.after,
              (Words{"Listen 2", "Listen 3"}));
    EXPECT_EQ(read({"-C", "Listen 1"}).load.before, (Words{"Listen 1"}));
}

TEST(CommandLine, an_optional_value_is_not_an_option) {
    const CommandLine line = read({"-L", "-f", "x.conf"});
    EXPECT_EQ(line.action, Action::list_directives);
    EXPECT_EQ(line.directive, "");
    EXPECT_EQ(line.load.file, "x.conf");
}

TEST(CommandLine, errors) {
    EXPECT_EQ(error({"-f"}), "-f needs FILE");
    EXPECT_EQ(error({"--mpm"}), "--mpm needs MODEL");
    EXPECT_EQ(error({"--confg", "x"}), "unknown option \"--confg\", did you mean \"--config\"?");
    EXPECT_EQ(error({"-z"}), "unknown option \"-z\"");
    EXPECT_EQ(error({"file.conf"}), "unknown option \"file.conf\"");
    EXPECT_EQ(error({""}), "unknown option \"\"");
    EXPECT_NE(error({"-tx"}), "accepted");
    EXPECT_NE(error({"-"}), "accepted");
}

TEST(CommandLine, help_names_every_option) {
    const std::string help = help_text();
    for (const char* word : {"-f, --config FILE", "--mpm MODEL", "-L, --directives [NAME]",
                             "-t, --test", "Exit status"}) {
        EXPECT_NE(help.find(word), std::string::npos) << word;
    }
}

}  // namespace
}  // namespace headgate::proxy
