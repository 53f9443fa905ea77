// See describe.h.
#include "conf/describe.h"

#include <algorithm>
#include <vector>

#include "conf/language.h"

namespace headgate::conf {

std::string describe_contexts(unsigned contexts) {
    struct Name {
        unsigned bit;
        std::string_view words;
    };
    constexpr Name names[] = {{in_server, "server config"},
                              {in_virtual_host, "<VirtualHost>"},
                              {in_location, "<Location>"},
                              {in_proxy, "<Proxy>"}};
    std::string out;
    for (const Name& name : names) {
        if ((contexts & name.bit) != 0) {
            out.append(out.empty() ? "" : ", ").append(name.words);
        }
    }
    return out;
}

std::string indented(std::string_view text) {
    constexpr std::size_t columns = 76;
    std::string out;
    while (!text.empty()) {
        std::size_t end = text.size() <= columns ? text.size() : text.rfind(' ', columns);
        if (end == text.npos) end = text.find(' ');  // a word that is longer than a line
        end = std::min(end, text.size());
        out.append("    ").append(text.substr(0, end)).append("\n");
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

std::string describe(const Row& row) {
    std::string out(row.name);
    out.append(row.syntax.empty() ? "" : " ").append(row.syntax).append("\n");
    if (!row.alias_of.empty()) {
        out.append("    old name of ").append(row.alias_of).append("\n");
    }
    out += indented(row.help);
    if (!row.default_text.empty()) {
        out.append("    default: ").append(row.default_text).append("\n");
    }
    out += "    allowed in: " + describe_contexts(row.contexts);
    if ((row.contexts & of_first_host) != 0)
        out += "; of those of an address the first one's counts";
    return out + ((row.contexts & on_tunnels) != 0 ? "; beside TunnelTo too\n" : "\n");
}

std::string describe_all(const RowTables& tables) {
    std::vector<std::pair<std::string, std::string>>
        lines;  // name in lower case, how it is written
    for (const std::span<const Row> table : tables) {
        for (const Row& row : table) {
            const std::string blank(row.syntax.empty() ? "" : " ");
            lines.emplace_back(lower(row.name),
                               std::string(row.name) + blank + std::string(row.syntax));
        }
    }
    for (const Construct& construct : constructs()) {
        lines.emplace_back(lower(construct.name), construct.syntax);
    }
    std::sort(lines.begin(), lines.end());
    std::string out;
    for (const auto& [name, line] : lines) {
        out.append(line).append("\n");
    }
    return out;
}

}  // namespace headgate::conf
