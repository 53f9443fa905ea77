// What the configuration says about processes, threads and listeners, as written: sizing rules
// decide later what is meant where nothing was written, so every value keeps whether it was.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "conf/directive.h"
#include "conf/settings.h"
#include "conf/value.h"

namespace headgate::mpm {

/// One Listen line.
struct ListenSetting {
    std::string text;       ///< as written
    conf::Address address;  ///< host "*" for every address; the port is never 0
    std::string protocol;   ///< second argument in lower case ("http", "https"), or empty
    conf::Span span;
    int descriptor = -1;  ///< "fd:N": a socket that is open already; its address is its own
};

/// The model that was asked for. Which models exist is known to mpm/ alone.
enum class ModelName { event, worker, prefork };

/// Directives of mpm_common, event, worker and prefork. Server context only, so one per program:
///     loaded.root.settings.get<mpm::Settings>()
/// Defaults are Apache's for event and worker; prefork's own numbers belong to its sizing rules.
struct Settings {
    std::vector<ListenSetting> listens;  ///< in file order; no address twice

    std::optional<ListenSetting> status_listen;  ///< StatusListen (ours)

    conf::Set<int> listen_backlog{511};
    conf::Set<int> listen_cores_buckets_ratio{0};  ///< 0: off
    conf::Set<int> send_buffer_size{0};            ///< bytes; 0: the kernel's choice
    conf::Set<int> receive_buffer_size{0};         ///< bytes; 0: the kernel's choice

    conf::Set<ModelName> model{ModelName::event};  ///< MPM (ours); LoadModule is in Loaded
    conf::Set<int> start_servers{3};
    conf::Set<int> server_limit{16};
    conf::Set<int> thread_limit{64};
    conf::Set<int> threads_per_child{25};
    conf::Set<int> max_request_workers{400};
    conf::Set<int> min_spare_servers{5};
    conf::Set<int> max_spare_servers{10};
    conf::Set<int> min_spare_threads{75};
    conf::Set<int> max_spare_threads{250};
    conf::Set<int> max_connections_per_child{0};  ///< 0: a child never ends for it
    conf::Set<int> max_connections{0};  ///< per child (ours); 0: from the descriptor limit
    conf::Set<double> async_request_worker_factor{2.0};
    conf::Set<int> thread_stack_size{0};  ///< bytes; 0: the system's choice

    conf::Set<std::string> user{std::string("#-1")};                    ///< a name or "#NUMBER"
    conf::Set<std::string> group{std::string("#-1")};                   ///< a name or "#NUMBER"
    conf::Set<std::string> pid_file{std::string("logs/headgate.pid")};  ///< from server_root
    conf::Set<std::string> server_root{std::string()};
    conf::Set<std::string> core_dump_directory{std::string()};  ///< from server_root

    /// From a graceful stop until what is left is cut; 0: for ever.
    conf::Set<std::chrono::milliseconds> graceful_shutdown_timeout{std::chrono::milliseconds(0)};

    void merge_from(const Settings& over);
};

/// The rows of all directives above.
std::span<const conf::Row> setting_rows();

}  // namespace headgate::mpm
