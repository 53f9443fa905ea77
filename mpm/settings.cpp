// Rows of the directives that size processes and open listeners. See settings.h.
#include "mpm/settings.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace headgate::mpm {

namespace {

using conf::Call;
using conf::Parsed;
using conf::Word;

constexpr std::string_view descriptor_prefix = "fd:";

/// The address, or the descriptor, of one Listen; false when it is neither, which was said then.
bool read_listen(const Call& call, ListenSetting& listen) {
    const Word& word = call.argument(0);
    listen.text = word.text;
    listen.span = word.span;
    if (conf::has_name_prefix(word.text, descriptor_prefix)) {
        const auto number = conf::integer_within(
            std::string_view(word.text).substr(descriptor_prefix.size()), 0, 1 << 20);
        if (number.value) {
            listen.descriptor = static_cast<int>(*number.value);
        } else {
            call.wrong_value(word, "fd: and the number of a descriptor, such as fd:3");
        }
        return number.value.has_value();
    }
    const Parsed<conf::Address> parsed = conf::listen_address(word.text);
    if (parsed.value) {
        listen.address = *parsed.value;
    } else {
        call.wrong_value(word, parsed.expected);
    }
    return parsed.value.has_value();
}

void add_listen(Settings& settings, const Call& call) {
    const Word& word = call.argument(0);
    ListenSetting listen;
    if (!read_listen(call, listen)) return;
    if (call.has_argument(1)) {
        const Word& protocol = call.argument(1);
        listen.protocol = conf::lower(protocol.text);
        if (listen.protocol == "https") {
            call.not_yet(protocol, "Listen with TLS");
            return;
        }
        if (listen.protocol != "http") {
            call.error(protocol, "\"" + protocol.text + "\" is not a protocol to listen for",
                       "expected http");
            return;
        }
    }
    for (const ListenSetting& earlier : settings.listens) {
        if (earlier.address == listen.address && earlier.descriptor == listen.descriptor) {
            call.error(word, "address " + word.text + " is already listened on",
                       "at " + call.diagnostics.sources().place(earlier.span));
            return;
        }
    }
    settings.listens.push_back(std::move(listen));
}

void set_status_listen(Settings& settings, const Call& call) {
    const Word& word = call.argument(0);
    const Parsed<conf::Address> parsed = conf::listen_address(word.text);
    if (!parsed.value) {
        call.wrong_value(word, parsed.expected);
        return;
    }
    settings.status_listen = ListenSetting{word.text, *parsed.value, {}, word.span, -1};
}

/// 0 for the kernel's choice; Apache refuses 1 to 511.
Parsed<int> buffer_size(std::string_view text) {
    const Parsed<std::int64_t> parsed = conf::integer_within(text, 0, 1 << 30);
    if (!parsed.value || (*parsed.value > 0 && *parsed.value < 512)) {
        return {std::nullopt, "a number of bytes, at least 512, or 0 for the system's default"};
    }
    return {static_cast<int>(*parsed.value), {}};
}

/// A count of processes or threads. Whole numbers only; those that make no sense are adjusted by
/// the sizing rules, with a warning each, as Apache does.
Parsed<int> number(std::string_view text) {
    constexpr auto highest = std::numeric_limits<int>::max();
    const auto parsed = conf::integer_within(text, -highest, highest);
    if (!parsed.value) return {std::nullopt, "a whole number"};
    return {static_cast<int>(std::max<std::int64_t>(*parsed.value, 0)), {}};
}

Parsed<ModelName> model_name(std::string_view text) {
    if (conf::is_equal_name(text, "event")) {
        return {ModelName::event, {}};
    }
    if (conf::is_equal_name(text, "worker")) {
        return {ModelName::worker, {}};
    }
    if (conf::is_equal_name(text, "prefork")) {
        return {ModelName::prefork, {}};
    }
    return {std::nullopt, "event, worker or prefork"};
}

Parsed<double> positive_factor(std::string_view text) {
    double number = 0;
    const auto [end, failed] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    const bool is_number = failed == std::errc{} && end == text.data() + text.size();
    if (!is_number || !(number > 0) || number > 1e6) {
        return {std::nullopt, "a number above 0"};
    }
    return {number, {}};
}

constexpr auto context = conf::in_server;
constexpr auto count = number;
constexpr auto count_or_zero = conf::integer<0>;
constexpr std::string_view request_workers_default =
    "event: StartServers times ThreadsPerChild; worker: 400; prefork: 256";

constexpr conf::Row rows[] = {
    conf::rule<add_listen>("Listen", context, {1, 2}, "[address:]port|fd:number [http]", "",
                           "Address and port to accept connections on, or a listening socket that "
                           "was inherited; may be repeated."),
    conf::rule<set_status_listen>(
        "StatusListen", context, {1, 1}, "[address:]port", "",
        "Where server-status is answered by a process of its own, even when every slot is busy."),
    conf::row<&Settings::listen_backlog, conf::integer<1>>(
        "ListenBacklog", context, "number", "511",
        "Length of the queue of connections not yet accepted; the kernel may cut it."),
    conf::row<&Settings::listen_cores_buckets_ratio, conf::integer<1>>(
        "ListenCoresBucketsRatio", context, "ratio", "off",
        "How many CPUs share one set of listening sockets (worker, prefork); off: all do."),
    conf::row<&Settings::send_buffer_size, buffer_size>(
        "SendBufferSize", context, "bytes", "0",
        "TCP send buffer of client connections; 0: the system's."),
    conf::row<&Settings::receive_buffer_size, buffer_size>(
        "ReceiveBufferSize", context, "bytes", "0",
        "TCP receive buffer of client connections; 0: the system's."),

    conf::row<&Settings::model, model_name>(
        "MPM", context, "event|worker|prefork", "event",
        "The connection model. LoadModule mpm_event_module and its like select it too."),
    conf::row<&Settings::start_servers, count>("StartServers", context, "number",
                                               "event: one for each CPU; worker: 3; prefork: 5",
                                               "Children started at first."),
    conf::row<&Settings::server_limit, count>("ServerLimit", context, "number", "16 (prefork: 256)",
                                              "Most children ever, whatever a reload says."),
    conf::row<&Settings::thread_limit, count>("ThreadLimit", context, "number", "64",
                                              "Most that ThreadsPerChild may ever be."),
    conf::row<&Settings::threads_per_child, count>(
        "ThreadsPerChild", context, "number", "event: 1; worker: 25", "Threads of each child."),
    conf::row<&Settings::max_request_workers, count>(
        "MaxRequestWorkers", context, "number", request_workers_default,
        "Most threads over all children; with prefork, most children."),
    conf::alias("MaxClients", conf::row<&Settings::max_request_workers, count>(
                                  "MaxRequestWorkers", context, "number", request_workers_default,
                                  "Most threads over all children; with prefork, most children.")),
    conf::row<&Settings::min_spare_servers, count>("MinSpareServers", context, "number", "5",
                                                   "Fewest idle children (prefork)."),
    conf::row<&Settings::max_spare_servers, count>("MaxSpareServers", context, "number", "10",
                                                   "Most idle children (prefork)."),
    conf::row<&Settings::min_spare_threads, count>("MinSpareThreads", context, "number",
                                                   "event: 1; worker: 75",
                                                   "Fewest idle threads over all children."),
    conf::row<&Settings::max_spare_threads, count>(
        "MaxSpareThreads", context, "number",
        "event: as many as there are at the start; worker: 250",
        "Most idle threads over all children."),
    conf::row<&Settings::max_connections_per_child, count_or_zero>(
        "MaxConnectionsPerChild", context, "number", "0",
        "Connections after which a child ends and is replaced; 0: never."),
    conf::alias("MaxRequestsPerChild",
                conf::row<&Settings::max_connections_per_child, count_or_zero>(
                    "MaxConnectionsPerChild", context, "number", "0",
                    "Connections after which a child ends and is replaced; 0: never.")),
    conf::row<&Settings::max_connections, count_or_zero>(
        "MaxConnections", context, "number", "0",
        "Most connections of one child at a time; 0: as many as its descriptors allow."),
    conf::row<&Settings::async_request_worker_factor, positive_factor>(
        "AsyncRequestWorkerFactor", context, "factor", "2",
        "Accepted for Apache's sake. Parked exchanges are not counted by it: MaxConnections bounds "
        "them."),
    conf::row<&Settings::thread_stack_size, count_or_zero>(
        "ThreadStackSize", context, "bytes", "0",
        "Stack of each thread of a child but the first, whose stack is the process's; 0: the "
        "system's."),

    conf::row<&Settings::user, conf::text_value>("User", context, "name|#number", "",
                                                 "The user that children run as."),
    conf::row<&Settings::group, conf::text_value>("Group", context, "name|#number", "",
                                                  "The group that children run as."),
    conf::row<&Settings::pid_file, conf::text_value>(
        "PidFile", context, "file", "",
        "Where the number of the supervisor's process is written; -k and -s find it by this."),
    conf::row<&Settings::server_root, conf::text_value>("ServerRoot", context, "folder", "",
                                                        "Where relative file names start from."),
    conf::row<&Settings::core_dump_directory, conf::text_value>(
        "CoreDumpDirectory", context, "folder", "",
        "Where children that crash leave their core: also after User was taken on, and with keys."),
    conf::row<&Settings::graceful_shutdown_timeout, conf::duration_seconds>(
        "GracefulShutdownTimeout", context, "seconds", "0",
        "How long a graceful stop, or a reload's old process, waits for open exchanges; 0: for "
        "ever. What it waits for no longer is answered 503, or cut where a response has begun."),
};

}  // namespace

void Settings::merge_from(const Settings& over) {
    listens.insert(listens.end(), over.listens.begin(), over.listens.end());
    if (over.status_listen) status_listen = over.status_listen;
    listen_backlog.merge_from(over.listen_backlog);
    listen_cores_buckets_ratio.merge_from(over.listen_cores_buckets_ratio);
    send_buffer_size.merge_from(over.send_buffer_size);
    receive_buffer_size.merge_from(over.receive_buffer_size);
    model.merge_from(over.model);
    start_servers.merge_from(over.start_servers);
    server_limit.merge_from(over.server_limit);
    thread_limit.merge_from(over.thread_limit);
    threads_per_child.merge_from(over.threads_per_child);
    max_request_workers.merge_from(over.max_request_workers);
    min_spare_servers.merge_from(over.min_spare_servers);
    max_spare_servers.merge_from(over.max_spare_servers);
    min_spare_threads.merge_from(over.min_spare_threads);
    max_spare_threads.merge_from(over.max_spare_threads);
    max_connections_per_child.merge_from(over.max_connections_per_child);
    max_connections.merge_from(over.max_connections);
    async_request_worker_factor.merge_from(over.async_request_worker_factor);
    thread_stack_size.merge_from(over.thread_stack_size);
    user.merge_from(over.user);
    group.merge_from(over.group);
    pid_file.merge_from(over.pid_file);
    server_root.merge_from(over.server_root);
    core_dump_directory.merge_from(over.core_dump_directory);
    graceful_shutdown_timeout.merge_from(over.graceful_shutdown_timeout);
}

std::span<const conf::Row> setting_rows() {
    return rows;
}

}  // namespace headgate::mpm
