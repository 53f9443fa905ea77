// See listener.h.
#include "mpm/listener.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <thread>

namespace headgate::mpm {
namespace {

/// The inode of whoever listens on a port, from the kernel's table; 0 when nobody is found.
unsigned long inode_listening_on(std::uint16_t port) {
    for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        std::ifstream file(table);
        std::string line;
        while (std::getline(file, line)) {
            unsigned local_port = 0;
            unsigned state = 0;
            unsigned long inode = 0;
            if (std::sscanf(line.c_str(), " %*d: %*[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %*d %*d %lu",
                            &local_port, &state, &inode) == 3 &&
                local_port == port && state == 0x0A) {
                return inode;
            }
        }
    }
    return 0;
}

bool process_holds(const std::string& process, const std::string& socket_name) {
    const std::string folder = "/proc/" + process + "/fd";
    DIR* descriptors = ::opendir(folder.c_str());
    if (descriptors == nullptr) return false;
    bool found = false;
    while (const dirent* entry = ::readdir(descriptors)) {
        char target[64];
        const ssize_t size =
            ::readlink((folder + "/" + entry->d_name).c_str(), target, sizeof target);
        if (size > 0 && socket_name == std::string(target, size)) found = true;
    }
    ::closedir(descriptors);
    return found;
}

/// ", held by process 123 (nginx)", or nothing when it cannot be seen.
std::string holder_of(std::uint16_t port) {
    const unsigned long inode = inode_listening_on(port);
    DIR* processes = inode != 0 ? ::opendir("/proc") : nullptr;
    if (processes == nullptr) return "";
    const std::string socket_name = "socket:[" + std::to_string(inode) + "]";
    std::string holder;
    while (const dirent* entry = ::readdir(processes)) {
        const std::string process = entry->d_name;
        if (process.find_first_not_of("0123456789") != std::string::npos) continue;
        if (!process_holds(process, socket_name)) continue;
        std::string command;
        std::getline(std::ifstream("/proc/" + process + "/comm"), command);
        holder = ", held by process " + process + " (" + command + ")";
        break;
    }
    ::closedir(processes);
    return holder;
}

ListenFailure describe(const loop::Address& address, int error) {
    std::string text = "cannot listen on " + address.text() + ": " + std::strerror(error);
    if (error == EADDRINUSE) text += holder_of(address.port());
    return {text, error};
}

}  // namespace

std::optional<ListenFailure> Listeners::open(const std::vector<loop::Address>& addresses,
                                             const Settings& settings, unsigned buckets,
                                             Listeners& result) {
    const bool is_fresh = result.buckets_.empty();
    if (is_fresh) result.buckets_.resize(buckets);
    Change change = result.prepare(addresses, settings);
    if (change.failure) {
        if (is_fresh) result.buckets_.clear();
        return std::move(change.failure);
    }
    result.commit(std::move(change));
    return std::nullopt;
}

std::optional<ListenFailure> Listeners::open_patiently(const std::vector<loop::Address>& addresses,
                                                       const Settings& settings, unsigned buckets,
                                                       Listeners& result) {
    constexpr std::chrono::milliseconds between_tries{25};
    for (int left = 20;; left--) {
        auto failure = open(addresses, settings, buckets, result);
        if (!failure || failure->error != EADDRINUSE || left == 0) return failure;
        std::this_thread::sleep_for(between_tries);
    }
}

void Listeners::inherit(std::vector<loop::Socket> sockets) {
    for (loop::Socket& socket : sockets) {
        const loop::Address address = loop::Address::of_socket(socket.descriptor());
        const std::size_t at = position(address);
        if (at == addresses_.size()) addresses_.push_back(address);
        std::size_t bucket = 0;
        while (bucket < buckets_.size() && at < buckets_[bucket].size() &&
               buckets_[bucket][at].is_open()) {
            bucket++;
        }
        if (bucket == buckets_.size()) buckets_.emplace_back();
        if (buckets_[bucket].size() <= at) buckets_[bucket].resize(at + 1);
        buckets_[bucket][at] = std::move(socket);
    }
    for (auto& bucket : buckets_)
        bucket.resize(addresses_.size());
}

std::vector<int> Listeners::descriptors() const {
    std::vector<int> all;
    for (const auto& bucket : buckets_) {
        for (const loop::Socket& socket : bucket) {
            if (socket.is_open()) all.push_back(socket.descriptor());
        }
    }
    return all;
}

bool Listeners::holds(int descriptor) const {
    const std::vector<int> all = descriptors();
    return std::find(all.begin(), all.end(), descriptor) != all.end();
}

Listeners::Change Listeners::prepare(const std::vector<loop::Address>& addresses,
                                     const Settings& settings) const {
    loop::ListenOptions options;
    options.backlog = *settings.listen_backlog;
    options.send_buffer = *settings.send_buffer_size;
    options.receive_buffer = *settings.receive_buffer_size;
    loop::ListenOptions alone = options;
    alone.share_port = false;

    Change change{addresses, std::vector<std::vector<loop::Socket>>(buckets_.size()), {}};
    for (auto& bucket : change.opened)
        bucket.resize(addresses.size());
    for (std::size_t i = 0; i < addresses.size() && !change.failure; i++) {
        const std::size_t before = position(addresses[i]);
        const bool is_new = before == addresses_.size();
        const int probe = is_new ? loop::open_listener(addresses[i], alone).error : 0;
        if (probe != 0) change.failure = describe(addresses[i], probe);
        for (std::size_t b = 0; b < buckets_.size() && !change.failure; b++) {
            // What was inherited may be fewer sockets than there are buckets; then the others may
            // be impossible to have.
            if (!is_new && buckets_[b][before].is_open()) continue;
            loop::Listening listening = loop::open_listener(addresses[i], options);
            if (listening.error != 0 && is_new) {
                change.failure = describe(addresses[i], listening.error);
            }
            change.opened[b][i] = std::move(listening.socket);
        }
    }
    return change;
}

void Listeners::commit(Change change) {
    for (std::size_t i = 0; i < change.addresses.size(); i++) {
        const std::size_t before = position(change.addresses[i]);
        for (std::size_t b = 0; b < buckets_.size() && before < addresses_.size(); b++) {
            if (buckets_[b][before].is_open()) {
                change.opened[b][i] = std::move(buckets_[b][before]);
            }
        }
    }
    buckets_ = std::move(change.opened);
    addresses_ = std::move(change.addresses);
}

std::size_t Listeners::position(const loop::Address& address) const {
    return std::find(addresses_.begin(), addresses_.end(), address) - addresses_.begin();
}

}  // namespace headgate::mpm
