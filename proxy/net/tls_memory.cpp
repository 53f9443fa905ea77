// See tls_memory.h. What OpenSSL's own functions do with a size of 0 is done here too.
#include "proxy/net/tls_memory.h"

#include <openssl/crypto.h>

#include <cstdlib>

#include "mpm/loop/reserve.h"

namespace headgate::net {
namespace {

void* allocate(std::size_t size, const char*, int) {
    return size != 0 ? loop::reserve::allocate(size) : nullptr;
}

void release(void* block, const char*, int) {
    std::free(block);
}

void* reallocate(void* block, std::size_t size, const char*, int) {
    if (size != 0) return loop::reserve::reallocate(block, size);
    std::free(block);
    return nullptr;
}

}  // namespace

bool back_tls_by_reserve() {
    return CRYPTO_set_mem_functions(allocate, reallocate, release) == 1;
}

}  // namespace headgate::net
