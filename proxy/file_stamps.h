// FileStamps: what tells that a file is another one than before, or that a folder holds others:
// also where only a link was changed, and where a file of a folder was replaced under its own name.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <map>
#include <string>
#include <vector>

#include "mpm/loop/clock.h"

namespace headgate::proxy {

struct FileStamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    timespec changed{};
    std::uint64_t entries = 0;  ///< of a folder: of all its files together
    bool operator==(const FileStamp& other) const;
};

class FileStamps {
public:
    explicit FileStamps(const loop::TimeSource& time = loop::TimeSource::system()) : time_(time) {}

    /// Of files as they are now; all zero where there is none. A folder is looked through when it
    /// has itself changed, and else once a second, less often when that takes long: looking takes
    /// at most a hundredth of the time. However many ask for one folder, it is done once.
    std::vector<FileStamp> of(const std::vector<std::string>& names);

    /// How often a folder has been looked through.
    unsigned looked_through() const { return looked_through_; }
    static constexpr std::chrono::seconds between_looks{1};
    static constexpr int share = 100;

private:
    struct Folder {
        FileStamp itself;
        std::uint64_t entries = 0;
        loop::TimePoint next{};
    };
    FileStamp one(const std::string& name);
    std::uint64_t entries_of(const std::string& name, const FileStamp& itself);

    const loop::TimeSource& time_;
    std::map<std::string, Folder> folders_;
    unsigned looked_through_ = 0;
};

}  // namespace headgate::proxy
