// Boost.Beast's parser.
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <limits>

#include "tests/differential/reading.h"

namespace headgate::differential {
namespace {

namespace beast = boost::beast::http;

/// Keeps content as string_body does, but makes no room for what is only announced.
struct Body {
    using value_type = std::string;
    class reader {
    public:
        template <bool is_request, class Fields>
        reader(beast::header<is_request, Fields>&, value_type& body) : body_(body) {}
        void init(const boost::optional<std::uint64_t>&, boost::system::error_code& error) {
            error = {};
        }
        template <class Buffers>
        std::size_t put(const Buffers& buffers, boost::system::error_code& error) {
            error = {};
            std::size_t all = 0;
            for (auto it = boost::asio::buffer_sequence_begin(buffers);
                 it != boost::asio::buffer_sequence_end(buffers); ++it) {
                const boost::asio::const_buffer buffer = *it;
                body_.append(static_cast<const char*>(buffer.data()), buffer.size());
                all += buffer.size();
            }
            return all;
        }
        void finish(boost::system::error_code& error) { error = {}; }

    private:
        value_type& body_;
    };
};

void fill_start(Reading& reading, const beast::request<Body>& message) {
    reading.start = std::string(message.method_string()) + " " + std::string(message.target());
}
void fill_start(Reading& reading, const beast::response<Body>& message) {
    reading.start = std::to_string(message.result_int());
}

template <bool is_request>
void take_head(Reading& reading, const beast::parser<is_request, Body>& parser) {
    const auto& message = parser.get();
    reading.head = Outcome::accepted;
    fill_start(reading, message);
    reading.start += message.version() == 10 ? " 1.0" : " 1.1";
    for (const auto& field : message)
        reading.fields.push_back(
            field_line(std::string_view(field.name_string()), std::string_view(field.value())));
    normalise(reading.fields);
    const auto length = parser.content_length();
    reading.framing = parser.chunked()    ? "chunked"
                      : length            ? std::to_string(*length)
                      : parser.need_eof() ? "close"
                                          : "none";
    if constexpr (!is_request) {
        const unsigned status = message.result_int();
        if (status / 100 == 1 || status == 204 || status == 304) reading.framing = "none";
    }
}

template <bool is_request>
Reading read(std::string_view text) {
    Reading reading;
    beast::parser<is_request, Body> parser;
    parser.body_limit(std::numeric_limits<std::uint64_t>::max());
    parser.header_limit(1 << 20);
    boost::system::error_code error;
    std::size_t at = 0;
    // Head first, then content: whether a head was taken must not depend on what follows it.
    parser.eager(false);
    while (!parser.is_done()) {
        const std::size_t used =
            parser.put(boost::asio::const_buffer(text.data() + at, text.size() - at), error);
        at += used;
        if (parser.is_header_done() && reading.head == Outcome::incomplete && !error) {
            take_head(reading, parser);
            parser.eager(true);
            continue;
        }
        if (error || used == 0) break;
    }
    if (error && error != beast::error::need_more) {
        (reading.head == Outcome::accepted ? reading.content_outcome : reading.head) =
            Outcome::refused;
        reading.reason = error.message();
        return reading;
    }
    if (reading.head != Outcome::accepted) return reading;
    if (!parser.is_done() && reading.framing == "close" && at == text.size()) {
        parser.put_eof(error);
    }
    reading.content = parser.get().body();
    if (!parser.is_done()) return reading;
    reading.content_outcome = Outcome::accepted;
    reading.end = at;
    return reading;
}

}  // namespace

Reading read_beast(Kind kind, std::string_view text) {
    return kind == Kind::request ? read<true>(text) : read<false>(text);
}

}  // namespace headgate::differential
