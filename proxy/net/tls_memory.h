// The memory of OpenSSL: the allocator's, as before, with the process's reserve behind it
// (mpm/loop/reserve.h). For OpenSSL a failed allocation is a failed handshake.
#pragma once

namespace headgate::net {

/// For the whole process, before OpenSSL is used for anything. False: it was too late.
bool back_tls_by_reserve();

}  // namespace headgate::net
