// Takes the content out of an HTTP/1 message body as it arrives, for the test programs: an
// independent reading of RFC 9112 section 6 to hold the proxy's own against. It knows no heads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/socket_help.h"

namespace headgate::support {

/// What one step of a BodyReader found.
enum class Taken {
    content,  ///< a run of content was handed out; call again
    more,     ///< all input is used up and the body goes on
    done,     ///< the body is complete; what is left of the input belongs to the next message
    bad,      ///< not the chunked coding
};

/// Reads one message body. Say first how it is framed, then call take() with what arrived.
class BodyReader {
public:
    void expect_length(std::uint64_t octets) {
        set(octets > 0 ? State::octets : State::done, octets);
    }
    void expect_chunked() {
        set(State::size_line, 0);
        chunked_ = true;
    }
    void expect_until_close() { set(State::until_close, 0); }

    bool is_chunked() const { return chunked_; }

    /// Whether the end of input, coming now, ends the body as its framing says.
    bool may_end_here() const { return state_ == State::done || state_ == State::until_close; }

    /// Takes one step: removes what it used from `input`, and sets `content` to the run of content
    /// in it (pointing into the input) or to nothing.
    Taken take(std::string_view& input, std::string_view& content) {
        content = {};
        while (state_ != State::done) {
            if (input.empty()) return Taken::more;
            if (state_ == State::until_close) return hand_out(input, content, input.size());
            if (state_ == State::octets) return take_octets(input, content);
            if (!take_line(input)) return Taken::more;
            if (!end_line()) return Taken::bad;
        }
        return Taken::done;
    }

private:
    enum class State { octets, until_close, size_line, chunk_end, trailers, done };

    void set(State state, std::uint64_t due) {
        state_ = state;
        due_ = due;
        line_.clear();
        chunked_ = false;
    }

    static Taken hand_out(std::string_view& input, std::string_view& content, std::size_t size) {
        content = input.substr(0, size);
        input.remove_prefix(size);
        return Taken::content;
    }

    Taken take_octets(std::string_view& input, std::string_view& content) {
        auto size = static_cast<std::size_t>(std::min<std::uint64_t>(due_, input.size()));
        due_ -= size;
        if (due_ == 0) state_ = chunked_ ? State::chunk_end : State::done;
        return hand_out(input, content, size);
    }

    /// Collects one line without its end; false while the end has not come.
    bool take_line(std::string_view& input) {
        auto end = input.find('\n');
        line_ += input.substr(0, end);
        input.remove_prefix(std::min(end == std::string_view::npos ? end : end + 1, input.size()));
        return end != std::string_view::npos;
    }

    /// Acts on a complete line of the chunked coding (RFC 9112 section 7.1).
    bool end_line() {
        if (line_.empty() || line_.back() != '\r') return false;
        line_.pop_back();
        auto line = std::exchange(line_, {});
        if (state_ == State::chunk_end) {
            state_ = State::size_line;
            return line.empty();
        }
        if (state_ == State::trailers) {
            if (line.empty()) state_ = State::done;
            return true;
        }
        auto size = parse_number(std::string_view(line).substr(0, line.find(';')), 16);
        if (!size) return false;
        due_ = *size;
        state_ = due_ > 0 ? State::octets : State::trailers;
        return true;
    }

    State state_ = State::done;
    std::uint64_t due_ = 0;
    bool chunked_ = false;
    std::string line_;
};

}  // namespace headgate::support
