// Control: the channel between the supervisor and one child: a SEQPACKET socket pair. Words go
// down; the child's end of input means that the supervisor is gone, and then the child drains and
// exits.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "mpm/loop/socket.h"

namespace headgate::mpm {

enum class ControlWord : char {
    drain = 'D',   // a newer generation serves: finish what is in hand, then exit
    finish = 'F',  // the program ends: the same, sooner
    stop = 'S',    // cut what is in hand, then exit
    reopen_logs = 'R',
    news = 'N',  // a text for the application follows: new certificates
};

/// The supervisor's end and the child's, both non-blocking.
std::pair<loop::Socket, loop::Socket> make_control_pair();

/// Never blocks; false, with errno, when the child is gone or cannot take it now.
bool send_word(const loop::Socket& to, ControlWord word, const std::string& text = "");

struct ReceivedWord {
    std::optional<ControlWord> word;
    bool is_end = false;  // the supervisor is gone
    std::string text;     // behind the word
};
/// The next word, if one is there.
ReceivedWord receive_word(const loop::Socket& from);

}  // namespace headgate::mpm
