// TlsTickets: the keys that session tickets are sealed with (RFC 5077), in memory that all
// processes forked later share: what one child hands out, every other resumes. One process rotates
// them; the two before the present one still open what they sealed.
#pragma once

#include <ctime>
#include <memory>
#include <string>

struct ssl_ctx_st;

namespace headgate::net {

class TlsTickets {
public:
    /// Fresh random keys. Make it before the first fork.
    TlsTickets();
    /// Those in memory that another program has left open, which is owned from now on; null when it
    /// is something else, which is left alone.
    static std::unique_ptr<TlsTickets> adopt(int descriptor);
    ~TlsTickets();
    TlsTickets(const TlsTickets&) = delete;
    TlsTickets& operator=(const TlsTickets&) = delete;

    /// Of the memory, for adopt(); closed on exec.
    int descriptor() const { return descriptor_; }
    /// The next key seals from now on.
    void rotate();
    /// When the key that seals was made, or added; kept where the keys are, so that neither a
    /// reload nor another program counts its age from anew.
    std::time_t sealing_since() const;
    /// The same for a key from a file, 48 octets: name, HMAC key, AES-128 key as Apache has them,
    /// or 80 (AES-256). False when it has another size. Keys that are held already are not added.
    bool add_key(const std::string& octets);

    /// For tls_context.cpp.
    void serve(ssl_ctx_st* context);

    struct Key;
    const Key& sealing() const;
    const Key* find(const unsigned char* name) const;
    bool is_sealing(const Key& key) const { return &key == &sealing(); }

private:
    struct Ring;
    TlsTickets(int descriptor, Ring* ring) : descriptor_(descriptor), ring_(ring) {}
    static Ring* map(int descriptor);
    Key& begin_next();
    void seal_with_next();

    int descriptor_;
    Ring* ring_;
};

}  // namespace headgate::net
