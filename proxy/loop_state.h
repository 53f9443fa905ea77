// LoopState: what all connections and exchanges of one loop share. One thread, no locks.
#pragma once

#include <memory>
#include <vector>

#include "mpm/connection_handler.h"
#include "proxy/logs/log_file.h"
#include "proxy/net/pipe.h"
#include "proxy/net/tls_transport.h"
#include "proxy/site/site.h"
#include "upstream/lease.h"

namespace headgate::proxy {

struct LoopState {
    LoopState(loop::Loop& of, std::shared_ptr<const Sites> with, upstream::SharedStock& stock,
              const mpm::Surroundings& around)
        : loop(of), sites(std::move(with)), upstreams(of, stock), surroundings(around) {
        for (const auto& site : sites->all())
            places.emplace_back(*site);
    }

    loop::Loop& loop;
    std::shared_ptr<const Sites> sites;  // shared: every loop of the process serves the same sites
    std::vector<Places> places;          // by Site::index
    net::PipeStock pipes;                // outlives the connections that hold some
    upstream::Upstreams upstreams;
    LogBuffer logs;
    const mpm::Surroundings& surroundings;
    bool is_draining = false;  // connections end after the exchange in hand
    bool is_ending = false;    // and idle ones do not wait for another
};

/// What is known of a client connection before any request.
struct ConnectionFacts {
    loop::Address client;
    loop::Address local;
    loop::Address reached;  // what the client connected to: `local`, or as a PROXY header says
    std::uint32_t exchanges = 0;  // begun on this connection, the present one included
    const Sites::Candidates* candidates = nullptr;
    const net::TlsTransport* tls = nullptr;  // of the connection, which outlives this; null: plain
    const Site* tls_site = nullptr;          // whose certificate was shown
    const Site* tunnel_site = nullptr;       // whose TunnelTo it goes; null: it speaks HTTP
    ProxyHeaderRule header_rule = ProxyHeaderRule::unexpected;  // for who has connected
    bool names_no_server = false;                               // no SNI
    bool is_plain_on_tls = false;  // requests in the clear where TLS is spoken
};

}  // namespace headgate::proxy
