// PCRE2 behind pattern.h.
#include "conf/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace headgate::conf {

namespace {

// Enough for what configurations hold; far from what a hostile subject could make a pattern do.
constexpr std::uint32_t match_limit = 200'000;
constexpr std::uint32_t depth_limit = 2'000;

/// Scratch of one thread: matching allocates nothing.
struct Scratch {
    pcre2_match_data* data = pcre2_match_data_create(10, nullptr);
    pcre2_match_context* context = pcre2_match_context_create(nullptr);

    Scratch() {
        if (context != nullptr) {
            pcre2_set_match_limit(context, match_limit);
            pcre2_set_depth_limit(context, depth_limit);
        }
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() {
        pcre2_match_data_free(data);
        pcre2_match_context_free(context);
    }
};

Scratch& scratch() {
    thread_local Scratch mine;
    return mine;
}

}  // namespace

struct Pattern::Code {
    explicit Code(pcre2_code* compiled) : code(compiled) {}
    Code(const Code&) = delete;
    Code& operator=(const Code&) = delete;
    ~Code() { pcre2_code_free(code); }

    pcre2_code* code;
};

Pattern::Pattern(std::string text, std::shared_ptr<const Code> code)
    : text_(std::move(text)), code_(std::move(code)) {}

PatternResult Pattern::compile(std::string_view text) {
    return compile(text, Options{});
}

PatternResult Pattern::compile(std::string_view text, Options options) {
    int number = 0;
    PCRE2_SIZE offset = 0;
    // Apache compiles with PCRE_DOLLAR_ENDONLY: "$" does not match before a final newline.
    const std::uint32_t flags =
        PCRE2_DOLLAR_ENDONLY | (options.ignore_case ? std::uint32_t{PCRE2_CASELESS} : 0u);
    pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), flags,
                                     &number, &offset, nullptr);
    if (code == nullptr) {
        PCRE2_UCHAR words[160];
        pcre2_get_error_message(number, words, sizeof words);
        return {std::nullopt, reinterpret_cast<const char*>(words), offset};
    }
    return {Pattern(std::string(text), std::make_shared<const Code>(code)), {}, 0};
}

Pattern::Match Pattern::match(std::string_view subject, Captures& captures) const {
    captures.count = 0;
    const Scratch& own = scratch();
    if (own.data == nullptr || own.context == nullptr) {
        return Match::limit;
    }
    const int found = pcre2_match(code_->code, reinterpret_cast<PCRE2_SPTR>(subject.data()),
                                  subject.size(), 0, 0, own.data, own.context);
    if (found == PCRE2_ERROR_NOMATCH) {
        return Match::no;
    }
    if (found < 0) {
        return Match::limit;
    }
    // 0: more groups than there is room for; the first ten are set.
    captures.count = found == 0 ? captures.groups.size() : static_cast<std::size_t>(found);
    const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(own.data);
    for (std::size_t index = 0; index < captures.count; ++index) {
        const PCRE2_SIZE begin = offsets[2 * index];
        const PCRE2_SIZE end = offsets[2 * index + 1];
        const bool is_set = begin != PCRE2_UNSET && begin <= end;
        captures.groups[index] = is_set ? subject.substr(begin, end - begin) : std::string_view{};
    }
    return Match::yes;
}

bool Pattern::matches(std::string_view subject) const {
    Captures captures;
    return match(subject, captures) == Match::yes;
}

std::string Pattern::library_version() {
    char text[64] = "";
    pcre2_config(PCRE2_CONFIG_VERSION, text);
    const std::string version(text);
    return "PCRE2 " + version.substr(0, version.find(' '));
}

std::string substitute(std::string_view replacement, const Captures& captures) {
    std::string out;
    for (std::size_t index = 0; index < replacement.size(); ++index) {
        const char byte = replacement[index];
        const bool has_next = index + 1 < replacement.size();
        const char next = has_next ? replacement[index + 1] : '\0';
        if (byte == '$' && next >= '0' && next <= '9') {
            out += captures[static_cast<std::size_t>(next - '0')];
            ++index;
        } else if (byte == '\\' && has_next) {
            out += next;
            ++index;
        } else {
            out += byte;
        }
    }
    return out;
}

}  // namespace headgate::conf
