// The BIO through which OpenSSL reads and writes: octets of a plain transport, whose unread ones
// come first. Where the kernel does TLS, OpenSSL may hand either way over to it. For tls_*.cpp
// only.
#pragma once

#include <openssl/bio.h>

#include "proxy/net/plain_transport.h"

namespace headgate::net {

/// A BIO over `under`, which outlives it. Would-blocks are retry flags, the end of input is
/// BIO_eof(), errors are errno.
BIO* make_tls_bio(PlainTransport& under);

/// From here on reading fails (EPROTO), whatever the peer has sent.
void stop_reading(BIO* bio);

}  // namespace headgate::net
