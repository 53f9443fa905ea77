// Reads one HTTP/1 response as it arrives and judges its content, for the test clients. Independent
// of the proxy's own parser, and only as strict as a test needs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/support/body_reader.h"
#include "tests/support/content_pattern.h"
#include "tests/support/socket_help.h"

namespace headgate::support {

class ResponseReader {
public:
    /// Judges content that should be the pattern of content_pattern.h; without this call the
    /// content is collected in text() instead.
    void expect_pattern() { is_pattern_ = true; }

    /// Takes what arrived. Interim responses are skipped.
    void feed(std::string_view input) {
        while (!input.empty() && state_ == State::head)
            take_head(input);
        while (state_ == State::body && take_content(input)) {
        }
    }

    /// Says that no more will arrive: the end of a close-delimited response, or a fault.
    void end_input() {
        if (state_ == State::complete) return;
        state_ = state_ == State::body && body_.may_end_here() ? State::complete : State::broken;
    }

    bool has_head() const { return state_ != State::head; }
    bool is_complete() const { return state_ == State::complete; }
    bool is_broken() const { return state_ == State::broken; }
    int status() const { return status_; }
    std::uint64_t octets() const { return octets_; }
    const std::string& text() const { return text_; }

private:
    enum class State { head, body, complete, broken };

    void take_head(std::string_view& input) {
        auto searched = head_.size() < 3 ? 0 : head_.size() - 3;
        auto before = head_.size();
        head_ += input;
        auto end = head_.find("\r\n\r\n", searched);
        if (end == std::string::npos) {
            input = {};
            return;
        }
        input.remove_prefix(end + 4 - before);
        head_.resize(end + 2);
        state_ = begin_body() ? State::body : State::broken;
        if (status_ / 100 == 1) state_ = State::head;
        head_.clear();
    }

    /// RFC 9112 section 6.3, for the answer to a GET or POST.
    bool begin_body() {
        std::string_view head = head_;
        status_ = static_cast<int>(parse_number(head.substr(0, 12).substr(9)).value_or(0));
        if (head.substr(0, 7) != "HTTP/1." || status_ < 100) return false;
        if (status_ == 204 || status_ == 304) return true;
        if (!find_field(head, "Transfer-Encoding").empty()) {
            body_.expect_chunked();
            return true;
        }
        auto length = find_field(head, "Content-Length");
        if (length.empty()) {
            body_.expect_until_close();
            return true;
        }
        auto octets = parse_number(length);
        if (octets) body_.expect_length(*octets);
        return octets.has_value();
    }

    bool take_content(std::string_view& input) {
        std::string_view run;
        auto taken = body_.take(input, run);
        if (is_pattern_ && !is_pattern(run, octets_)) taken = Taken::bad;
        if (!is_pattern_) text_ += run;
        octets_ += run.size();
        if (taken == Taken::bad) state_ = State::broken;
        if (taken == Taken::done) state_ = State::complete;
        return taken == Taken::content;
    }

    State state_ = State::head;
    std::string head_;
    int status_ = 0;
    BodyReader body_;
    bool is_pattern_ = false;
    std::uint64_t octets_ = 0;
    std::string text_;
};

}  // namespace headgate::support
