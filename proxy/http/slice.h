// A piece of a text, as offset and size: what heads are made of.
//
// Not a view: it holds no pointer, so the buffer may grow and move while a head is being read.
#pragma once

#include <cstdint>
#include <string_view>

namespace headgate::http {

/// `size` octets that begin `at` octets after the start of a text owned by someone else.
struct Slice {
    std::uint32_t at = 0;
    std::uint32_t size = 0;

    /// The octets themselves. `text` is the text that the slice was made over, wherever it is now.
    std::string_view of(std::string_view text) const { return {text.data() + at, size}; }
    bool empty() const { return size == 0; }
    friend bool operator==(const Slice&, const Slice&) = default;
};

}  // namespace headgate::http
