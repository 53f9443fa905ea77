// One exchange of headgate-park: opened, held in its phase, kept just alive, and at last allowed to
// end. Private to the program.
#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string_view>

#include "tests/support/park_plan.h"
#include "tests/support/response_reader.h"
#include "tests/support/socket_help.h"

namespace headgate::support {

class ParkedExchange {
public:
    enum class State { opening, parked, completed, failed };

    /// The plan outlives the exchange.
    ParkedExchange(const Plan& plan, Descriptor socket)
        : plan_(&plan), socket_(std::move(socket)), allowed_(plan.opening) {
        if (plan.expected.empty()) response_.expect_pattern();
        if (!socket_.is_open()) state_ = State::failed;
    }

    int socket() const { return socket_.number(); }
    State state() const { return state_; }
    /// Whether the connection stands and what goes out at once is sent.
    bool has_opened() const { return sent_ >= plan_->opening; }
    /// Whether it got as far as its phase, whatever became of it after that.
    bool has_started() const { return has_started_; }
    bool is_open() const { return state_ == State::opening || state_ == State::parked; }

    /// Goes as far as the connection lets it now. Call when the socket is ready for anything.
    void advance() {
        if (!is_open()) return;
        send_allowed();
        if (is_open() && (plan_->read_step == 0 || may_end_ || !response_.has_head())) receive();
    }

    /// Gives a sign of life: one octet more of the request, or one small read of the response.
    void drip() {
        if (state_ != State::parked) return;
        constexpr std::size_t kept_for_the_end = 4;
        if (allowed_ + kept_for_the_end < plan_->request.size()) ++allowed_;
        send_allowed();
        if (is_open() && plan_->read_step > 0) receive_once(plan_->read_step);
    }

    /// Sends what was held back and reads without restraint from now on.
    void let_end() {
        if (!is_open()) return;
        may_end_ = true;
        allowed_ = plan_->request.size();
        if (plan_->receive_buffer > 0) {
            int wide = 1024 * 1024;
            ::setsockopt(socket(), SOL_SOCKET, SO_RCVBUF, &wide, sizeof wide);
        }
        advance();
    }

private:
    void send_allowed() {
        while (sent_ < allowed_) {
            auto size =
                ::send(socket(), plan_->request.data() + sent_, allowed_ - sent_, MSG_NOSIGNAL);
            if (size < 0 && errno == EAGAIN) return;
            if (size < 0) return settle(State::failed);
            sent_ += static_cast<std::size_t>(size);
        }
        if (!plan_->starts_with_head) start();
    }

    void receive() {
        constexpr std::size_t all = 64 * 1024;
        bool is_slow = plan_->read_step > 0 && !may_end_;
        while (receive_once(is_slow ? plan_->read_step : all) && !is_slow) {
        }
    }

    /// One read; false when nothing more can be had now, or ever.
    bool receive_once(std::size_t limit) {
        static char scratch[64 * 1024];
        auto size = ::recv(socket(), scratch, std::min(limit, sizeof scratch), 0);
        if (size < 0 && errno == EAGAIN) return false;
        if (size > 0)
            response_.feed({scratch, static_cast<std::size_t>(size)});
        else if (size == 0)
            response_.end_input();
        else
            settle(State::failed);

        if (response_.has_head() && response_.status() == 200) start();
        if (response_.is_complete()) settle(is_right() ? State::completed : State::failed);
        if (response_.is_broken()) settle(State::failed);
        return is_open();
    }

    bool is_right() const {
        if (response_.status() != 200) return false;
        if (!plan_->expected.empty()) return response_.text() == plan_->expected;
        return response_.octets() == plan_->expected_octets;
    }

    void start() {
        if (state_ == State::opening) state_ = State::parked;
        has_started_ = true;
    }

    void settle(State state) {
        state_ = state;
        socket_.close();
    }

    const Plan* plan_;
    Descriptor socket_;
    State state_ = State::opening;
    bool has_started_ = false;
    bool may_end_ = false;
    std::size_t sent_ = 0;
    std::size_t allowed_;
    ResponseReader response_;
};

}  // namespace headgate::support
