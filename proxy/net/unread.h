// Unread: octets that were read too far and given back to a transport, to be read again first. Next
// to nothing while there are none, for most connections never have any.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace headgate::net {

class Unread {
public:
    bool is_empty() const { return octets_ == nullptr; }

    /// In front of what is there already.
    void put(std::string_view octets) {
        if (octets.empty()) return;
        if (octets_ == nullptr) octets_ = std::make_unique<std::string>();
        octets_->insert(0, octets);
    }

    /// How many were taken; the memory goes with the last one.
    std::size_t take(std::span<char> into) {
        const std::size_t count = std::min(into.size(), octets_->size());
        std::memcpy(into.data(), octets_->data(), count);
        octets_->erase(0, count);
        if (octets_->empty()) octets_.reset();
        return count;
    }

private:
    std::unique_ptr<std::string> octets_;
};

}  // namespace headgate::net
