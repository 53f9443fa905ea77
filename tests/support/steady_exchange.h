// One client of headgate-steady: it sends a request, reads the answer to its end, judges it, waits
// a little, and sends the next. Private to the program.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/response_reader.h"
#include "tests/support/socket_help.h"

namespace headgate::support {

/// How an exchange ended. All but `right` are failures.
enum class Ended {
    right,
    refused,     // no connection
    unanswered,  // closed or reset after the request was sent, without an octet of an answer
    incomplete,  // ended within the answer
    wrong,       // another status than 200, or content that is not the origin's
    late,        // no end of it within its limit
};

inline constexpr std::array<const char*, 6> ended_names = {"right",      "refused", "unanswered",
                                                           "incomplete", "wrong",   "late"};

/// What all clients of one kind do.
struct SteadyPlan {
    Url url;
    bool keeps = false;          // the connection, for the next request
    bool is_pattern = false;     // the content is that of content_pattern.h
    std::uint64_t octets = 0;    // of the right content; 0: any
    std::uint64_t pause_us = 0;  // between an answer and the next request
    std::uint64_t limit_us = 0;  // for one exchange
};

class SteadyClient {
public:
    /// The plan outlives the client.
    SteadyClient(const SteadyPlan& plan, std::uint64_t first_us)
        : plan_(&plan), next_us_(first_us) {
        request_ = "GET " + plan.url.target + " HTTP/1.1\r\nHost: " + plan.url.authority + "\r\n" +
                   (plan.keeps ? "\r\n" : "Connection: close\r\n\r\n");
    }

    const SteadyPlan& plan() const { return *plan_; }
    int socket() const { return socket_.number(); }
    bool is_asking() const { return is_asking_; }
    /// When it wants to be called next: to send a request, or to give one up.
    std::uint64_t due_us() const { return is_asking_ ? next_us_ + plan_->limit_us : next_us_; }
    std::uint64_t began_us() const { return next_us_; }
    bool is_fresh() const { return is_fresh_; }

    /// Begins a request. True when it opened a new socket, which is to be watched.
    bool begin() {
        is_asking_ = true;
        next_us_ = now_us();
        sent_ = 0;
        head_.clear();
        response_ = {};
        if (plan_->is_pattern) response_.expect_pattern();
        is_fresh_ = !socket_.is_open();
        if (is_fresh_) socket_ = connect_to(plan_->url.address, 0, 0);
        return is_fresh_ && socket_.is_open();
    }

    /// Goes as far as the socket lets it. True when the exchange has ended; `ended` says how.
    bool advance(Ended& ended) {
        if (!is_asking_) {
            notice_close();
            return false;
        }
        ended = exchange();
        if (ended == Ended::right && !response_.is_complete()) {
            if (now_us() < due_us()) return false;
            ended = Ended::late;
        }
        is_asking_ = false;
        next_us_ = now_us() + plan_->pause_us;
        const bool may_keep = plan_->keeps && ended == Ended::right && !says_close();
        if (!may_keep) socket_.close();
        return true;
    }

private:
    /// Nothing is outstanding: a connection that ends now was only idle.
    void notice_close() {
        char octet;
        if (!socket_.is_open()) return;
        const auto size = ::recv(socket(), &octet, 1, MSG_PEEK);
        if (size < 0 && errno == EAGAIN) return;
        socket_.close();
    }

    /// `right` as long as nothing is wrong.
    Ended exchange() {
        if (!socket_.is_open()) return Ended::refused;
        while (sent_ < request_.size()) {
            const auto size =
                ::send(socket(), request_.data() + sent_, request_.size() - sent_, MSG_NOSIGNAL);
            if (size < 0 && errno == EAGAIN) return Ended::right;
            if (size < 0) return is_fresh_ && sent_ == 0 ? Ended::refused : Ended::unanswered;
            sent_ += static_cast<std::size_t>(size);
        }
        return receive();
    }

    Ended receive() {
        char scratch[16 * 1024];
        while (!response_.is_complete() && !response_.is_broken()) {
            const auto size = ::recv(socket(), scratch, sizeof scratch, 0);
            if (size < 0 && errno == EAGAIN) return Ended::right;
            if (size <= 0) {
                if (head_.empty()) return Ended::unanswered;
                if (size < 0) return Ended::incomplete;
                response_.end_input();
                if (!response_.is_complete()) return Ended::incomplete;
                break;
            }
            const std::string_view input(scratch, static_cast<std::size_t>(size));
            if (head_.find("\r\n\r\n") == std::string::npos) head_ += input;
            response_.feed(input);
        }
        if (response_.is_broken() || response_.status() != 200) return Ended::wrong;
        const bool is_counted = plan_->octets > 0 && plan_->is_pattern;
        return is_counted && response_.octets() != plan_->octets ? Ended::wrong : Ended::right;
    }

    bool says_close() const {
        const std::string_view head(head_.data(), head_.find("\r\n\r\n") + 2);
        return equals_ignoring_case(find_field(head, "Connection"), "close");
    }

    const SteadyPlan* plan_;
    std::string request_;
    Descriptor socket_;
    bool is_asking_ = false;
    bool is_fresh_ = false;
    std::uint64_t next_us_;  // when the next request is due; while asking, when it was sent
    std::size_t sent_ = 0;
    std::string head_;  // of the answer, and what arrived with it
    ResponseReader response_;
};

}  // namespace headgate::support
