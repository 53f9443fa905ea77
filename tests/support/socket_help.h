// What the test programs share: descriptors, addresses, clocks and limits. Plain Linux sockets, and
// nothing of the proxy's own code: an instrument that shares code with the thing it measures shares
// its faults.
#pragma once

#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::support {

/// Owns one file descriptor; closes it when it goes.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept;
    ~Descriptor() { close(); }

    int number() const { return number_; }
    bool is_open() const { return number_ >= 0; }
    int release();
    void close();

private:
    int number_ = -1;
};

/// Parses `HOST:PORT`, HOST being an IPv4 address or `localhost`. Empty when it is neither.
std::optional<sockaddr_in> parse_address(std::string_view text);

/// `HOST:PORT` of an address.
std::string to_text(const sockaddr_in& address);

/// An `http://HOST:PORT/target` URL, taken apart.
struct Url {
    sockaddr_in address{};
    std::string authority;
    std::string target;
};
std::optional<Url> parse_url(std::string_view text);

/// Opens a non-blocking listening socket and writes the address it got into `address` (port 0 asks
/// the kernel for one). `send_buffer` above 0 sets SO_SNDBUF, which accepted sockets inherit.
/// Not open on failure, with the reason in errno.
Descriptor listen_on(sockaddr_in& address, int send_buffer);

/// Starts a non-blocking connection. `source` other than 0 (host order) is the local address: the
/// kernel picks the port when it knows the peer, so every source address has a port range of its
/// own. `receive_buffer` above 0 sets SO_RCVBUF. Not open on failure, with the reason in errno.
Descriptor connect_to(const sockaddr_in& address, std::uint32_t source, int receive_buffer);

/// Closes with RST instead of FIN; what is still queued for the peer is dropped.
void reset_connection(Descriptor& socket);

/// Lets this process open as many descriptors as it may, and returns how many that is.
std::size_t raise_descriptor_limit();

/// Microseconds on the monotonic clock.
std::uint64_t now_us();

/// Whether two texts are equal, ASCII letters compared without case.
bool equals_ignoring_case(std::string_view left, std::string_view right);

/// The value of the first field line with this name in a head; empty when there is none.
std::string_view find_field(std::string_view head, std::string_view name);

/// A decimal or hexadecimal number that fills the whole text. Empty when it does not.
std::optional<std::uint64_t> parse_number(std::string_view text, int base = 10);

}  // namespace headgate::support
