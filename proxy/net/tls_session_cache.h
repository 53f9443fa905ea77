// TlsSessionCache: sessions that clients resume by their id (RFC 5246 section 7.3, and RFC 8446
// section 2.2 without tickets), in memory that all processes forked later share: what one child has
// agreed, every other resumes. For clients without tickets, or where tickets are off.
#pragma once

#include <ctime>
#include <memory>
#include <string>
#include <string_view>

struct ssl_ctx_st;

namespace headgate::net {

class TlsSessionCache {
public:
    /// Null when there is not so much memory. Make it before the first fork. `octets` is rounded to
    /// whole shelves, one at least; about 200 octets are one session without a client certificate.
    static std::shared_ptr<TlsSessionCache> make(std::size_t octets);
    /// The one in memory that another program has left open, which is owned from now on; null when
    /// it is something else, which is left alone.
    static std::shared_ptr<TlsSessionCache> adopt(int descriptor);
    ~TlsSessionCache();
    TlsSessionCache(const TlsSessionCache&) = delete;
    TlsSessionCache& operator=(const TlsSessionCache&) = delete;

    /// Keeps a session until `expiry`, in the place of the oldest ones of its shelf. An id of more
    /// than 32 octets, or a session of more than half a shelf, is not kept.
    void keep(std::string_view id, std::string_view session, std::time_t expiry);
    /// Empty when there is none, or it has expired by `now`.
    std::string find(std::string_view id, std::time_t now) const;
    void forget(std::string_view id);

    /// So many octets make a cache of this size.
    bool is_of(std::size_t octets) const { return shelves_ == shelves_in(octets); }
    std::size_t shelves() const { return shelves_; }
    /// Of the memory, for adopt(); closed on exec.
    int descriptor() const { return descriptor_; }

    /// For tls_context.cpp.
    void serve(ssl_ctx_st* context);

    static constexpr std::size_t shelf_octets = 16 * 1024;

private:
    struct Shelf;
    struct Head;
    class Held;
    TlsSessionCache(int descriptor, void* memory, std::size_t shelves);
    static std::shared_ptr<TlsSessionCache> map(int descriptor, std::size_t shelves);
    static std::size_t shelves_in(std::size_t octets);
    void set_up() const;
    Shelf& shelf_of(std::string_view id) const;

    int descriptor_;
    Shelf* first_;
    std::size_t shelves_;
};

}  // namespace headgate::net
