// Fuzzes PROXY protocol headers: nothing is read beyond them, no shorter piece of a whole one is
// judged otherwise, and what they say is written and read again as the same.
#include "proxy/net/proxy_protocol.h"

#include <cstdint>
#include <cstdlib>

#include "proxy/net/proxy_header_writer.h"

using namespace headgate::net;
using State = ProxyHeader::State;

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view octets(reinterpret_cast<const char*>(data), size);
    const ProxyHeader header = read_proxy_header(octets);
    if (header.state == State::malformed) require(header.fault[0] != '\0');
    if (header.state != State::complete) return 0;
    require(header.size <= octets.size() && header.size <= most_proxy_header && header.has_begun);
    require(read_proxy_header(octets.substr(0, header.size)).state == State::complete);
    require(read_proxy_header(octets.substr(0, header.size - 1)).state == State::need_more);
    if (header.keeps_addresses) return 0;
    for (const std::string& written : {write_proxy_v1(header.source, header.destination),
                                       write_proxy_v2(header.source, header.destination, {})}) {
        const ProxyHeader again = read_proxy_header(written);
        require(again.state == State::complete && again.size == written.size());
        require(again.source.text() == header.source.text());
        require(again.destination.text() == header.destination.text());
    }
    return 0;
}
