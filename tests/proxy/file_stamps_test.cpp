// What is noticed of files and folders, and how often a folder is looked through.
#include "proxy/file_stamps.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>

#include "tests/support/manual_clock.h"
#include "tests/support/temporary_folder.h"

namespace headgate::proxy {
namespace {

using namespace std::chrono_literals;

/// A folder with files, and what may be done to it.
struct Rig {
    support::TemporaryFolder folder;
    support::ManualClock clock;
    FileStamps stamps{clock};
    std::vector<std::string> names{folder.file("")};

    Rig() {
        folder.write("a.pem", "one");
        folder.write("b.pem", "two");
    }
    void replace(const std::string& name, const std::string& text) const {
        folder.write(name + ".new", text);
        std::rename(folder.file(name + ".new").c_str(), folder.file(name).c_str());
    }
};

TEST(FileStamps, tell_one_file_from_another) {
    const Rig rig;
    FileStamps stamps(rig.clock);
    const std::vector<std::string> names{rig.folder.file("a.pem"), rig.folder.file("none")};
    const auto first = stamps.of(names);
    EXPECT_EQ(stamps.of(names), first);
    EXPECT_EQ(first[1], FileStamp{});
    rig.replace("a.pem", "one");
    EXPECT_NE(stamps.of(names), first) << "the same octets in another file";
    EXPECT_EQ(stamps.looked_through(), 0u);
}

TEST(FileStamps, see_what_is_replaced_in_a_folder) {
    Rig rig;
    auto before = rig.stamps.of(rig.names);
    const auto expect_change = [&](const char* what) {
        rig.clock.advance(FileStamps::between_looks);
        auto now = rig.stamps.of(rig.names);
        EXPECT_NE(now, before) << what;
        before = std::move(now);
        rig.clock.advance(FileStamps::between_looks);
        EXPECT_EQ(rig.stamps.of(rig.names), before) << what;
    };
    rig.folder.write("a.pem", "longer");
    expect_change("written in place: the folder itself is as it was");
    rig.replace("b.pem", "two");
    expect_change("renamed over it");
    std::filesystem::create_symlink(rig.folder.file("a.pem"), rig.folder.file("c.0"));
    expect_change("a link more");
    rig.folder.write("a.pem", "longer still");
    expect_change("what a link leads to");
    std::filesystem::remove(rig.folder.file("c.0"));
    expect_change("one less");
}

TEST(FileStamps, look_through_a_folder_once_a_second) {
    Rig rig;
    const auto first = rig.stamps.of({rig.names[0], rig.names[0]});
    EXPECT_EQ(rig.stamps.looked_through(), 1u) << "whoever asks";
    for (int i = 0; i < 3; i++) {
        rig.clock.advance(250ms);
        rig.stamps.of(rig.names);
    }
    EXPECT_EQ(rig.stamps.looked_through(), 1u);
    rig.clock.advance(250ms);
    EXPECT_EQ(rig.stamps.of(rig.names)[0], first[0]);
    EXPECT_EQ(rig.stamps.looked_through(), 2u);
    rig.folder.write("d.pem", "new");
    EXPECT_NE(rig.stamps.of(rig.names)[0], first[0]) << "at once: the folder has changed";
}

/// A clock that goes on by so much whenever it is read.
class SlowClock final : public loop::TimeSource {
public:
    loop::TimePoint now() const override { return now_ += 30ms; }
    void advance(loop::Duration by) { now_ += by; }

private:
    mutable loop::TimePoint now_{std::chrono::hours(1)};
};

TEST(FileStamps, look_less_often_where_it_takes_long) {
    const Rig rig;
    SlowClock clock;
    FileStamps stamps(clock);
    stamps.of(rig.names);
    clock.advance(2s);
    stamps.of(rig.names);
    EXPECT_EQ(stamps.looked_through(), 1u) << "30 ms: every 3 seconds";
    clock.advance(1s);
    stamps.of(rig.names);
    EXPECT_EQ(stamps.looked_through(), 2u);
}

}  // namespace
}  // namespace headgate::proxy
