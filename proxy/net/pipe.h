// Pipe: where octets wait inside the kernel on their way from one socket to another (splice(2)), so
// that they are never copied. A loop lends its pipes out one content run at a time: whoever has one
// has octets in it, and an exchange that waits for its upstream has none.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "mpm/loop/socket.h"

namespace headgate::net {

class Pipe {
public:
    /// Octets moved; 0 from fill() is the end of input. Else -1, with `error` an errno value.
    struct Moved {
        std::ptrdiff_t octets = 0;
        int error = 0;
    };

    Pipe(loop::Socket read_end, loop::Socket write_end)
        : read_end_(std::move(read_end)), write_end_(std::move(write_end)) {}

    /// Moves at most `most` octets from a socket into the pipe, which must be empty: then EAGAIN
    /// can only mean that the socket has none.
    Moved fill(int socket, std::size_t most);
    /// Moves to a socket what it takes. SIGPIPE must be ignored.
    Moved empty_into(int socket);
    /// Reads into memory what no socket takes: always as much as fits, for nothing here waits.
    std::span<char> read(std::span<char> into);

    std::size_t held() const { return held_; }
    bool is_empty() const { return held_ == 0; }

private:
    loop::Socket read_end_;
    loop::Socket write_end_;
    std::size_t held_ = 0;
};

/// Whether a call of fill() or empty_into() failed because this is not possible here at all.
bool cannot_splice(int error);

/// The pipes of one loop. It outlives what it lends.
class PipeStock {
public:
    struct Return {
        PipeStock* stock = nullptr;
        void operator()(Pipe* pipe) const { stock->take_back(pipe); }
    };
    /// At most `limit` are lent at the same time: each may hold `octets` of a peer that went away
    /// without a word.
    explicit PipeStock(std::size_t limit = 32, std::size_t octets = 1 << 20)
        : limit_(limit), octets_(octets) {}
    PipeStock(const PipeStock&) = delete;
    PipeStock& operator=(const PipeStock&) = delete;

    /// An empty pipe, or null when there is none to be had: then octets are copied.
    std::unique_ptr<Pipe, Return> lend();

    std::size_t lent() const { return lent_; }

private:
    void take_back(Pipe* pipe);
    std::unique_ptr<Pipe> make();

    static constexpr std::size_t kept_idle = 8;
    std::size_t limit_;
    std::size_t octets_;
    std::size_t lent_ = 0;
    std::size_t refused_ = 0;  // how often in a row the kernel had none
    std::vector<std::unique_ptr<Pipe>> idle_;
};

using PipeLoan = std::unique_ptr<Pipe, PipeStock::Return>;

}  // namespace headgate::net
