// See log_file.h.
#include "proxy/logs/log_file.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace headgate::proxy {
namespace {

/// The inherited descriptor that a path means, or -1.
int inherited_descriptor(const std::string& path) {
    if (path == "/dev/stdout") return STDOUT_FILENO;
    if (path == "/dev/stderr") return STDERR_FILENO;
    constexpr std::string_view prefix = "/proc/self/fd/";
    if (path.compare(0, prefix.size(), prefix) != 0) return -1;
    return std::atoi(path.c_str() + prefix.size());
}

/// A FIFO is opened for reading too: else open() waits for a reader, and there is none while the
/// reader is being restarted.
int open_for_append(const std::string& path) {
    struct stat facts {};
    const bool is_fifo = ::stat(path.c_str(), &facts) == 0 && S_ISFIFO(facts.st_mode);
    if (is_fifo) return ::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    return ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
}

}  // namespace

std::unique_ptr<LogFile> LogFile::open(const std::string& path) {
    const int inherited = inherited_descriptor(path);
    const int descriptor = inherited >= 0 ? inherited : open_for_append(path);
    if (descriptor < 0) return nullptr;
    return std::unique_ptr<LogFile>(new LogFile(path, descriptor, inherited >= 0));
}

LogFile::~LogFile() {
    if (!inherited_) ::close(descriptor_);
}

LogFile::LogFile(std::string path, int descriptor, bool inherited)
    : path_(std::move(path)), descriptor_(descriptor), inherited_(inherited) {
    struct stat facts {};
    can_block_ = ::fstat(descriptor, &facts) == 0 && !S_ISREG(facts.st_mode);
}

bool LogFile::has_room() const {
    if (!can_block_) return true;
    pollfd wait{descriptor_, POLLOUT, 0};
    const bool has_room = ::poll(&wait, 1, 0) == 1 && (wait.revents & POLLOUT) != 0;
    if (!has_room) errno = EAGAIN;
    return has_room;
}

/// What may be written at once: all of it to a file; whole lines that fit the room that a writable
/// pipe has for certain.
std::string_view LogFile::portion(std::string_view lines) const {
    if (!can_block_ || lines.size() <= PIPE_BUF) return lines;
    const std::size_t end = lines.rfind('\n', PIPE_BUF - 1);
    return lines.substr(0, end == std::string_view::npos ? PIPE_BUF : end + 1);
}

std::uint64_t LogFile::write(std::string_view lines) {
    while (!lines.empty()) {
        const std::string_view now = portion(lines);
        const ssize_t written = has_room() ? ::write(descriptor_, now.data(), now.size()) : -1;
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            const auto lost =
                static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
            lost_ += lost;
            unreported_ += lost;
            return lost;
        }
        lines.remove_prefix(static_cast<std::size_t>(written));
    }
    return 0;
}

bool LogFile::try_write(std::string_view line) {
    return has_room() && ::write(descriptor_, line.data(), line.size()) > 0;
}

bool LogFile::reopen() {
    if (inherited_) return true;
    const int fresh = open_for_append(path_);
    if (fresh < 0) return false;
    // dup2 keeps the number valid for a write that another thread is in the middle of.
    ::dup3(fresh, descriptor_, O_CLOEXEC);
    ::close(fresh);
    return true;
}

void LogBuffer::append(LogFile& file, std::string_view line) {
    std::string& pending = pending_[&file];
    pending += line;
    if (pending.size() < flush_at) return;
    lost_ += file.write(pending);
    pending.clear();
}

void LogBuffer::flush() {
    for (auto& [file, pending] : pending_) {
        if (pending.empty()) continue;
        lost_ += file->write(pending);
        pending.clear();
        if (pending.capacity() > flush_at) pending.shrink_to_fit();
    }
}

}  // namespace headgate::proxy
