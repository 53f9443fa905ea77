// Telling the program that already runs what to do (-k and -s): its supervisor is found by the
// PidFile, and is sent a signal.
#pragma once

#include <optional>
#include <string>

#include "mpm/settings.h"

namespace headgate::mpm {

/// What can be told, by Apache's word (-k) or nginx's (-s).
enum class Order { start, stop, graceful_stop, graceful, restart, reopen };

/// "stop", "graceful-stop", "quit", "reload", ...; nothing for an unknown word.
std::optional<Order> order_named(const std::string& word);

/// Whether the order makes the program read its configuration: it is to be checked first.
bool reads_configuration(Order order);

enum class Told { sent, not_running, failed };
/// Sends the order's signal to the program of the settings' PidFile. `text` says what happened.
Told tell_running(const Settings& settings, Order order, std::string& text);

}  // namespace headgate::mpm
