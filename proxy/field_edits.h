// Header and RequestHeader: edits applied to a list of fields, in order (Apache's mod_headers).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/net/tls_transport.h"
#include "proxy/settings_fields.h"

namespace headgate::proxy {

/// One field to be sent. Views of the received head where nothing changed, else of `made`.
struct OutgoingField {
    std::string_view name;
    std::string_view value;
    std::string made;  // owns the value when it was put together here
    std::string_view text() const { return made.empty() ? value : std::string_view(made); }
};
using OutgoingFields = std::vector<OutgoingField>;

/// The edits with the facts of a connection (null: it is plain) in the place of %{NAME}s.
std::vector<FieldEdit> with_facts(const std::vector<FieldEdit>& edits,
                                  const net::TlsTransport* tls);

/// `for_answer`: only edits with the condition `always` apply (answers of our own).
void apply(const std::vector<FieldEdit>& edits, bool for_answer, OutgoingFields& fields);

}  // namespace headgate::proxy
