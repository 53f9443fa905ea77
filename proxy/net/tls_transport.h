// TLS over a plain transport, behind the same contract: try; if it would block, wait; try again.
// Which way a wait goes is settled here: reading may have to wait for room, writing for octets.
//
// Ends are kept apart: close_notify is the end of the peer's output; an end of input without it is
// an error (ended_without_notice), for nobody can tell it from an attacker's cut (RFC 8446 section
// 6.1).
#pragma once

#include <memory>

#include "mpm/loop/task.h"
#include "proxy/net/failure.h"
#include "proxy/net/plain_transport.h"

struct ssl_st;
struct ssl_session_st;

namespace headgate::net {

class TlsContext;
class TlsSessions;

class TlsTransport final : public Transport {
public:
    /// Octets that `under` has unread are the first of the handshake. Whether it accepts or
    /// connects follows from the context, which is kept as long as this lives: shared (rule zero),
    /// for a reload may replace it meanwhile.
    TlsTransport(std::unique_ptr<PlainTransport> under, std::shared_ptr<const TlsContext> context);
    ~TlsTransport() override;

    /// One try at the handshake. It must be done before anything is read or written.
    Tried try_handshake();
    /// Why it failed, or what failed later: static text, TLS's own where that was the reason.
    const char* fault() const override { return fault_; }

    /// Client side, before the handshake: the server name to ask for (RFC 6066; not for literals).
    void ask_for(const std::string& server_name);
    /// Client side, before the handshake: the protocols to ask for (ALPN), names with their sizes
    /// in front. The server may agree on one, or say nothing of it.
    void ask_for_protocols(const std::string& names);
    /// Client side, before the handshake: resumes a session kept under `key` in `sessions`, which
    /// must outlive this, and keeps there what the server gives.
    void resume_from(TlsSessions& sessions, std::string key);
    /// For the store of sessions: a new one; takes it over.
    void keep_session(ssl_session_st* session);

    Tried try_read(std::span<char> into) override;
    Tried try_write(std::span<const iovec> from) override;
    void forgo_goodbye() override {
        if (under_->is_closed_by_peer()) is_open_ = false;
    }
    void withhold_goodbye() override { is_open_ = false; }
    void keep_unsent(int most) override { under_->keep_unsent(most); }
    void unread(std::string_view octets) override;
    bool has_unread() const override { return !unread_.is_empty(); }
    loop::SourceList& source(Want want) override { return under_->source(needs(want)); }
    bool is_ready(Want want) const override;
    loop::SourceList* breaks() override { return under_->breaks(); }
    bool has_broken() const override { return under_->has_broken(); }
    bool is_closed_by_peer() const override { return under_->is_closed_by_peer(); }
    void finish_writing() override;
    void reset_on_close() override;
    bool has_news(bool ask_kernel) override;
    bool is_committed() const override { return has_pending_record_; }
    int descriptor() const override { return -1; }  // its octets are not ours
    loop::Loop& loop() override { return under_->loop(); }

    /// For tls_*.cpp: facts about the connection.
    ssl_st* ssl() const { return ssl_; }

private:
    struct Store {
        TlsSessions& sessions;
        std::string key;
    };
    Want needs(Want want) const { return want == Want::read ? read_needs_ : write_needs_; }
    bool has_ended() const { return end_ != Tried::State::done; }
    Tried end() const { return {end_, 0, end_error_}; }
    Tried ended(int result, Want tried);
    Tried give_to_kernel(std::span<const iovec> from);
    void say_goodbye();
    static void hear(int is_sent, int version, int type, const void* octets, std::size_t size,
                     ssl_st* ssl, void* self);
    void count_content(std::size_t octets);

    std::unique_ptr<PlainTransport> under_;
    std::shared_ptr<const TlsContext> context_;
    ssl_st* ssl_;
    Unread unread_;
    std::unique_ptr<Store> store_;  // null: sessions are not kept
    const char* fault_ = "connection lost";
    int end_error_ = 0;                      // of end_, when that is an error
    Tried::State end_ = Tried::State::done;  // how the connection ended, once it has
    Want read_needs_ = Want::read;
    Want write_needs_ = Want::write;
    bool may_have_more_ : 1 = false;  // decrypted or buffered octets may be there
    bool has_pending_record_ : 1 = false;
    bool kernel_sends_ : 1 = false;  // it makes the records (tls_kernel.h)
    bool is_open_ : 1 = false;       // handshake done, and neither side has closed or failed
    bool resets_ : 1 = false;
    bool is_flooded_ : 1 = false;
    std::uint16_t idle_talk_ = 0;  // see hear()
};

/// Does the handshake; each wait is in phase::tls or phase::upstream_tls. Fails as tls_failed,
/// client_silent, upstream_silent or cancelled.
loop::Task<Result<void>> handshake(TlsTransport& transport, Side side, loop::Deadline deadline);

}  // namespace headgate::net
