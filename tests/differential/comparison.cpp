// See comparison.h. The lists come first.
#include "tests/differential/comparison.h"

#include <algorithm>
#include <cstdio>
#include <span>
#include <tuple>

#include "tests/differential/facts.h"

namespace headgate::differential {
namespace {

bool has_value_other_than(const Facts& facts, const char* name, std::string_view only) {
    const auto values = facts.values(name);
    return values.size() != 1 ||
           !std::equal(values[0].begin(), values[0].end(), only.begin(), only.end(),
                       [](char left, char right) { return (left | 0x20) == (right | 0x20); });
}

// ---- where ours is stricter

/// A reason for which a head is refused, and what must be so in its text: else the reason is wrong.
struct Strict {
    const char* reason;
    bool (*holds)(const Facts&);
};

constexpr Strict strict_heads[] = {
    {"bad-request-line", [](const Facts& facts) { return !facts.has_good_request_line(); }},
    {"bad-status-line", [](const Facts& facts) { return !facts.has_good_status_line(); }},
    {"version", [](const Facts& facts) { return !facts.has_good_request_line(); }},
    {"bad-field", [](const Facts& facts) { return !facts.has_good_fields() || facts.has_fold; }},
    {"bare-lf", [](const Facts& facts) { return facts.has_bare_lf; }},
    {"obs-fold", [](const Facts& facts) { return facts.has_fold; }},
    {"host",
     [](const Facts& facts) {
         const auto hosts = facts.values("host");
         const std::string host = hosts.empty() ? "" : hosts[0];
         return hosts.size() != 1 || host.empty() || host.size() > 255 ||
                host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.:-") !=
                    std::string::npos ||
                host.find(':') != std::string::npos || host.find("..") != std::string::npos ||
                host.front() == '.';
     }},
    {"bad-target",
     [](const Facts& facts) {
         const std::string target =
             facts.first.substr(std::min(facts.first.find(' ') + 1, facts.first.size()));
         const std::string path = target.substr(0, target.find('?'));
         return !target.starts_with('/') || target.find('#') != std::string::npos ||
                path.find('\\') != std::string::npos;
     }},
    {"connect", [](const Facts& facts) { return facts.first.starts_with("CONNECT "); }},
    {"cl-invalid", [](const Facts& facts) { return !facts.has_good_length(); }},
    {"cl-duplicate", [](const Facts& facts) { return facts.count("content-length") > 1; }},
    {"cl-conflict", [](const Facts& facts) { return !facts.has_good_length(); }},
    {"cl-and-te",
     [](const Facts& facts) {
         return facts.count("content-length") > 0 && facts.count("transfer-encoding") > 0;
     }},
    {"te-in-http10",
     [](const Facts& facts) {
         return facts.first.ends_with("HTTP/1.0") && facts.count("transfer-encoding") > 0;
     }},
    {"te-invalid",
     [](const Facts& facts) {
         return has_value_other_than(facts, "transfer-encoding", "chunked");
     }},
    {"te-unsupported",
     [](const Facts& facts) {
         return has_value_other_than(facts, "transfer-encoding", "chunked");
     }},
    {"connection-nominates-framing",
     [](const Facts& facts) { return facts.count("connection") > 0; }},
    {"expectation",
     [](const Facts& facts) { return has_value_other_than(facts, "expect", "100-continue"); }},
    {"payload-in-http10-get", [](const Facts& facts) { return facts.first.ends_with("HTTP/1.0"); }},
    {"unexpected-101",
     [](const Facts& facts) { return facts.first.find(" 101") != std::string::npos; }},
};

// ---- where others refuse what ours takes

/// Something that another parser is known to refuse or to misread, and why ours does not.
struct Known {
    const char* what;
    bool (*holds)(const Facts&, Kind);
};

bool frames_twice(const Facts& facts, Kind kind) {
    return kind == Kind::response && facts.count("transfer-encoding") > 0 &&
           facts.count("content-length") > 0;
}

bool announces_nothing(const Facts& facts, Kind kind) {
    return kind == Kind::response && facts.is_without_content() &&
           (facts.count("transfer-encoding") > 0 || facts.count("content-length") > 0);
}

bool is_chunked(const Facts& facts) {
    return facts.count("transfer-encoding") > 0;
}

constexpr Known refused_by_both[] = {
    {"response: bare LF (RFC 9112 section 2.2 lets a recipient take it; not used again)",
     [](const Facts& facts, Kind kind) { return kind == Kind::response && facts.has_bare_lf; }},
    {"a minor version above 1 (RFC 9110 section 2.5: as 1.1)",
     [](const Facts& facts, Kind) { return facts.has_later_version(); }},
    {"1xx, 204, 304 with framing fields (RFC 9112 section 6.3: no content, whatever they say)",
     announces_nothing},
    {"response: Transfer-Encoding and Content-Length (RFC 9112 section 6.3: the former; not used "
     "again)",
     frames_twice},
    {"response: the same Content-Length twice (RFC 9112 section 6.3)",
     [](const Facts& facts, Kind kind) {
         return kind == Kind::response && facts.repeats_one_length();
     }},
    {"trailer with the name of a framing field (dropped)",
     [](const Facts& facts, Kind) {
         return is_chunked(facts) && (facts.content_names("content-length:") ||
                                      facts.content_names("transfer-encoding:"));
     }},
    {"a chunk extension without a name, or a value that is no token (dropped)",
     [](const Facts& facts, Kind) { return is_chunked(facts) && facts.content_names(";"); }},
    {"response: white space behind a chunk-size (as BWS)",
     [](const Facts& facts, Kind kind) {
         return kind == Kind::response && is_chunked(facts) &&
                (facts.content_names(" \r\n") || facts.content_names("\t\r\n"));
     }},
};

constexpr Known refused_by_beast[] = {
    {"an empty line first (RFC 9112 section 2.2: ignored)",
     [](const Facts& facts, Kind) { return facts.begins_empty; }},
    {"a status line that ends behind the code (misleads nobody)",
     [](const Facts& facts, Kind kind) {
         return kind == Kind::response && facts.first.size() == 12;
     }},
    {"Connection that is no list of tokens (what is no token names no field)",
     [](const Facts& facts, Kind) { return facts.count("connection") > 0; }},
};

constexpr Known refused_by_llhttp[] = {
    {"a method that it does not know (RFC 9110 section 9.1: any token)",
     [](const Facts& facts, Kind kind) {
         return kind == Kind::request && !facts.has_usual_method();
     }},
    {"HTAB behind a Content-Length (RFC 9110 section 5.6.3: OWS)",
     [](const Facts& facts, Kind) { return facts.has_tab_behind("content-length"); }},
};

// ---- where others take it, and read it otherwise

constexpr Known misread_by_beast[] = {
    {"response: bare LF: not taken for the end of the head",
     [](const Facts& facts, Kind kind) { return kind == Kind::response && facts.has_bare_lf; }},
};

constexpr Known misread_by_llhttp[] = {
    {"HTAB behind chunked taken for a part of it (RFC 9110 section 5.6.3: OWS)",
     [](const Facts& facts, Kind) { return facts.has_tab_behind("transfer-encoding"); }},
    {"content read behind 1xx, 204 or 304 that announces some", announces_nothing},
};

std::string known(std::span<const Known> list, const Facts& facts, Kind kind) {
    for (const Known& each : list)
        if (each.holds(facts, kind)) return each.what;
    return "";
}

/// Why another parser refuses this, by its own list or by the common one.
std::string known_refusal(std::span<const Known> list, const Facts& facts, Kind kind) {
    const std::string common = known(refused_by_both, facts, kind);
    return common.empty() ? known(list, facts, kind) : common;
}

bool is_waiting(const Reading& other) {
    return other.head == Outcome::incomplete;
}

}  // namespace

// ---- comparing

void Comparison::compare(std::string_view text) {
    inputs_++;
    const OwnReading own = read_own(kind_, text);
    const Reading beast = read_beast(kind_, text);
    const Reading llhttp = read_llhttp(kind_, text);
    compare_heads(own, beast, llhttp, text);
    if (own.head != Outcome::accepted) return;
    compare_pair("Beast", own, beast, text);
    compare_pair("llhttp", own, llhttp, text);
    compare_content(own, beast, llhttp, text);
}

void Comparison::compare_heads(const OwnReading& own, const Reading& beast, const Reading& llhttp,
                               std::string_view text) {
    const bool any_accepts = beast.head == Outcome::accepted || llhttp.head == Outcome::accepted;
    if (own.head == Outcome::refused && any_accepts) stricter(own, text, true);
    if (own.head == Outcome::incomplete && any_accepts) {
        differs(beast.head == Outcome::accepted ? "Beast" : "llhttp",
                "ours waits for more of a head", text, "", "");
    }
    if (own.head != Outcome::accepted) return;
    if (!any_accepts) more_lenient(text, beast, llhttp, "head");
    if (is_waiting(beast)) differs("Beast", "waits for more of a head", text, "", "");
    if (is_waiting(llhttp)) differs("llhttp", "waits for more of a head", text, "", "");
}

void Comparison::compare_pair(const char* who, const OwnReading& own, const Reading& other,
                              std::string_view text) {
    if (other.head != Outcome::accepted) return;
    if (own.start != other.start) differs(who, "start line", text, own.start, other.start);
    if (own.framing != other.framing) differs(who, "framing", text, own.framing, other.framing);
    if (own.fields != other.fields) {
        std::string ours;
        std::string theirs;
        for (const std::string& field : own.fields)
            ours += field + "|";
        for (const std::string& field : other.fields)
            theirs += field + "|";
        differs(who, "fields", text, ours, theirs);
    }
}

void Comparison::compare_content(const OwnReading& own, const Reading& beast, const Reading& llhttp,
                                 std::string_view text) {
    const bool beast_counts = beast.head == Outcome::accepted && beast.framing == own.framing;
    const bool llhttp_counts = llhttp.head == Outcome::accepted && llhttp.framing == own.framing;
    const auto accepts = [](const Reading& each) {
        return each.content_outcome == Outcome::accepted;
    };
    const bool any_accepts = (beast_counts && accepts(beast)) || (llhttp_counts && accepts(llhttp));
    if (own.content_outcome == Outcome::refused && any_accepts) stricter(own, text, false);
    if (own.content_outcome == Outcome::incomplete && any_accepts) {
        differs(beast_counts && accepts(beast) ? "Beast" : "llhttp", "ours waits for more content",
                text, "", "");
    }
    if (own.content_outcome != Outcome::accepted) return;
    if (!beast_counts && !llhttp_counts) return;  // the heads have been complained about
    if (!any_accepts) more_lenient(text, beast, llhttp, "content");
    for (const auto& [who, other, counts] : {std::tuple("Beast", &beast, beast_counts),
                                             std::tuple("llhttp", &llhttp, llhttp_counts)}) {
        if (!counts || !accepts(*other)) continue;
        if (own.content != other->content) {
            differs(who, "content", text, own.content, other->content);
        }
        if (own.end != other->end) {
            differs(who, "end of message", text, std::to_string(own.end),
                    std::to_string(other->end));
        }
    }
    if (beast_counts && llhttp_counts && accepts(beast) && accepts(llhttp)) accepted_by_all_++;
}

void Comparison::stricter(const OwnReading& own, std::string_view text, bool in_head) {
    counts_[std::string("stricter, ") + (in_head ? "head: " : "content: ") + own.reason]++;
    const Facts facts(text);
    if (!in_head) {
        if (facts.has_plain_chunks()) bug("chunks refused without reason: " + own.reason, text);
        return;
    }
    const auto* entry = std::find_if(std::begin(strict_heads), std::end(strict_heads),
                                     [&](const Strict& each) { return each.reason == own.reason; });
    if (entry == std::end(strict_heads))
        return bug("refused for an unlisted reason: " + own.reason, text);
    if (!entry->holds(facts)) bug("refused without reason as " + own.reason, text);
}

/// Each of the others must have a reason of its own to refuse.
void Comparison::more_lenient(std::string_view text, const Reading& beast, const Reading& llhttp,
                              const char* where) {
    const Facts facts(text);
    const std::string of_beast = known_refusal(refused_by_beast, facts, kind_);
    const std::string of_llhttp = known_refusal(refused_by_llhttp, facts, kind_);
    if (of_beast.empty() || of_llhttp.empty()) {
        bug(std::string("more lenient than both, ") + where + ": Beast " + beast.reason +
                ", llhttp " + llhttp.reason,
            text);
        return;
    }
    counts_["refused by both, Beast:  " + of_beast]++;
    counts_["refused by both, llhttp: " + of_llhttp]++;
}

void Comparison::differs(const char* who, const char* what, std::string_view text,
                         const std::string& ours, const std::string& theirs) {
    const Facts facts(text);
    const bool is_beast = who == std::string_view("Beast");
    const std::string reason =
        is_beast ? known(misread_by_beast, facts, kind_) : known(misread_by_llhttp, facts, kind_);
    if (!reason.empty()) {
        counts_["read otherwise by " + std::string(who) + ", " + what + ": " + reason]++;
        return;
    }
    bug(std::string("differs from ") + who + ": " + what,
        std::string(text) + "   OURS " + ours + "   THEIRS " + theirs);
}

void Comparison::bug(const std::string& what, std::string_view text) {
    counts_["BUG " + what]++;
    // The shortest ones tell most.
    std::vector<std::string>& examples = bugs_[what];
    examples.emplace_back(text);
    std::stable_sort(examples.begin(), examples.end(), [](const auto& left, const auto& right) {
        return left.size() < right.size();
    });
    if (examples.size() > shown) examples.pop_back();
}

std::string Comparison::table() const {
    std::string all;
    for (const auto& [reason, count] : counts_) {
        char line[256];
        std::snprintf(line, sizeof line, "%9llu  %s\n", static_cast<unsigned long long>(count),
                      reason.c_str());
        all += line;
    }
    return all;
}

std::string Comparison::bugs() const {
    std::string all;
    for (const auto& [what, examples] : bugs_) {
        all += what + ":\n";
        for (const std::string& example : examples)
            all += "    " + escaped(example) + "\n";
    }
    return all;
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char octet : text) {
        if (octet >= 0x20 && octet < 0x7f) {
            out += octet;
            continue;
        }
        char code[8];
        std::snprintf(code, sizeof code,
                      octet == '\r'   ? "\\r"
                      : octet == '\n' ? "\\n"
                                      : "\\x%02x",
                      static_cast<unsigned char>(octet));
        out += code;
    }
    return out;
}

}  // namespace headgate::differential
