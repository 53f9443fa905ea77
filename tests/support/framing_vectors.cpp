// See framing_vectors.h.
#include "tests/support/framing_vectors.h"

#include <boost/json/src.hpp>

#include <fstream>
#include <iterator>
#include <stdexcept>

namespace headgate::support {
namespace {

using boost::json::object;

/// One character of the JSON text is one octet; the file is UTF-8.
std::string octets(const boost::json::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        out += c < 0x80 ? text[i] : static_cast<char>((c & 3) << 6 | (text[i + 1] & 0x3f));
        i += c < 0x80 ? 0 : 1;
    }
    return out;
}

std::string word(const object& from, const char* key) {
    const auto* value = from.if_contains(key);
    return value == nullptr || value->is_null() ? "" : value->as_string().c_str();
}

bool flag(const object& from, const char* key, bool otherwise) {
    const auto* value = from.if_contains(key);
    return value == nullptr ? otherwise : value->as_bool();
}

std::vector<int> numbers(const object& from, const char* key) {
    std::vector<int> found;
    if (const auto* list = from.if_contains(key)) {
        for (const auto& each : list->as_array())
            found.push_back(static_cast<int>(each.as_int64()));
    }
    return found;
}

VectorOutcome read_outcome(const object& from) {
    VectorOutcome outcome;
    outcome.kind = word(from, "kind");
    outcome.error = word(from, "error");
    outcome.status = static_cast<int>(from.at("status").as_int64());
    outcome.body_len = static_cast<std::size_t>(from.at("body_len").as_int64());
    outcome.leftover = static_cast<std::size_t>(from.at("leftover").as_int64());
    outcome.complete = from.at("complete").as_bool();
    outcome.reusable = from.at("reusable").as_bool();
    outcome.interim = numbers(from, "interim");
    return outcome;
}

FramingVector read_vector(const object& from) {
    FramingVector vector;
    vector.name = word(from, "name");
    vector.is_request = word(from, "side") == "request";
    vector.method = word(from, "method");
    vector.raw = octets(from.at("raw").as_string());
    vector.eof = from.at("eof").as_bool();
    vector.expect = read_outcome(from.at("expect").as_object());
    vector.alternatives = numbers(from, "alt");
    if (const auto* ctx = from.if_contains("ctx")) {
        const object& facts = ctx->as_object();
        vector.proto = word(facts, "proto");
        vector.upgrade = word(facts, "upgrade");
        vector.request_complete = flag(facts, "request_complete", true);
        vector.expects_continue = flag(facts, "expect100", false);
        vector.is_tls = flag(facts, "tls", false);
        vector.is_torn_tls = vector.is_tls && !flag(facts, "close_notify", true);
        vector.is_reset = flag(facts, "reset", false);
        vector.is_configured = flag(facts, "configured", false);
        vector.is_idle = flag(facts, "idle", false);
    }
    return vector;
}

}  // namespace

std::vector<FramingVector> read_framing_vectors(const std::string& name) {
    std::ifstream file(HEADGATE_SOURCE_DIR "/tests/cases/" + name);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    std::vector<FramingVector> vectors;
    const boost::json::value document = boost::json::parse(text);
    for (const auto& value : document.as_array()) {
        vectors.push_back(read_vector(value.as_object()));
    }
    return vectors;
}

}  // namespace headgate::support
