// Control: the channel between the supervisor and one child: a SEQPACKET socket pair. Words go
// down; the child's end of input means that the supervisor is gone, and then the child drains and
// exits.
#pragma once

#include <optional>
#include <utility>

#include "mpm/loop/socket.h"

namespace headgate::mpm {

enum class ControlWord : char {
    drain = 'D',   // a newer generation serves: finish what is in hand, then exit
    finish = 'F',  // the program ends: the same, sooner
    stop = 'S',    // cut what is in hand, then exit
    reopen_logs = 'R',
};

/// The supervisor's end and the child's, both non-blocking.
std::pair<loop::Socket, loop::Socket> make_control_pair();

/// Never blocks; false when the child is gone.
bool send_word(const loop::Socket& to, ControlWord word);

struct ReceivedWord {
    std::optional<ControlWord> word;
    bool is_end = false;  // the supervisor is gone
};
/// The next word, if one is there.
ReceivedWord receive_word(const loop::Socket& from);

}  // namespace headgate::mpm
