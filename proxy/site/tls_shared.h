// What the TLS of all processes and generations has in common: the keys of session tickets, and the
// sessions that are resumed by id. Made when first asked for, which must be before a fork.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "proxy/net/tls_session_cache.h"
#include "proxy/net/tls_tickets.h"

namespace headgate::proxy {

net::TlsTickets& shared_tickets();

/// The key that a file of that name holds now, and behind it the two that it held before, of this
/// program's loads: those open what they have sealed.
std::vector<net::TlsTicketKey> ticket_keys_of(const std::string& file,
                                              const net::TlsTicketKey& key);

/// Both outlive a replacement of the program: their memory is left open for the next one, named in
/// the environment; false takes that back.
void leave_shared(bool is_leaving);
/// What an earlier program left, if it did; out of the environment, and away from programs that
/// this one starts. Before a configuration is loaded.
void take_shared();
/// After that: what it has no use for is given up.
void forget_untaken();

/// The cache of so many octets (SSLSessionCache): the same one as long as somebody has it. Null for
/// 0, or when there is not so much memory, which is said then.
std::shared_ptr<net::TlsSessionCache> shared_session_cache(std::size_t octets);

}  // namespace headgate::proxy
