// Output: the octets of one direction that the transport has not taken yet, and nothing else.
//
// Writing is tried at once, in one gathered call; only the unwritten rest is copied and kept, and
// it is given back when drained. A head is held until the first content joins it in the same call.
// Flow control is the caller's: it does not push again before the rest is drained.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "mpm/loop/task.h"
#include "proxy/net/failure.h"
#include "proxy/net/give_back.h"
#include "proxy/net/pipe.h"
#include "proxy/net/transport.h"

namespace headgate::net {

class Output {
public:
    /// `side`: whose failure it is when writing fails. The transport must outlive the output.
    Output(Transport& transport, Side side) : transport_(transport), side_(side) {}

    /// Keeps octets for the next push() or flush(), without trying to write.
    void hold(std::string octets);

    /// Writes what is held and then `pieces` (at most 8), as far as the transport takes them now.
    /// The rest is copied: the pieces are not referred to afterwards. Failures are in the phase
    /// send_request or client_write, by the side.
    Result<void> push(std::initializer_list<std::string_view> pieces);
    /// The same for `before`, what `pipe` holds, and `behind`, which must be a literal. The pipe is
    /// kept while octets are in it, but few octets of a slow peer become an ordinary rest.
    Result<void> push(std::string_view before, PipeLoan pipe, std::string_view behind);
    Result<void> flush();
    bool may_splice() const { return transport_.may_splice() && !cannot_splice_; }

    void keep_unsent(int most) { transport_.keep_unsent(most); }
    std::uint32_t& taken_in_a_row() { return transport_.taken_in_a_row; }

    /// Forgets what is held.
    void discard() {
        forget_rest();
        pipe_.reset();
        behind_ = {};
    }

    bool is_empty() const { return rest_.empty() && !pipe_ && behind_.empty(); }
    std::size_t size() const {
        return rest_.size() - at_ + (pipe_ ? pipe_->held() : 0) + behind_.size();
    }

    /// Waits until everything held is written. Each progress renews the deadline.
    loop::Task<Result<void>> drain(loop::Phase phase, loop::Deadline deadline);

    /// Octets the transport has taken so far.
    std::uint64_t written() const { return written_; }

private:
    Result<void> write(std::initializer_list<std::string_view> pieces);
    Result<void> write_pipe();
    void pour();
    void forget_rest() {
        give_back(rest_);
        at_ = 0;
    }
    void keep(std::initializer_list<std::string_view> pieces, std::size_t skip);
    Failure failure(int error) const;

    Transport& transport_;
    std::string rest_;
    std::size_t at_ = 0;       // octets of rest_ written already
    PipeLoan pipe_;            // follows rest_
    std::string_view behind_;  // follows the pipe
    std::uint64_t written_ = 0;
    Want want_ = Want::write;
    Side side_;
    bool cannot_splice_ = false;  // tried, and refused by the kernel
};

}  // namespace headgate::net
