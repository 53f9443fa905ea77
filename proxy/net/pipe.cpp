// See pipe.h.
#include "proxy/net/pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "mpm/loop/assert.h"

namespace headgate::net {
namespace {

constexpr unsigned how = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

Pipe::Moved splice(int from, int to, std::size_t most) {
    ssize_t count;
    do {
        count = ::splice(from, nullptr, to, nullptr, most, how);
    } while (count < 0 && errno == EINTR);
    return {count, count < 0 ? errno : 0};
}

}  // namespace

Pipe::Moved Pipe::fill(int socket, std::size_t most) {
    HEADGATE_ASSERT(is_empty());
    const Moved moved = splice(socket, write_end_.descriptor(), most);
    if (moved.octets > 0) held_ = static_cast<std::size_t>(moved.octets);
    return moved;
}

Pipe::Moved Pipe::empty_into(int socket) {
    const Moved moved = splice(read_end_.descriptor(), socket, held_);
    if (moved.octets > 0) held_ -= static_cast<std::size_t>(moved.octets);
    return moved;
}

std::span<char> Pipe::read(std::span<char> into) {
    std::size_t count = 0;
    while (count < into.size() && held_ > 0) {
        const ssize_t got =
            ::read(read_end_.descriptor(), into.data() + count, into.size() - count);
        if (got < 0 && errno == EINTR) continue;
        HEADGATE_ASSERT(got > 0);  // what was put in is there
        count += got;
        held_ -= got;
    }
    return into.first(count);
}

bool cannot_splice(int error) {
    return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP || error == EPERM ||
           error == EBADF;
}

PipeLoan PipeStock::lend() {
    if (lent_ == limit_) return nullptr;
    std::unique_ptr<Pipe> pipe;
    if (idle_.empty()) {
        pipe = make();
        if (!pipe) return nullptr;
    } else {
        pipe = std::move(idle_.back());
        idle_.pop_back();
    }
    lent_++;
    return {pipe.release(), Return{this}};
}

/// One that still holds octets is of no use to anybody else.
void PipeStock::take_back(Pipe* returned) {
    std::unique_ptr<Pipe> pipe(returned);
    lent_--;
    if (pipe->is_empty() && idle_.size() < kept_idle) idle_.push_back(std::move(pipe));
}

std::unique_ptr<Pipe> PipeStock::make() {
    // Out of descriptors: then not every piece of content tries again.
    if (refused_ > 0) {
        refused_--;
        return nullptr;
    }
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        refused_ = 1000;
        return nullptr;
    }
    // Above a user's share (pipe-user-pages-soft) this fails: it keeps the size it has.
    ::fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(octets_));
    return std::make_unique<Pipe>(loop::Socket(ends[0]), loop::Socket(ends[1]));
}

}  // namespace headgate::net
