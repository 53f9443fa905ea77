// The framing vectors of tests/cases as data: what is sent, and what has to come of it. One reader
// for the units and for the tests over real sockets.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace headgate::support {

/// What the reading of one message has to find.
struct VectorOutcome {
    std::string kind;  ///< none length chunked close tunnel fcgi pending unsolicited error
    std::string error;
    int status = 0;  ///< of the response; of a request: 0 when accepted, else our answer
    std::size_t body_len = 0;
    std::size_t leftover = 0;
    bool complete = false;
    bool reusable = false;  ///< the upstream connection; of a request: the client's
    std::vector<int> interim;
};

struct FramingVector {
    std::string name;
    bool is_request = false;
    std::string method;
    std::string raw;
    bool eof = false;       ///< FIN behind the octets
    bool is_reset = false;  ///< RST behind them, when they have been read
    std::string proto;
    std::string upgrade;  ///< the protocol that the client asked for
    bool request_complete = true;
    bool expects_continue = false;
    bool is_tls = false;
    bool is_torn_tls = false;    ///< TLS that ends without close_notify
    bool is_idle = false;        ///< the octets come while no request is under way
    bool is_configured = false;  ///< its outcome follows from settings: for the whole program only
    VectorOutcome expect;
    std::vector<int> alternatives;  ///< statuses that are right too
};

/// The vectors of tests/cases/NAME. Throws when the file is not what it should be.
std::vector<FramingVector> read_framing_vectors(const std::string& name);

}  // namespace headgate::support
