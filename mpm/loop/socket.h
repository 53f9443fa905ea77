// Socket: the owner of one descriptor, and the few calls that make and prepare sockets. All are
// non-blocking and close on exec.
#pragma once

#include <string>
#include <utility>

#include "mpm/loop/address.h"

namespace headgate::loop {

class Socket {
public:
    Socket() = default;
    explicit Socket(int descriptor) : descriptor_(descriptor) {}
    Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    Socket& operator=(Socket&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~Socket() { close(); }

    int descriptor() const { return descriptor_; }
    bool is_open() const { return descriptor_ >= 0; }
    int release() { return std::exchange(descriptor_, -1); }
    void close();

    /// The next close sends RST instead of FIN: the peer must not take what it has for complete.
    void reset_on_close();
    /// Small writes leave at once; bytes not yet sent are kept in our hands, not the kernel's,
    /// above `unsent` (TCP_NOTSENT_LOWAT), or a slow reader holds megabytes of kernel memory.
    void tune_for_relay(int unsent = 16 * 1024);
    void keep_unsent(int unsent);
    void keep_alive_probes();

private:
    int descriptor_ = -1;
};

/// The same for every socket that `listener` will accept: on Linux they have its options from the
/// start, which saves each of them the calls.
void tune_accepted_for_relay(int listener);

/// Begins a connection; `error` is 0 or EINPROGRESS when it is on its way, else why it is not.
struct Connecting {
    Socket socket;
    int error = 0;
};
Connecting start_connect(const Address& address);
Connecting start_connect_unix(const std::string& path);
/// After the socket became writable: 0, or why the connection failed.
int connect_result(int descriptor);

/// One listening socket. `error` is an errno value; `what` the call that failed.
struct ListenOptions {
    int backlog = 511;
    int send_buffer = 0;     // bytes; 0: the kernel's choice
    int receive_buffer = 0;  // the same
    bool share_port = true;  // SO_REUSEPORT
};
struct Listening {
    Socket socket;
    int error = 0;
    const char* what = "";
};
Listening open_listener(const Address& address, const ListenOptions& options);
/// Whether the descriptor is a listening TCP socket.
bool is_listener(int descriptor);

/// Takes one waiting connection; `socket` is not open when there is none (error is then errno).
struct AcceptResult {
    Socket socket;
    Address peer;
    int error = 0;
};
AcceptResult accept_one(int listener);

}  // namespace headgate::loop
