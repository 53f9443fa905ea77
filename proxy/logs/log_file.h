// LogFile: lines into a file. Each loop collects its lines in a LogBuffer and writes them in one
// system call when it is about to sleep; O_APPEND keeps the lines of several writers whole. A file
// that cannot be written loses lines and counts them: requests never wait for a log.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace headgate::proxy {

/// An open log. Shared by all loops; the descriptor stays the same until it is reopened.
class LogFile {
public:
    /// Opens for appending. "/dev/stdout", "/dev/stderr" and "/proc/self/fd/N" mean the descriptors
    /// that this program has inherited, which need not be openable. Null on failure, errno set.
    static std::unique_ptr<LogFile> open(const std::string& path);
    ~LogFile();

    /// Writes whole lines; returns how many were lost. A pipe that nobody empties loses them, and a
    /// full disk.
    std::uint64_t write(std::string_view lines);
    /// One line, if it can be written now; else nothing is counted.
    bool try_write(std::string_view line);
    /// Opens the path again: after a log was moved away.
    bool reopen();
    std::uint64_t lines_lost() const { return lost_.load(std::memory_order_relaxed); }
    /// What was lost and is in no report yet; from now on it is. give_back() when the report itself
    /// could not be written.
    std::uint64_t take_unreported() { return unreported_.exchange(0, std::memory_order_relaxed); }
    void give_back(std::uint64_t lines) { unreported_.fetch_add(lines, std::memory_order_relaxed); }
    bool has_unreported() const { return unreported_.load(std::memory_order_relaxed) != 0; }
    const std::string& path() const { return path_; }

private:
    LogFile(std::string path, int descriptor, bool inherited);
    bool has_room() const;
    std::string_view portion(std::string_view lines) const;
    std::string path_;
    std::atomic<int> descriptor_;
    bool inherited_;
    bool can_block_ = false;  // a pipe, a terminal: not a regular file
    std::atomic<std::uint64_t> lost_{0};
    std::atomic<std::uint64_t> unreported_{0};
};

/// The lines that one loop has not written yet.
class LogBuffer {
public:
    void append(LogFile& file, std::string_view line);
    /// Writes everything; to be called before the loop sleeps.
    void flush();
    /// Lines of this loop that were lost since it was last asked.
    std::uint64_t take_lost() { return std::exchange(lost_, 0); }

    static constexpr std::size_t flush_at = 32 * 1024;

private:
    std::unordered_map<LogFile*, std::string> pending_;
    std::uint64_t lost_ = 0;
};

}  // namespace headgate::proxy
