// See listener.h.
#include "mpm/listener.h"

#include <dirent.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

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
        const ssize_t size = ::readlink((folder + "/" + entry->d_name).c_str(), target, sizeof target);
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

ListenFailure describe(const loop::Address& address, const loop::Listening& failed) {
    std::string text = "cannot listen on " + address.text() + ": " + std::strerror(failed.error);
    if (failed.error == EADDRINUSE) text += holder_of(address.port());
    return {text};
}

}  // namespace

std::optional<ListenFailure> Listeners::open(const std::vector<loop::Address>& addresses,
                                             const Settings& settings, unsigned buckets,
                                             Listeners& result) {
    loop::ListenOptions options;
    options.backlog = *settings.listen_backlog;
    options.send_buffer = *settings.send_buffer_size;
    options.receive_buffer = *settings.receive_buffer_size;
    for (const loop::Address& address : addresses) {
        loop::ListenOptions alone = options;
        alone.share_port = false;
        const loop::Listening probe = loop::open_listener(address, alone);
        if (probe.error != 0) return describe(address, probe);
    }
    std::vector<std::vector<loop::Socket>> opened(buckets);
    for (auto& bucket : opened) {
        for (const loop::Address& address : addresses) {
            loop::Listening listening = loop::open_listener(address, options);
            if (listening.error != 0) return describe(address, listening);
            bucket.push_back(std::move(listening.socket));
        }
    }
    result.buckets_ = std::move(opened);
    return std::nullopt;
}

}  // namespace headgate::mpm
