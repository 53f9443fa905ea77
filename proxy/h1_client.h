// H1Client: a client connection that speaks HTTP/1: one exchange after another, until one side has
// had enough (RFC 9112 section 9). Between exchanges it keeps no buffer.
#pragma once

#include <boost/intrusive/list.hpp>
#include <memory>
#include <optional>

#include "mpm/loop/park.h"
#include "proxy/client_side.h"
#include "proxy/exchange.h"
#include "proxy/http/head_parser.h"
#include "proxy/net/h1_content.h"
#include "proxy/read_pace.h"

namespace headgate::proxy {

class H1Client final : public ClientSide,
                       public boost::intrusive::list_base_hook<
                           boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    H1Client(LoopState& state, std::unique_ptr<net::Transport> transport,
             const ConnectionFacts& connection);
    ~H1Client() override;

    /// Serves the connection to its end.
    static loop::Task<void> serve(std::unique_ptr<H1Client> client);
    /// The process ends: an idle connection may send one more request soon; others finish.
    void drain();
    /// Memory is short: ends a connection that waits for a request, or for the rest of its head.
    void shed();

    void limit_content(std::uint64_t octets) override { turn_->content_limit = octets; }
    void send_head(const ResponseStart& start) override;
    void end_after_response() override { persists_ = false; }
    bool withdraw_head() override;
    loop::Task<net::Result<void>> send_interim(std::uint16_t status, std::string_view fields,
                                               loop::Deadline deadline) override;
    bool takes_interim() const override { return turn_->version == http::Version::http_1_1; }
    net::Transport& switch_protocols() override;
    void cut() override;
    void try_skip_content() override;
    loop::SourceList* departures() override { return transport_->breaks(); }
    bool has_departed() const override { return transport_->has_broken(); }
    bool has_all_content() const override { return turn_->reader.is_complete(); }
    std::uint64_t received() const override { return turn_->received; }
    std::uint64_t sent() const override { return turn_->output.written(); }

    net::Result<net::ContentRun> try_read_content(std::span<char> scratch) override;
    std::uint64_t movable() const override { return turn_->reader.movable(*transport_); }
    net::Result<net::ContentRun> try_move_content(net::Pipe& pipe, std::size_t most) override;
    loop::Park content_ready(loop::Phase phase, const loop::Deadline& deadline) override;
    std::string trailers() const override;
    void set_trailers(const std::string& lines) override {
        if (turn_->takes_trailers) turn_->writer.set_trailers(lines);
    }
    net::Result<void> write_content(std::span<const char> octets, bool is_last) override;
    std::uint32_t* taken_in_a_row() override { return &turn_->output.taken_in_a_row(); }
    void keep_unsent(int most) override { turn_->output.keep_unsent(most); }
    bool takes_pipes() const override { return turn_->writer.takes_pipes(turn_->output); }
    net::Result<void> write_pipe(net::PipeLoan pipe, bool is_last) override;
    bool has_rest() const override { return !turn_->output.is_empty(); }
    loop::Task<net::Result<void>> drain(loop::Phase phase, loop::Deadline deadline) override;

private:
    /// When the process ends: for a request that is already on its way.
    static constexpr loop::Milliseconds drain_grace{1000};

    enum class HeadEnd : std::uint8_t { complete, refused, gone };
    /// Whether a head is waited for; shed: for no longer than until this client's next turn.
    enum class HeadWait : std::uint8_t { none, waits, shed };

    /// An exchange, and what belongs to it alone: none of it is kept while the connection idles.
    struct Turn {
        explicit Turn(H1Client& client);

        net::Output output;
        net::H1ContentReader reader;
        net::H1ContentWriter writer;
        std::unique_ptr<http::HeadParser> parser;  // null: the head is there
        std::string collected;                     // a head that arrives in pieces
        ReadPace pace;                             // of the head, then of the content
        std::uint64_t content_limit = 0;
        std::uint64_t received = 0;
        std::uint64_t written_at_head = 0;
        http::Version version = http::Version::http_1_1;
        bool is_head_request = false;
        bool takes_trailers = false;   // TE: trailers
        bool awaits_continue = false;  // sends no content before it has a 100, or loses patience
        std::optional<Exchange> exchange;  // ends before the rest of the request has been read
    };
    /// Either the head's wait `is_over`, with this end, or `want` is waited for.
    struct HeadTry {
        net::Want want;
        bool is_over;
        HeadEnd end;
    };

    HeadTry try_head();
    loop::Park head_ready(net::Want want);
    HeadTry end_wait(loop::Wake wake);
    HeadEnd take_octets(std::string_view got, bool& is_done);
    net::Result<net::ContentRun> within_limit(net::Result<net::ContentRun> run) const;
    HeadEnd end_without_head(const net::Failure* failure);
    net::Failure broken_tls();
    HeadEnd accept(std::string_view text);
    HeadEnd refuse(const http::RequestHead* head, std::string_view text, http::HeadError error);
    void begin_exchange();
    /// An octet of a request has come: an empty line, as old clients send it behind content, is
    /// none.
    bool has_begun_head() const { return turn_ != nullptr && turn_->parser->has_begun(); }
    /// The exchange that is waited for is not the first one.
    bool has_served() const { return connection_.exchanges > (turn_ != nullptr ? 1u : 0u); }
    bool may_persist(const Request& request) const;
    void begin_content(const Request& request);
    void count_content(std::size_t octets);
    void begin_content_pace();
    loop::Deadline head_deadline();
    void begin_head_pace();
    void end_turn();
    /// Of the loop's clock, and round again in 49 days: idle connections keep one, so it is small.
    std::uint32_t milliseconds_now() const;
    /// Since its last exchange, or since there is the connection.
    loop::Milliseconds idle_for() const;
    bool is_content_coming() const;
    bool may_drain_content() const;
    loop::Task<void> drain_content();
    bool has_had_its_turn() const;
    loop::Task<void> let_others_run();
    loop::Task<void> linger();
    const ServerSettings& settings() const;

    LoopState& state_;
    std::unique_ptr<net::Transport> transport_;
    ConnectionFacts connection_;
    loop::Branch* branch_ = nullptr;  // of serve(): to hasten an idle wait
    std::unique_ptr<Turn> turn_;      // null between exchanges
    std::uint32_t idle_since_;  // as milliseconds_now(): its begin, or its last exchange's end
    bool persists_ = true;      // the connection serves another exchange after this one
    bool is_idle_ = false;
    bool is_cut_ = false;
    HeadWait head_wait_ = HeadWait::none;
};

}  // namespace headgate::proxy
