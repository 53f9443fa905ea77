// Header and RequestHeader: edits applied to a list of fields, in order (Apache's mod_headers).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/net/tls_transport.h"
#include "proxy/settings/fields.h"

namespace headgate::proxy {

/// One field to be sent. Views of the received head where nothing changed, else of `made`.
struct OutgoingField {
    std::string_view name;
    std::string_view value;
    std::string made;  // owns the value when it was put together here
    std::string_view text() const { return made.empty() ? value : std::string_view(made); }
};
using OutgoingFields = std::vector<OutgoingField>;

/// Applies the edits in order. `for_answer`: only those with the condition `always` (answers of our
/// own). `tls`: the client's connection, whose facts stand for %{NAME}s; null when it is plain.
/// The fields keep views of the edits' text, so the edits outlive them.
void apply(const std::vector<FieldEdit>& edits, bool for_answer, const net::TlsTransport* tls,
           OutgoingFields& fields);

}  // namespace headgate::proxy
