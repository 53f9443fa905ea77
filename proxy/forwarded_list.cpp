// See forwarded_list.h.
#include "proxy/forwarded_list.h"

#include <optional>

#include "proxy/http/field_names.h"
#include "proxy/http/octets.h"

namespace headgate::proxy {
namespace {

/// Reads from left to right; nothing that does not fit the grammar is passed over.
class Reader {
public:
    explicit Reader(std::string_view text) : rest_(text) {}

    bool is_empty() const { return rest_.empty(); }
    void skip_blanks() {
        while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t'))
            rest_.remove_prefix(1);
    }
    bool take(char octet) {
        if (rest_.empty() || rest_[0] != octet) return false;
        rest_.remove_prefix(1);
        return true;
    }
    std::string_view token() {
        std::size_t size = 0;
        while (size < rest_.size() && http::is_token_octet(rest_[size]))
            size++;
        const std::string_view taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }
    /// RFC 7239 section 4: value = token / quoted-string.
    std::optional<std::string> value() {
        if (!take('"')) {
            std::string text(token());
            return text.empty() ? std::nullopt : std::optional(std::move(text));
        }
        std::string text;
        while (!rest_.empty() && rest_[0] != '"') {
            if (rest_[0] == '\\') rest_.remove_prefix(1);
            if (rest_.empty()) break;
            text += rest_[0];
            rest_.remove_prefix(1);
        }
        return take('"') ? std::optional(std::move(text)) : std::nullopt;
    }

private:
    std::string_view rest_;
};

/// One element, up to its comma or the end; nullopt when it is broken.
std::optional<std::string> read_element(Reader& reader) {
    std::string who;
    do {
        reader.skip_blanks();
        const std::string_view name = reader.token();
        if (name.empty()) continue;  // [ forwarded-pair ] *( ";" [ forwarded-pair ] )
        if (!reader.take('=')) return std::nullopt;
        std::optional<std::string> value = reader.value();
        if (!value) return std::nullopt;
        if (!http::equals_ignore_case(name, "for")) continue;
        // Section 4: "Each parameter MUST NOT occur more than once per field-value."
        if (!who.empty() || value->find(',') != value->npos) return std::nullopt;
        who = std::move(*value);
    } while (reader.skip_blanks(), reader.take(';'));
    return who.empty() ? "unknown" : who;
}

}  // namespace

std::string forwarded_as_list(std::string_view forwarded) {
    Reader reader(forwarded);
    std::string list;
    while (!reader.is_empty()) {
        const auto who = read_element(reader);
        if (!who || (!reader.is_empty() && !reader.take(','))) return "";
        if (!list.empty()) list += ", ";
        list += *who;
    }
    return list;
}

}  // namespace headgate::proxy
