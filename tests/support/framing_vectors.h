// The framing vectors (tests/cases/framing-vectors.json) as behaviour tests use them: what is sent,
// and what must come of it.
#pragma once

#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace headgate::support {

struct FramingVector {
    std::string name;
    bool is_request = false;
    std::string method;
    std::string raw;
    bool eof = false;  // FIN behind the octets
    std::string upgrade;
    bool request_complete = true;
    bool expects_continue = false;
    bool is_for_h1 = true;  // neither FastCGI nor TLS nor an idle connection

    std::string kind;   // none, length, chunked, close, tunnel, pending, error
    std::string error;  // or empty
    int status = 0;
    std::vector<int> alternatives;
    std::size_t content = 0;  // octets of it
    bool complete = false;
    bool reusable = false;
    std::size_t leftover = 0;

    bool may_be(int got) const {
        bool is_one = got == status;
        for (const int other : alternatives)
            is_one = is_one || got == other;
        return is_one;
    }
};

namespace detail {

/// One character of the JSON text is one octet; the file is UTF-8.
inline std::string octets_of(const boost::json::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        out += c < 0x80 ? text[i] : static_cast<char>((c & 3) << 6 | (text[++i] & 0x3f));
    }
    return out;
}

inline void read_context(const boost::json::object& context, FramingVector& vector) {
    const auto flag = [&context](const char* key, bool otherwise) {
        const auto* value = context.if_contains(key);
        return value == nullptr ? otherwise : value->as_bool();
    };
    if (const auto* upgrade = context.if_contains("upgrade")) {
        vector.upgrade = upgrade->as_string().c_str();
    }
    vector.request_complete = flag("request_complete", true);
    vector.expects_continue = flag("expect100", false);
    vector.is_for_h1 =
        !context.contains("proto") && !context.contains("tls") && !flag("idle", false);
}

inline FramingVector read_vector(const boost::json::object& from) {
    FramingVector vector;
    vector.name = from.at("name").as_string().c_str();
    vector.is_request = from.at("side").as_string() == "request";
    vector.method = from.at("method").as_string().c_str();
    vector.raw = octets_of(from.at("raw").as_string());
    vector.eof = from.at("eof").as_bool();
    if (const auto* context = from.if_contains("ctx")) read_context(context->as_object(), vector);
    const auto& expect = from.at("expect").as_object();
    vector.kind = expect.at("kind").as_string().c_str();
    if (!expect.at("error").is_null()) vector.error = expect.at("error").as_string().c_str();
    vector.status = static_cast<int>(expect.at("status").as_int64());
    vector.content = static_cast<std::size_t>(expect.at("body_len").as_int64());
    vector.complete = expect.at("complete").as_bool();
    vector.reusable = expect.at("reusable").as_bool();
    vector.leftover = static_cast<std::size_t>(expect.at("leftover").as_int64());
    if (const auto* other = from.if_contains("alt")) {
        for (const auto& status : other->as_array())
            vector.alternatives.push_back(static_cast<int>(status.as_int64()));
    }
    return vector;
}

}  // namespace detail

/// Those of one side that HTTP/1 over TCP can be fed.
inline std::vector<FramingVector> framing_vectors(bool requests) {
    std::ifstream file(HEADGATE_SOURCE_DIR "/tests/cases/framing-vectors.json");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const boost::json::value parsed = boost::json::parse(text);
    std::vector<FramingVector> vectors;
    for (const auto& each : parsed.as_array()) {
        FramingVector vector = detail::read_vector(each.as_object());
        if (vector.is_request == requests && vector.is_for_h1) vectors.push_back(std::move(vector));
    }
    return vectors;
}

}  // namespace headgate::support
