// See tls_tickets.h.
#include "proxy/net/tls_tickets.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "mpm/loop/want.h"
#include "proxy/net/tls_algorithms.h"
#include "proxy/net/tls_context.h"

namespace headgate::net {

std::optional<TlsTicketKey> TlsTicketKey::read(const std::string& octets) {
    if (octets.size() != 48 && octets.size() != 80) return std::nullopt;
    TlsTicketKey key{};
    const std::size_t size = (octets.size() - sizeof key.name) / 2;
    std::memcpy(key.name, octets.data(), sizeof key.name);
    std::memcpy(key.hmac, octets.data() + sizeof key.name, size);
    std::memcpy(key.aes, octets.data() + sizeof key.name + size, size);
    key.hmac_size = key.aes_size = static_cast<std::uint8_t>(size);
    return key;
}

bool TlsTicketKey::is_named(const unsigned char* other) const {
    return std::memcmp(name, other, sizeof name) == 0;
}

/// One slot more than is in use, so that a key is written where nobody reads.
struct TlsTickets::Ring {
    static constexpr std::uint64_t known_form = 0x48675469636b0002;
    static constexpr unsigned slots = 4;
    static constexpr unsigned in_use = 3;
    std::uint64_t form;
    std::atomic<unsigned> sealed;     // so many keys have been made; the last one seals
    std::atomic<std::int64_t> since;  // when it was, in seconds of the epoch
    TlsTicketKey keys[slots];
};

TlsTickets::TlsTickets() : descriptor_(::memfd_create("tickets", MFD_CLOEXEC)) {
    const bool is_there = descriptor_ >= 0 && ::ftruncate(descriptor_, sizeof(Ring)) == 0;
    if (!is_there) loop::end_for_want_of("memory for the keys of session tickets");
    ring_ = new (map(descriptor_)) Ring();
    ring_->form = Ring::known_form;
    rotate();
}

std::unique_ptr<TlsTickets> TlsTickets::adopt(int descriptor) {
    struct stat facts {};
    const bool may_be = ::fstat(descriptor, &facts) == 0 && facts.st_size == sizeof(Ring);
    if (!may_be) return nullptr;
    std::unique_ptr<TlsTickets> made(new TlsTickets(descriptor, map(descriptor)));
    if (made->ring_->form == Ring::known_form) return made;
    made->descriptor_ = -1;
    return nullptr;
}

TlsTickets::Ring* TlsTickets::map(int descriptor) {
    void* memory = ::mmap(nullptr, sizeof(Ring), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (memory == MAP_FAILED) loop::end_for_want_of("memory for the keys of session tickets");
    ::madvise(memory, sizeof(Ring), MADV_DONTDUMP);
    return static_cast<Ring*>(memory);
}

TlsTickets::~TlsTickets() {
    ::munmap(ring_, sizeof(Ring));
    if (descriptor_ >= 0) ::close(descriptor_);
}

std::time_t TlsTickets::sealing_since() const {
    return static_cast<std::time_t>(ring_->since.load(std::memory_order_relaxed));
}

void TlsTickets::rotate() {
    const unsigned sealed = ring_->sealed.load(std::memory_order_relaxed);
    TlsTicketKey& next = ring_->keys[(sealed + 1) % Ring::slots];
    RAND_bytes(next.name, sizeof next.name);
    RAND_priv_bytes(next.hmac, sizeof next.hmac);
    RAND_priv_bytes(next.aes, sizeof next.aes);
    next.hmac_size = next.aes_size = 32;
    ring_->since.store(std::time(nullptr), std::memory_order_relaxed);
    ring_->sealed.fetch_add(1, std::memory_order_release);
}

const TlsTicketKey& TlsTickets::sealing() const {
    return ring_->keys[ring_->sealed.load(std::memory_order_acquire) % Ring::slots];
}

const TlsTicketKey* TlsTickets::find(const unsigned char* name) const {
    const unsigned sealed = ring_->sealed.load(std::memory_order_acquire);
    for (unsigned age = 0; age < Ring::in_use && age < sealed; age++) {
        const TlsTicketKey& key = ring_->keys[(sealed - age) % Ring::slots];
        if (key.is_named(name)) return &key;
    }
    return nullptr;
}

namespace {

// Of OpenSSL's two callbacks for tickets this is the older one, which 3.0 calls deprecated: it
// takes a digest that was fetched before. The newer one can only be told the name of a digest:
// that, and EVP_MAC itself, would be looked up for each ticket, under a lock (930 ns instead of
// 460).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
bool prepare_mac(HMAC_CTX* mac, const unsigned char* key, std::size_t size) {
    return HMAC_Init_ex(mac, key, static_cast<int>(size), fetched_sha256(), nullptr) == 1;
}
#pragma GCC diagnostic pop

const TlsTicketKey& sealing_key(const TlsContext& context) {
    const std::vector<TlsTicketKey>& own = context.own_ticket_keys();
    return own.empty() ? context.tickets()->sealing() : own.front();
}

const TlsTicketKey* opening_key(const TlsContext& context, const unsigned char* name) {
    for (const TlsTicketKey& own : context.own_ticket_keys()) {
        if (own.is_named(name)) return &own;
    }
    return context.tickets()->find(name);
}

}  // namespace

/// OpenSSL's contract: sealing, 1 on success; opening, 0 for an unknown key (a full handshake
/// follows), 2 when the ticket should be replaced by one under the present key.
static int work_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                       HMAC_CTX* mac, int seals) {
    const TlsContext& context = context_of(ssl);
    const TlsTicketKey& sealing = sealing_key(context);
    const TlsTicketKey* key = seals == 1 ? &sealing : opening_key(context, name);
    if (key == nullptr) return 0;
    const EVP_CIPHER* algorithm = key->aes_size == 16 ? fetched_aes_128() : fetched_aes_256();
    if (seals == 1) {
        std::memcpy(name, key->name, sizeof key->name);
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(algorithm)) != 1) return -1;
    }
    const bool is_ready = EVP_CipherInit_ex(cipher, algorithm, nullptr, key->aes, iv, seals) == 1 &&
                          prepare_mac(mac, key->hmac, key->hmac_size);
    if (!is_ready) return -1;
    if (seals == 1) return 1;
    // RFC 8446 appendix C.4: "Clients SHOULD NOT reuse a ticket": under 1.3 each gets another.
    const bool renews = SSL_version(ssl) == TLS1_3_VERSION || key != &sealing;
    return renews ? 2 : 1;
}

void TlsContext::use_tickets(TlsTickets* tickets, int lifetime_seconds,
                             std::vector<TlsTicketKey> own) {
    tickets_ = tickets;
    own_ticket_keys_ = std::move(own);
    SSL_CTX_set_timeout(native_, lifetime_seconds);
    if (tickets != nullptr) {
        SSL_CTX_set_tlsext_ticket_key_cb(native_, work_ticket);
    } else {
        SSL_CTX_set_options(native_, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(native_, 0);
    }
}

}  // namespace headgate::net
