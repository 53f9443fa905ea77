// One exchange on an HTTP/1 connection to an upstream.
#pragma once

#include <memory>

#include "mpm/loop/park.h"
#include "proxy/http/head_parser.h"
#include "proxy/net/h1_content.h"
#include "upstream/tolerance.h"
#include "upstream/upstream_side.h"

namespace headgate::upstream {

/// Octets that the whole head of a response may have.
inline constexpr std::uint32_t most_response_head = 256 * 1024;

class H1Exchange final : public UpstreamSide {
public:
    /// `field_limit`: octets that one field line of a response may have.
    H1Exchange(std::unique_ptr<net::Transport> transport, std::uint32_t field_limit,
               const Tolerances& tolerances = {});

    void send_head(std::string head, RequestContent content, const RequestFacts& facts) override;
    loop::Task<net::Result<ReceivedHead*>> read_head(const loop::Deadline& deadline) override;
    void abandon_request() override { transport_->finish_writing(); }
    bool has_answered() const override { return has_answered_; }
    bool is_reusable() const override;
    std::uint64_t sent() const override { return output_.written(); }

    net::Result<net::ContentRun> try_read_content(std::span<char> scratch) override;
    std::uint64_t movable() const override { return reader_.movable(*transport_); }
    net::Result<net::ContentRun> try_move_content(net::Pipe& pipe, std::size_t most) override {
        return reader_.try_move(*transport_, pipe, most);
    }
    loop::Park content_ready(loop::Phase phase, const loop::Deadline& deadline) override;
    std::string trailers() const override { return reader_.trailers(); }
    void set_trailers(const std::string& lines) override { writer_.set_trailers(lines); }
    net::Result<void> write_content(std::span<const char> octets, bool is_last) override;
    std::uint32_t* taken_in_a_row() override { return &output_.taken_in_a_row(); }
    void keep_unsent(int most) override { output_.keep_unsent(most); }
    bool takes_pipes() const override { return writer_.takes_pipes(output_); }
    net::Result<void> write_pipe(net::PipeLoan pipe, bool is_last) override;
    bool has_rest() const override { return !output_.is_empty(); }
    loop::Task<net::Result<void>> drain(loop::Phase phase, loop::Deadline deadline) override;

    /// Nobody wants the rest of the response's content any more: whether the connection would be
    /// reusable behind it, and no more than `most` octets of it are due, as far as that is known.
    bool may_drop_rest(std::uint64_t most) const;
    /// Reads some of that rest, after the exchange that it was for has ended.
    net::Result<net::ContentRun> try_drop_rest(std::span<char> scratch);

    net::Transport& transport() { return *transport_; }
    std::unique_ptr<net::Transport> take_transport() { return std::move(transport_); }

private:
    net::Result<bool> parse(std::string_view text);
    net::Result<void> frame(std::string_view text);
    void forgive(std::string_view text);
    net::Failure failure(net::FailureKind kind, const char* detail, int error = 0) const;

    std::unique_ptr<net::Transport> transport_;
    net::Output output_;
    net::H1ContentReader reader_;
    net::H1ContentWriter writer_;
    std::uint32_t field_limit_;
    Tolerances tolerances_;
    const RequestFacts* facts_ = nullptr;
    // The head is parsed in the loop's scratch; only one that arrives in pieces is collected here.
    std::string collected_;
    std::unique_ptr<http::HeadParser> parser_;
    ReceivedHead received_;
    bool has_answered_ = false;
    bool request_sent_ = false;
    bool may_reuse_ = true;
};

}  // namespace headgate::upstream
