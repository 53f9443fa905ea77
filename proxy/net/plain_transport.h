// Plain TCP (or a unix socket) as a Transport.
#pragma once

#include "mpm/loop/socket.h"
#include "proxy/net/transport.h"
#include "proxy/net/unread.h"

namespace headgate::net {

class PlainTransport final : public Transport {
public:
    /// Takes a connected non-blocking socket (or one that is connecting) and has `loop` watch it.
    PlainTransport(loop::Loop& loop, loop::Socket socket);
    ~PlainTransport() override;

    Tried try_read(std::span<char> into) override;
    Tried try_write(std::span<const iovec> from) override;
    void keep_unsent(int most) override { socket_.keep_unsent(most); }
    bool may_splice() const override { return true; }
    Tried try_splice_in(Pipe& pipe, std::size_t most) override;
    Tried try_splice_out(Pipe& pipe) override;
    void unread(std::string_view octets) override;
    bool has_unread() const override { return !unread_.is_empty(); }
    loop::SourceList& source(Want want) override {
        return want == Want::read ? readiness_.readers : readiness_.writers;
    }
    bool is_ready(Want want) const override {
        return want == Want::read ? readiness_.readable || has_unread() : readiness_.writable;
    }
    loop::SourceList* breaks() override { return &readiness_.watchers; }
    bool has_broken() const override { return readiness_.failed; }
    bool is_closed_by_peer() const override { return readiness_.closed_by_peer; }
    void finish_writing() override;
    void reset_on_close() override { socket_.reset_on_close(); }
    bool has_news(bool ask_kernel) override;
    int descriptor() const override { return socket_.descriptor(); }
    loop::Loop& loop() override { return loop_; }

    /// Gives the socket up, unwatched: for moving it to another loop. The transport is done then.
    loop::Socket release() override;

    loop::Readiness& readiness() { return readiness_; }

    /// Whether what is written from now on may wait in the kernel, for more comes before anybody
    /// waits for anything (MSG_MORE). A socket that is full sends it all the same.
    void say_more_follows(bool does) { more_follows_ = does; }

private:
    loop::Loop& loop_;
    loop::Readiness& readiness_;
    Unread unread_;
    loop::Socket socket_;
    bool more_follows_ = false;
};

}  // namespace headgate::net
