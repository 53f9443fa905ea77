// See kernel_queues.h.
#include "tests/support/kernel_queues.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "tests/support/socket_help.h"

namespace headgate::support {
namespace {

constexpr unsigned established = 1;

struct Request {
    nlmsghdr header;
    inet_diag_req_v2 what;
};

void ask(int socket) {
    Request request{};
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request.what.sdiag_family = AF_INET;
    request.what.sdiag_protocol = IPPROTO_TCP;
    request.what.idiag_ext = 1 << (INET_DIAG_INFO - 1);
    request.what.idiag_states = 1 << established;
    if (::send(socket, &request, sizeof request, 0) < 0) throw std::runtime_error("sock_diag");
}

std::uint64_t unsent_of(const nlmsghdr& header, const inet_diag_msg& message) {
    auto left = static_cast<int>(header.nlmsg_len - NLMSG_LENGTH(sizeof message));
    const auto* attribute = reinterpret_cast<const rtattr*>(&message + 1);
    for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
        if (attribute->rta_type != INET_DIAG_INFO) continue;
        tcp_info info{};
        std::memcpy(&info, RTA_DATA(attribute),
                    std::min<std::size_t>(RTA_PAYLOAD(attribute), sizeof info));
        return info.tcpi_notsent_bytes;
    }
    throw std::runtime_error("sock_diag says nothing of TCP");
}

}  // namespace

KernelQueues kernel_queues(std::uint16_t local, std::uint16_t remote) {
    const Descriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
    ask(socket.number());
    KernelQueues sums;
    std::vector<char> buffer(64 * 1024);
    while (true) {
        const ssize_t count = ::recv(socket.number(), buffer.data(), buffer.size(), 0);
        if (count <= 0) throw std::runtime_error("sock_diag does not answer");
        auto left = static_cast<unsigned>(count);
        const auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data());
        for (; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
            if (header->nlmsg_type == NLMSG_DONE) return sums;
            if (header->nlmsg_type == NLMSG_ERROR) throw std::runtime_error("no sock_diag");
            const auto& message = *static_cast<const inet_diag_msg*>(NLMSG_DATA(header));
            if (local != 0 && ntohs(message.id.idiag_sport) != local) continue;
            if (remote != 0 && ntohs(message.id.idiag_dport) != remote) continue;
            sums.unsent += unsent_of(*header, message);
            sums.unread += message.idiag_rqueue;
        }
    }
}

}  // namespace headgate::support
