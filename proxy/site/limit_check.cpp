// See limit_check.h.
#include "proxy/site/limit_check.h"

#include <string>

namespace headgate::proxy {
namespace {

void check(const char* name, const conf::Set<int>& merged, const conf::Set<int>& own,
           const conf::Set<int>& whole, bool whole_is_own, conf::Diagnostics& diagnostics) {
    if (!merged.is_written() || *merged <= *whole) return;
    if (!own.is_written() && !whole_is_own) return;
    const std::string what = std::string(name) + " " + std::to_string(*merged) +
                             " is above LimitRequestHead, by which a whole head ends at " +
                             std::to_string(*whole);
    diagnostics.error(own.is_written() ? own.span() : whole.span(), what,
                      own.is_written() ? "raise LimitRequestHead, or lower this"
                                       : std::string("lower ") + name + " too",
                      "headgate -L LimitRequestHead");
}

}  // namespace

void check_head_limits(const ServerSettings& merged, const ServerSettings& own,
                       conf::Diagnostics& diagnostics) {
    const conf::Set<int>& whole = merged.limit_request_head;
    const bool whole_is_own = own.limit_request_head.is_written();
    check("LimitRequestLine", merged.limit_request_line, own.limit_request_line, whole,
          whole_is_own, diagnostics);
    check("LimitRequestFieldSize", merged.limit_request_field_size, own.limit_request_field_size,
          whole, whole_is_own, diagnostics);
}

void warn_of_limits_behind(const Site& first, const conf::Scope& own,
                           conf::Diagnostics& diagnostics) {
    for (const conf::Scope::Written& written : own.written) {
        if ((written.row->contexts & conf::of_first_host) == 0) continue;
        diagnostics.warning(written.span,
                            std::string(written.row->name) +
                                " has no effect behind the first virtual host of the address, " +
                                first.name + " (" + diagnostics.sources().place(first.span) + ")",
                            "it is about connections that have named none yet: write it there");
    }
}

}  // namespace headgate::proxy
