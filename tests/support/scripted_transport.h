// A transport that follows a script: what each read brings, what each write takes, where it would
// block and where it breaks. Everything written is kept, call by call. No descriptor, no kernel.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "proxy/net/pipe.h"
#include "proxy/net/transport.h"
#include "tests/support/fail_nth.h"

namespace headgate::support {

/// One entry of a script.
struct Step {
    enum class Kind : std::uint8_t {
        move,   // reading: `text` arrives, in as many reads as it takes; writing: takes `room`
                // octets, and wakes the waiter later when these were not all
        block,  // this try would block; the waiter is woken in a later pass, once
        stall,  // from here on every try would block, and nobody is woken: the peer is silent
        end,    // reading: end of input, from here on
        error,  // the connection breaks with `error`, from here on
    };
    Kind kind = Kind::move;
    std::string text;
    std::size_t room = 0;
    int error = 0;

    static Step data(std::string text) { return {Kind::move, std::move(text), 0, 0}; }
    static Step take(std::size_t room) { return {Kind::move, "", room, 0}; }
    static Step block() { return {Kind::block, "", 0, 0}; }
    static Step stall() { return {Kind::stall, "", 0, 0}; }
    static Step end() { return {Kind::end, "", 0, 0}; }
    static Step fail(int error) { return {Kind::error, "", 0, error}; }
};

/// `text` in reads of one octet each, with a would-block in front of each when `blocks`.
std::deque<Step> octet_by_octet(std::string_view text, bool blocks);

/// Puts octets into an empty pipe, as a socket would.
void fill(net::Pipe& pipe, std::string_view octets);

/// What happened on a scripted transport. Owned by the test, for it outlives the transport.
struct Record {
    struct Write {
        std::string octets;  // what was taken
        std::size_t offered = 0;
        std::size_t pieces = 0;
    };
    std::vector<Write> writes;    // one per try that moved octets
    std::size_t spliced_in = 0;   // tries that moved octets
    std::size_t spliced_out = 0;  // the same
    std::size_t reads = 0;        // tries, would-blocks included
    std::vector<int> unsent;      // as keep_unsent() said
    bool has_finished_writing = false;
    bool resets_on_close = false;
    bool is_closed = false;

    std::string written() const {
        std::string all;
        for (const Write& write : writes)
            all += write.octets;
        return all;
    }
};

class ScriptedTransport final : public net::Transport {
public:
    /// After the last step of `reads` the peer is silent; after the last of `writes` everything is
    /// taken. `plan` may be null; else it outlives this, and so does `record`.
    ScriptedTransport(loop::Loop& loop, std::deque<Step> reads, std::deque<Step> writes,
                      Record& record, FailPlan* plan = nullptr);
    ~ScriptedTransport() override;

    /// The connection breaks now: who watches it is told, and every try fails from here on.
    void break_off(int error);
    /// Whether octets may come and go through pipes, following the same script; `refused`: said to
    /// be possible, but the kernel knows better.
    enum class Splice : std::uint8_t { none, works, refused };
    Splice splice = Splice::none;

    /// Adds to the script of reads and wakes who waits for it.
    void arrive(Step step);
    /// The peer that stalled takes everything from now on.
    void take_again();
    /// The same in front of the script: what the kernel still holds of a broken connection.
    void arrive_first(Step step) { reads_.push_front(std::move(step)); }

    net::Tried try_read(std::span<char> into) override;
    net::Tried try_write(std::span<const iovec> from) override;
    bool may_splice() const override { return splice != Splice::none; }
    net::Tried try_splice_in(net::Pipe& pipe, std::size_t most) override;
    net::Tried try_splice_out(net::Pipe& pipe) override;
    void unread(std::string_view octets) override { unread_.insert(0, octets); }
    bool has_unread() const override { return !unread_.empty(); }
    bool is_ready(net::Want) const override { return false; }  // the script says when
    loop::SourceList& source(net::Want want) override {
        return want == net::Want::read ? readers_ : writers_;
    }
    loop::SourceList* breaks() override { return &watchers_; }
    bool has_broken() const override { return has_broken_; }
    void keep_unsent(int most) override { record_.unsent.push_back(most); }
    void finish_writing() override { record_.has_finished_writing = true; }
    void reset_on_close() override { record_.resets_on_close = true; }
    bool has_news(bool) override { return !unread_.empty() || !reads_.empty(); }
    int descriptor() const override { return -1; }
    loop::Loop& loop() override { return loop_; }

private:
    bool is_planned(net::Want want, net::Tried& tried);
    void wake_later(net::Want want);

    loop::Loop& loop_;
    std::deque<Step> reads_;
    std::deque<Step> writes_;
    Record& record_;
    FailPlan* plan_;
    std::string unread_;
    loop::SourceList readers_;
    loop::SourceList writers_;
    loop::SourceList watchers_;
    bool has_broken_ = false;
    // Shared (rule zero): a wake-up that is on its way must see that the transport has gone.
    std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

}  // namespace headgate::support
