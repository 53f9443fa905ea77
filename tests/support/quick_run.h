// Short requests, one after the other, each timed: what somebody else sees of a proxy while it is
// busy with something. Private to headgate-park.
#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/response_reader.h"
#include "tests/support/socket_help.h"

namespace headgate::support {

class QuickRun {
public:
    /// `count` requests for `url`, each on a fresh connection or (`keeps`) all on one; a request
    /// without its answer after `limit_us` has failed.
    QuickRun(Url url, std::size_t count, bool keeps, std::uint64_t limit_us)
        : url_(std::move(url)), count_(count), keeps_(keeps), limit_us_(limit_us) {
        request_ = "GET " + url_.target + " HTTP/1.1\r\nHost: " + url_.authority + "\r\n";
        request_ += keeps_ ? "\r\n" : "Connection: close\r\n\r\n";
    }

    int socket() const { return socket_.number(); }
    bool is_over() const { return times_us_.size() + failed_ == count_; }
    std::size_t answered() const { return times_us_.size(); }
    std::size_t failed() const { return failed_; }
    std::uint64_t deadline_us() const { return began_us_ + limit_us_; }

    std::uint64_t median_us() {
        if (times_us_.empty()) return 0;
        std::sort(times_us_.begin(), times_us_.end());
        return times_us_[times_us_.size() / 2];
    }
    std::uint64_t max_us() const {
        return times_us_.empty() ? 0 : *std::max_element(times_us_.begin(), times_us_.end());
    }

    /// Begins the next request. True when it opened a new socket, which is to be watched.
    bool begin() {
        began_us_ = now_us();
        sent_ = 0;
        response_ = {};
        bool is_fresh = !keeps_ || !socket_.is_open();
        if (is_fresh) socket_ = connect_to(url_.address, 0, 0);
        return is_fresh;
    }

    /// Goes as far as the socket lets it. True when the request has ended, well or badly.
    bool advance() {
        if (!socket_.is_open() || now_us() >= deadline_us() || !exchange()) {
            ++failed_;
            socket_.close();
            return true;
        }
        if (!response_.is_complete()) return false;
        times_us_.push_back(now_us() - began_us_);
        if (!keeps_) socket_.close();
        return true;
    }

private:
    /// False when it went wrong.
    bool exchange() {
        while (sent_ < request_.size()) {
            auto size =
                ::send(socket(), request_.data() + sent_, request_.size() - sent_, MSG_NOSIGNAL);
            if (size < 0) return errno == EAGAIN;
            sent_ += static_cast<std::size_t>(size);
        }
        char scratch[16 * 1024];
        while (!response_.is_complete() && !response_.is_broken()) {
            auto size = ::recv(socket(), scratch, sizeof scratch, 0);
            if (size < 0) return errno == EAGAIN;
            if (size > 0)
                response_.feed({scratch, static_cast<std::size_t>(size)});
            else
                response_.end_input();
        }
        return response_.is_complete() && response_.status() == 200;
    }

    Url url_;
    std::size_t count_;
    bool keeps_;
    std::uint64_t limit_us_;
    std::string request_;
    std::size_t sent_ = 0;
    Descriptor socket_;
    ResponseReader response_;
    std::uint64_t began_us_ = 0;
    std::vector<std::uint64_t> times_us_;
    std::size_t failed_ = 0;
};

}  // namespace headgate::support
