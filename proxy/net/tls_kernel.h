// TLS in the kernel (kTLS): once a handshake of TLS 1.2 is done, OpenSSL may leave the records of a
// socket to the kernel, either way by itself, where the kernel, the cipher and the build of OpenSSL
// allow it. Nobody above the transport sees a difference. Of Linux 6.1's own limits see
// let_kernel_send_all(). Not for TLS 1.3: tls_bio.cpp says why.
#pragma once

#include <string>

#include "proxy/net/tls_transport.h"

struct ssl_ctx_st;

namespace headgate::net {

/// Whether this kernel does TLS for sockets, and this OpenSSL lets it. Asked of the kernel once.
bool kernel_offers_tls();

/// The same in words, for -V.
std::string kernel_tls_text();

/// Has connections of a context use it, if it is offered; `Options -KTLS` takes it back.
void use_kernel_tls(ssl_ctx_st* context);

/// What the kernel does of a connection whose handshake is done.
struct KernelTls {
    bool sends = false;
    bool receives = false;
};
KernelTls kernel_tls_of(const TlsTransport& transport);

/// To be called before the last record of a socket that the kernel makes records for (descriptor):
/// has it take that record, and those it still keeps back, even when it has much to send.
void let_kernel_send_all(int descriptor);

}  // namespace headgate::net
