// See tls_pem.h.
#include "proxy/net/tls_pem.h"

#include <string_view>

#include "proxy/net/tls_owned.h"

namespace headgate::net {
namespace {

/// What stands between two lines of dashes.
struct Block {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* octets = nullptr;
    long size = 0;

    Block() = default;
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    ~Block() {
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(octets);
    }
    bool read(BIO* text) { return PEM_read_bio(text, &name, &header, &octets, &size) == 1; }
    bool is(std::string_view wanted) const { return wanted == name; }
    bool is_certificate() const {
        return is(PEM_STRING_X509) || is(PEM_STRING_X509_OLD) || is(PEM_STRING_X509_TRUSTED);
    }
    bool is_key() const { return std::string_view(name).ends_with(PEM_STRING_PKCS8INF); }
    bool is_encrypted() const {
        return is(PEM_STRING_PKCS8) ||
               std::string_view(header).find("ENCRYPTED") != std::string_view::npos;
    }
};

bool reads_as_certificate(const Block& block) {
    const unsigned char* at = block.octets;
    return Owned<X509>(block.is(PEM_STRING_X509_TRUSTED)
                           ? d2i_X509_AUX(nullptr, &at, block.size)
                           : d2i_X509(nullptr, &at, block.size)) != nullptr;
}

bool reads_as_list(const Block& block) {
    const unsigned char* at = block.octets;
    X509_CRL* list = d2i_X509_CRL(nullptr, &at, block.size);
    X509_CRL_free(list);
    return list != nullptr;
}

bool reads_as_key(const Block& block) {
    const unsigned char* at = block.octets;
    return Owned<EVP_PKEY>(d2i_AutoPrivateKey(nullptr, &at, block.size)) != nullptr;
}

/// The first of OpenSSL's reasons is about the octets, the last one about who has read them.
std::string told(const char* what, int number) {
    const char* reason = ERR_reason_error_string(ERR_peek_error());
    ERR_clear_error();
    return what + (" " + std::to_string(number)) +
           " cannot be read: " + (reason != nullptr ? reason : "not what it is called");
}

/// What is wrong with one block; counts those of its kind.
struct Counts {
    int certificates = 0, lists = 0, keys = 0;

    std::string fault_of(const Block& block, PemKind kind) {
        if (block.is_certificate()) {
            certificates++;
            const bool is_right = kind == PemKind::revocations || reads_as_certificate(block);
            return is_right ? "" : told("certificate", certificates);
        }
        if (block.is(PEM_STRING_X509_CRL)) {
            lists++;
            const bool is_right = kind != PemKind::revocations || reads_as_list(block);
            return is_right ? "" : told("revocation list", lists);
        }
        if (!block.is_key()) return "";
        keys++;
        if (kind != PemKind::pairs) return "";
        if (block.is_encrypted()) return "private key " + std::to_string(keys) + " is encrypted";
        return reads_as_key(block) ? "" : told("private key", keys);
    }
};

}  // namespace

std::string fault_of_pem(const std::string& pem, PemKind kind) {
    ERR_clear_error();
    const Owned<BIO> text = bio_of(pem);
    Counts counts;
    while (true) {
        Block block;
        if (!block.read(text.get())) break;
        std::string fault = counts.fault_of(block, kind);
        if (!fault.empty()) return fault;
    }
    const auto error = ERR_peek_last_error();
    const bool is_end =
        ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    if (is_end) ERR_clear_error();
    return is_end ? "" : "its PEM cannot be read: " + last_reason("broken");
}

bool is_pem(const std::string& text) {
    constexpr std::string_view begin = "-----BEGIN ";
    for (std::size_t at = text.find(begin); at != text.npos; at = text.find(begin, at + 1)) {
        const std::string line = text.substr(at, text.find('\n', at) - at);
        for (const char* what : {"CERTIFICATE-----", "X509 CRL-----", "PRIVATE KEY-----"}) {
            if (line.find(what) != line.npos) return true;
        }
    }
    return false;
}

}  // namespace headgate::net
