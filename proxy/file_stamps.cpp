// See file_stamps.h.
#include "proxy/file_stamps.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <functional>
#include <string_view>

namespace headgate::proxy {
namespace {

FileStamp stamp_of(const struct stat& facts) {
    return {facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtim, 0};
}

std::uint64_t mixed(std::uint64_t sum, std::uint64_t with) {
    sum ^= with + 0x9e3779b97f4a7c15 + (sum << 6) + (sum >> 2);
    return sum * 0xff51afd7ed558ccd;
}

std::uint64_t digest(std::string_view name, const FileStamp& stamp) {
    std::uint64_t sum = std::hash<std::string_view>{}(name);
    for (const auto part :
         {static_cast<std::uint64_t>(stamp.device), static_cast<std::uint64_t>(stamp.inode),
          static_cast<std::uint64_t>(stamp.size), static_cast<std::uint64_t>(stamp.changed.tv_sec),
          static_cast<std::uint64_t>(stamp.changed.tv_nsec)}) {
        sum = mixed(sum, part);
    }
    return sum;
}

/// The sum of its files, in whatever order they come.
std::uint64_t look_through(const std::string& name) {
    std::uint64_t sum = 0;
    DIR* folder = ::opendir(name.c_str());
    if (folder == nullptr) return sum;
    while (const dirent* entry = ::readdir(folder)) {
        struct stat facts {};
        if (entry->d_name[0] == '.') continue;
        if (::fstatat(::dirfd(folder), entry->d_name, &facts, 0) != 0) facts = {};
        sum += digest(entry->d_name, stamp_of(facts));
    }
    ::closedir(folder);
    return sum;
}

}  // namespace

bool FileStamp::operator==(const FileStamp& other) const {
    return device == other.device && inode == other.inode && size == other.size &&
           changed.tv_sec == other.changed.tv_sec && changed.tv_nsec == other.changed.tv_nsec &&
           entries == other.entries;
}

std::vector<FileStamp> FileStamps::of(const std::vector<std::string>& names) {
    std::vector<FileStamp> all;
    for (const std::string& name : names)
        all.push_back(one(name));
    return all;
}

FileStamp FileStamps::one(const std::string& name) {
    struct stat facts {};
    if (::stat(name.c_str(), &facts) != 0) return {};
    FileStamp stamp = stamp_of(facts);
    if (S_ISDIR(facts.st_mode)) stamp.entries = entries_of(name, stamp);
    return stamp;
}

std::uint64_t FileStamps::entries_of(const std::string& name, const FileStamp& itself) {
    Folder& folder = folders_[name];
    const loop::TimePoint begun = time_.now();
    if (folder.itself == itself && begun < folder.next) return folder.entries;
    folder.itself = itself;
    folder.entries = look_through(name);
    looked_through_++;
    const loop::Duration spent = time_.now() - begun;
    folder.next = begun + std::max<loop::Duration>(between_looks, spent * share);
    return folder.entries;
}

}  // namespace headgate::proxy
