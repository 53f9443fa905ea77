// See tls_session_cache.h. A shelf is a ring of records, the oldest first:
//
//     begin                 begin + used
//       | head octets | head octets |          (all modulo its size)
//
// A newer record of an id hides an older one, which leaves with its turn.
#include "proxy/net/tls_session_cache.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

#include "proxy/net/tls_context.h"

namespace headgate::net {

struct TlsSessionCache::Head {
    std::time_t expiry;
    std::uint32_t size;  // of the session behind it
    std::uint8_t id_size;
    char id[SSL_MAX_SSL_SESSION_ID_LENGTH];

    bool is_for(std::string_view wanted) const {
        return id_size == wanted.size() && std::memcmp(id, wanted.data(), wanted.size()) == 0;
    }
};

/// Another program may find this one's shelves: a new form of them gets a new number.
struct TlsSessionCache::Shelf {
    static constexpr std::uint64_t known_form = 0x4867536573730001;
    std::uint64_t form;
    pthread_mutex_t mutex;
    std::uint32_t begin;
    std::uint32_t used;

    static constexpr std::size_t front =
        sizeof(std::uint64_t) + sizeof(pthread_mutex_t) + 2 * sizeof(std::uint32_t);
    static constexpr std::uint32_t size = shelf_octets - front;
    char octets[size];

    void copy_in(std::uint32_t at, const void* from, std::size_t count) {
        at %= size;
        const std::size_t run = std::min<std::size_t>(count, size - at);
        std::memcpy(octets + at, from, run);
        std::memcpy(octets, static_cast<const char*>(from) + run, count - run);
    }
    void copy_out(std::uint32_t at, void* into, std::size_t count) const {
        at %= size;
        const std::size_t run = std::min<std::size_t>(count, size - at);
        std::memcpy(into, octets + at, run);
        std::memcpy(static_cast<char*>(into) + run, octets, count - run);
    }
    Head head_at(std::uint32_t offset) const {
        Head head;
        copy_out(begin + offset, &head, sizeof head);
        return head;
    }
    static std::uint32_t whole(const Head& head) {
        return static_cast<std::uint32_t>(sizeof head) + head.size;
    }
    /// The offset of the newest record of an id; `used` when there is none.
    std::uint32_t newest(std::string_view id) const {
        std::uint32_t found = used;
        for (std::uint32_t offset = 0; offset < used;) {
            const Head head = head_at(offset);
            if (head.is_for(id)) found = offset;
            offset += whole(head);
        }
        return found;
    }
};

/// The lock of a shelf. Whoever died with it may have left half a record: the shelf is emptied.
class TlsSessionCache::Held {
public:
    explicit Held(Shelf& shelf) : shelf_(shelf) {
        if (::pthread_mutex_lock(&shelf_.mutex) != EOWNERDEAD) return;
        shelf_.begin = shelf_.used = 0;
        ::pthread_mutex_consistent(&shelf_.mutex);
    }
    ~Held() { ::pthread_mutex_unlock(&shelf_.mutex); }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

private:
    Shelf& shelf_;
};

std::size_t TlsSessionCache::shelves_in(std::size_t octets) {
    return std::max<std::size_t>(octets / shelf_octets, 1);
}

std::shared_ptr<TlsSessionCache> TlsSessionCache::make(std::size_t octets) {
    const std::size_t shelves = shelves_in(octets);
    const int descriptor = ::memfd_create("sessions", MFD_CLOEXEC);
    if (descriptor < 0) return nullptr;
    std::shared_ptr<TlsSessionCache> made;
    if (::ftruncate(descriptor, static_cast<off_t>(shelves * shelf_octets)) == 0) {
        made = map(descriptor, shelves);
    }
    if (made != nullptr) {
        made->set_up();
    } else {
        ::close(descriptor);
    }
    return made;
}

std::shared_ptr<TlsSessionCache> TlsSessionCache::adopt(int descriptor) {
    struct stat facts {};
    if (::fstat(descriptor, &facts) != 0) return nullptr;
    const auto size = static_cast<std::size_t>(facts.st_size);
    if (size == 0 || size % shelf_octets != 0) return nullptr;
    std::shared_ptr<TlsSessionCache> found = map(descriptor, size / shelf_octets);
    if (found == nullptr) return nullptr;
    const bool is_known =
        std::all_of(found->first_, found->first_ + found->shelves_,
                    [](const Shelf& shelf) { return shelf.form == Shelf::known_form; });
    if (is_known) return found;
    found->descriptor_ = -1;
    return nullptr;
}

/// Null when there is not so much memory; else the descriptor is the cache's.
std::shared_ptr<TlsSessionCache> TlsSessionCache::map(int descriptor, std::size_t shelves) {
    static_assert(sizeof(Shelf) == shelf_octets);
    const std::size_t size = shelves * shelf_octets;
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (memory == MAP_FAILED) return nullptr;
    ::madvise(memory, size, MADV_DONTDUMP);
    return std::shared_ptr<TlsSessionCache>(new TlsSessionCache(descriptor, memory, shelves));
}

TlsSessionCache::TlsSessionCache(int descriptor, void* memory, std::size_t shelves)
    : descriptor_(descriptor), first_(static_cast<Shelf*>(memory)), shelves_(shelves) {}

/// Fresh memory, which is all zeros.
void TlsSessionCache::set_up() const {
    pthread_mutexattr_t shared;
    ::pthread_mutexattr_init(&shared);
    ::pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    ::pthread_mutexattr_setrobust(&shared, PTHREAD_MUTEX_ROBUST);
    for (std::size_t i = 0; i < shelves_; i++) {
        ::pthread_mutex_init(&first_[i].mutex, &shared);
        first_[i].form = Shelf::known_form;
    }
    ::pthread_mutexattr_destroy(&shared);
}

TlsSessionCache::~TlsSessionCache() {
    // Its mutexes may be in use by processes that go on; they end with the memory.
    ::munmap(first_, shelves_ * shelf_octets);
    if (descriptor_ >= 0) ::close(descriptor_);
}

TlsSessionCache::Shelf& TlsSessionCache::shelf_of(std::string_view id) const {
    return first_[std::hash<std::string_view>{}(id) % shelves_];
}

void TlsSessionCache::keep(std::string_view id, std::string_view session, std::time_t expiry) {
    if (id.empty() || id.size() > sizeof(Head::id)) return;
    if (session.empty() || session.size() > Shelf::size / 2) return;
    Head head{expiry,
              static_cast<std::uint32_t>(session.size()),
              static_cast<std::uint8_t>(id.size()),
              {}};
    std::memcpy(head.id, id.data(), id.size());
    Shelf& shelf = shelf_of(id);
    const Held held(shelf);
    while (Shelf::size - shelf.used < Shelf::whole(head)) {
        const std::uint32_t oldest = Shelf::whole(shelf.head_at(0));
        shelf.begin = (shelf.begin + oldest) % Shelf::size;
        shelf.used -= oldest;
    }
    shelf.copy_in(shelf.begin + shelf.used, &head, sizeof head);
    shelf.copy_in(shelf.begin + shelf.used + sizeof head, session.data(), session.size());
    shelf.used += Shelf::whole(head);
}

std::string TlsSessionCache::find(std::string_view id, std::time_t now) const {
    Shelf& shelf = shelf_of(id);
    std::string session;
    const Held held(shelf);
    const std::uint32_t at = shelf.newest(id);
    if (at == shelf.used) return session;
    const Head head = shelf.head_at(at);
    if (head.expiry <= now) return session;
    session.resize(head.size);
    shelf.copy_out(shelf.begin + at + sizeof head, session.data(), session.size());
    return session;
}

void TlsSessionCache::forget(std::string_view id) {
    Shelf& shelf = shelf_of(id);
    const Held held(shelf);
    for (std::uint32_t offset = 0; offset < shelf.used;) {
        Head head = shelf.head_at(offset);
        if (head.is_for(id)) {
            head.id_size = 0;
            shelf.copy_in(shelf.begin + offset, &head, sizeof head);
        }
        offset += Shelf::whole(head);
    }
}

namespace {

TlsSessionCache& cache_of(const SSL_CTX* context) {
    return *context_of(context).session_cache();
}

std::string_view id_of(const SSL_SESSION* session) {
    unsigned size = 0;
    const unsigned char* octets = SSL_SESSION_get_id(session, &size);
    return {reinterpret_cast<const char*>(octets), size};
}

/// What the client keeps in a ticket need not be kept here: under 1.3 OpenSSL asks all the same.
int store_session(SSL* ssl, SSL_SESSION* session) {
    const bool has_ticket =
        SSL_version(ssl) == TLS1_3_VERSION && (SSL_get_options(ssl) & SSL_OP_NO_TICKET) == 0;
    const int size = has_ticket ? 0 : i2d_SSL_SESSION(session, nullptr);
    if (size <= 0) return 0;
    std::vector<unsigned char> octets(static_cast<std::size_t>(size));
    unsigned char* at = octets.data();
    i2d_SSL_SESSION(session, &at);
    cache_of(SSL_get_SSL_CTX(ssl))
        .keep(id_of(session), {reinterpret_cast<const char*>(octets.data()), octets.size()},
              std::time(nullptr) + SSL_SESSION_get_timeout(session));
    return 0;  // OpenSSL's own reference is not taken over
}

SSL_SESSION* fetch_session(SSL* ssl, const unsigned char* id, int size, int* is_shared) {
    *is_shared = 0;
    const std::string octets =
        cache_of(SSL_get_SSL_CTX(ssl))
            .find({reinterpret_cast<const char*>(id), static_cast<std::size_t>(size)},
                  std::time(nullptr));
    const auto* at = reinterpret_cast<const unsigned char*>(octets.data());
    return octets.empty() ? nullptr
                          : d2i_SSL_SESSION(nullptr, &at, static_cast<long>(octets.size()));
}

/// After a fatal alert (RFC 5246 section 7.2.2). An end without close_notify is such a one to
/// OpenSSL 3, but as of TLS 1.1 no reason to forget a session (section 7.2.1).
void drop_session(SSL_CTX* context, SSL_SESSION* session) {
    const unsigned long error = ERR_peek_last_error();
    const bool is_only_end = ERR_GET_LIB(error) == ERR_LIB_SSL &&
                             ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    if (is_only_end) return;
    cache_of(context).forget(id_of(session));
}

}  // namespace

void TlsSessionCache::serve(SSL_CTX* context) {
    SSL_CTX_set_session_cache_mode(
        context, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL | SSL_SESS_CACHE_NO_AUTO_CLEAR);
    SSL_CTX_sess_set_new_cb(context, store_session);
    SSL_CTX_sess_set_get_cb(context, fetch_session);
    SSL_CTX_sess_set_remove_cb(context, drop_session);
}

void TlsContext::use_session_cache(std::shared_ptr<TlsSessionCache> cache) {
    session_cache_ = std::move(cache);
    session_cache_->serve(native_);
    // Without tickets, 1.3 resumes by ids too: they go where a ticket would.
    if (tickets_ == nullptr) SSL_CTX_set_num_tickets(native_, 1);
}

}  // namespace headgate::net
