// See output.h.
#include "proxy/net/output.h"

#include <array>

namespace headgate::net {

void Output::hold(std::string octets) {
    if (is_empty()) {
        rest_ = std::move(octets);
        at_ = 0;
    } else {
        rest_ += octets;
    }
}

Result<void> Output::push(std::initializer_list<std::string_view> pieces) {
    std::array<iovec, 9> gather;
    std::size_t count = 0;
    std::size_t total = 0;
    const auto add = [&](std::string_view piece) {
        if (piece.empty()) return;
        gather[count++] = {const_cast<char*>(piece.data()), piece.size()};
        total += piece.size();
    };
    add(std::string_view(rest_).substr(at_));
    for (std::string_view piece : pieces)
        add(piece);
    if (total == 0) return {};

    const Tried tried = transport_.try_write({gather.data(), count});
    if (tried.state == Tried::State::error) return failure(loop::Phase{}, tried.error);
    want_ = tried.would_block() ? tried.want() : Want::write;
    written_ += tried.bytes;
    if (tried.bytes < total) return keep(pieces, tried.bytes);
    discard();  // gives the memory back
    return {};
}

Result<void> Output::keep(std::initializer_list<std::string_view> pieces, std::size_t skip) {
    const std::size_t from_rest = std::min(skip, size());
    at_ += from_rest;
    skip -= from_rest;
    std::string fresh;
    std::size_t room = size();
    for (std::string_view piece : pieces)
        room += piece.size();
    if (pieces.size() == 0) return {};
    fresh.reserve(room - skip);
    fresh.append(rest_, at_);
    for (std::string_view piece : pieces) {
        const std::size_t gone = std::min(skip, piece.size());
        skip -= gone;
        fresh.append(piece.substr(gone));
    }
    rest_ = std::move(fresh);
    at_ = 0;
    return {};
}

loop::Task<Result<void>> Output::drain(loop::Phase phase, loop::Deadline deadline) {
    while (true) {
        Result<void> flushed = flush();
        if (!flushed) co_return failure(phase, flushed.error().error);
        if (is_empty()) co_return Result<void>();
        const loop::Wake wake = co_await wait(transport_, want_, phase, deadline);
        if (wake != loop::Wake::ready) co_return failed_wait(side_, phase, wake);
    }
}

Failure Output::failure(loop::Phase phase, int error) const {
    return {side_, FailureKind::reset, phase, 0, error, "writing failed"};
}

}  // namespace headgate::net
