// TlsTickets: the keys that session tickets are sealed with (RFC 5077), in memory that all
// processes forked later share: what one child hands out, every other resumes. One process rotates
// them; the two before the present one still open what they sealed. Keys that a file gives to
// several machines are not among them: each virtual host has its own (TlsContext).
#pragma once

#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <string>

namespace headgate::net {

struct TlsTicketKey {
    /// 48 octets of a file: name, HMAC key, AES-128 key as Apache has them; or 80 (AES-256).
    /// Nothing when there are more or fewer.
    static std::optional<TlsTicketKey> read(const std::string& octets);
    bool is_named(const unsigned char* other) const;

    unsigned char name[16];
    unsigned char hmac[32];
    unsigned char aes[32];
    std::uint8_t hmac_size;
    std::uint8_t aes_size;  // 16 or 32
};

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
    /// When the key that seals was made; kept where the keys are, so that neither a
    /// reload nor another program counts its age from anew.
    std::time_t sealing_since() const;

    const TlsTicketKey& sealing() const;
    /// Null for a key that is not known, or no longer.
    const TlsTicketKey* find(const unsigned char* name) const;

private:
    struct Ring;
    TlsTickets(int descriptor, Ring* ring) : descriptor_(descriptor), ring_(ring) {}
    static Ring* map(int descriptor);

    int descriptor_;
    Ring* ring_;
};

}  // namespace headgate::net
