// See scripted_transport.h.
#include "tests/support/scripted_transport.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace headgate::support {

using net::Tried;
using net::Want;

void fill(net::Pipe& pipe, std::string_view octets) {
    const loop::Socket file(::memfd_create("octets", MFD_CLOEXEC));
    const auto size = static_cast<ssize_t>(octets.size());
    HEADGATE_ASSERT(::write(file.descriptor(), octets.data(), octets.size()) == size);
    HEADGATE_ASSERT(::lseek(file.descriptor(), 0, SEEK_SET) == 0);
    HEADGATE_ASSERT(pipe.fill(file.descriptor(), octets.size()).octets == size);
}

std::deque<Step> octet_by_octet(std::string_view text, bool blocks) {
    std::deque<Step> steps;
    for (const char octet : text) {
        if (blocks) steps.push_back(Step::block());
        steps.push_back(Step::data(std::string(1, octet)));
    }
    return steps;
}

ScriptedTransport::ScriptedTransport(loop::Loop& loop, std::deque<Step> reads,
                                     std::deque<Step> writes, Record& record, FailPlan* plan)
    : loop_(loop),
      reads_(std::move(reads)),
      writes_(std::move(writes)),
      record_(record),
      plan_(plan) {}

ScriptedTransport::~ScriptedTransport() {
    HEADGATE_ASSERT(readers_.empty() && writers_.empty() && watchers_.empty());
    *is_alive_ = false;
    record_.is_closed = true;
}

void ScriptedTransport::arrive(Step step) {
    reads_.push_back(std::move(step));
    loop_.wake_all(readers_, loop::Wake::ready);
}

void ScriptedTransport::take_again() {
    writes_.clear();
    loop_.wake_all(writers_, loop::Wake::ready);
}

void ScriptedTransport::break_off(int error) {
    reads_ = {Step::fail(error)};
    writes_ = {Step::fail(error)};
    has_broken_ = true;
    for (loop::SourceList* list : {&watchers_, &readers_, &writers_})
        loop_.wake_all(*list, loop::Wake::ready);
}

/// Whether the plan wants this try to go wrong; then `tried` says how.
bool ScriptedTransport::is_planned(Want want, Tried& tried) {
    if (plan_ == nullptr) return false;
    const FailPlan::Verdict verdict = plan_->next();
    if (verdict == FailPlan::Verdict::go_on) return false;
    if (verdict == FailPlan::Verdict::error) {
        reads_ = {Step::fail(ECONNRESET)};
        writes_ = {Step::fail(ECONNRESET)};
        tried = {Tried::State::error, 0, ECONNRESET};
        return true;
    }
    reads_ = {Step::stall()};
    writes_ = {Step::stall()};
    tried = {want == Want::read ? Tried::State::want_read : Tried::State::want_write, 0, 0};
    return true;
}

void ScriptedTransport::wake_later(Want want) {
    loop_.post([this, want, alive = is_alive_] {
        if (*alive) loop_.wake_all(source(want), loop::Wake::ready);
    });
}

Tried ScriptedTransport::try_read(std::span<char> into) {
    record_.reads++;
    Tried planned;
    if (is_planned(Want::read, planned)) return planned;
    if (!unread_.empty()) {
        const std::size_t count = std::min(into.size(), unread_.size());
        std::memcpy(into.data(), unread_.data(), count);
        unread_.erase(0, count);
        return {Tried::State::done, count, 0};
    }
    if (reads_.empty()) return {Tried::State::want_read, 0, 0};
    Step& step = reads_.front();
    switch (step.kind) {
        case Step::Kind::move: {
            const std::size_t count = std::min(into.size(), step.text.size());
            std::memcpy(into.data(), step.text.data(), count);
            step.text.erase(0, count);
            if (step.text.empty()) reads_.pop_front();
            return {Tried::State::done, count, 0};
        }
        case Step::Kind::block:
            reads_.pop_front();
            wake_later(Want::read);
            return {Tried::State::want_read, 0, 0};
        case Step::Kind::stall:
            return {Tried::State::want_read, 0, 0};
        case Step::Kind::end:
            return {Tried::State::end, 0, 0};
        case Step::Kind::error:
            return {Tried::State::error, 0, step.error};
    }
    return {};
}

Tried ScriptedTransport::try_write(std::span<const iovec> from) {
    Tried planned;
    if (is_planned(Want::write, planned)) return planned;
    std::size_t offered = 0;
    for (const iovec& piece : from)
        offered += piece.iov_len;
    std::size_t room = offered;
    if (!writes_.empty()) {
        const Step step = writes_.front();
        const bool stays = step.kind == Step::Kind::error || step.kind == Step::Kind::stall;
        if (!stays) writes_.pop_front();
        if (step.kind == Step::Kind::error) return {Tried::State::error, 0, step.error};
        if (step.kind == Step::Kind::block) wake_later(Want::write);
        if (step.kind != Step::Kind::move) return {Tried::State::want_write, 0, 0};
        room = std::min(step.room, offered);
    }
    Record::Write write{"", offered, from.size()};
    for (const iovec& piece : from) {
        const std::size_t count = std::min(piece.iov_len, room - write.octets.size());
        write.octets.append(static_cast<const char*>(piece.iov_base), count);
    }
    record_.writes.push_back(std::move(write));
    if (room < offered) wake_later(Want::write);  // as the kernel does once there is room again
    return {Tried::State::done, room, 0};
}

/// What try_read() brings, carried through the kernel.
Tried ScriptedTransport::try_splice_in(net::Pipe& pipe, std::size_t most) {
    if (splice == Splice::refused) return {Tried::State::error, 0, EINVAL};
    std::string octets(std::min<std::size_t>(most, 32 * 1024), 0);
    const Tried tried = try_read(octets);
    if (!tried.is_done()) return tried;
    fill(pipe, {octets.data(), tried.bytes});
    record_.spliced_in++;
    return tried;
}

/// What is not taken goes back into the pipe.
Tried ScriptedTransport::try_splice_out(net::Pipe& pipe) {
    if (splice == Splice::refused) return {Tried::State::error, 0, EINVAL};
    std::string octets(pipe.held(), 0);
    pipe.read(octets);
    const iovec piece{octets.data(), octets.size()};
    const Tried tried = try_write({&piece, 1});
    const std::string rest = octets.substr(tried.bytes);
    if (tried.bytes > 0) record_.spliced_out++;
    if (rest.empty()) return tried;
    fill(pipe, rest);
    return tried;
}

}  // namespace headgate::support
