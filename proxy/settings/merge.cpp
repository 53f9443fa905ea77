// How settings of an inner section go over those around it (Apache's section merging).
#include "proxy/settings/settings.h"
#include "proxy/settings/tls.h"

namespace headgate::proxy {
namespace {

/// A section that names modules alone keeps the level of everything else.
void merge_levels(conf::Set<LogLevels>& base, const conf::Set<LogLevels>& over) {
    if (!over.is_written() || over->has_level) {
        base.merge_from(over);
        return;
    }
    LogLevels merged = *base;
    merged.modules.insert(merged.modules.end(), over->modules.begin(), over->modules.end());
    base.write(std::move(merged), over.span());
}

template <class T>
void put_before(std::vector<T>& list, const std::vector<T>& inner) {
    list.insert(list.begin(), inner.begin(), inner.end());
}

template <class T>
void put_behind(std::vector<T>& list, const std::vector<T>& inner) {
    list.insert(list.end(), inner.begin(), inner.end());
}

}  // namespace

void ServerSettings::merge_from(const ServerSettings& over) {
    server_name.merge_from(over.server_name);
    server_aliases = over.server_aliases;
    server_admin.merge_from(over.server_admin);
    timeout.merge_from(over.timeout);
    handshake_limit.merge_from(over.handshake_limit);
    head_limit.merge_from(over.head_limit);
    content_limit.merge_from(over.content_limit);
    keep_alive.merge_from(over.keep_alive);
    keep_alive_timeout.merge_from(over.keep_alive_timeout);
    max_keep_alive_requests.merge_from(over.max_keep_alive_requests);
    limit_request_line.merge_from(over.limit_request_line);
    limit_request_field_size.merge_from(over.limit_request_field_size);
    limit_request_head.merge_from(over.limit_request_head);
    limit_request_fields.merge_from(over.limit_request_fields);
    encoded_slashes = over.encoded_slashes;
    merge_slashes.merge_from(over.merge_slashes);
    underscores.merge_from(over.underscores);
    trace.merge_from(over.trace);
    peers.merge_from(over.peers);
    proxy_header.merge_from(over.proxy_header);
    tunnel = over.tunnel;
    protocols = over.protocols;
    own_protocol_order.merge_from(over.own_protocol_order);
    error_log.merge_from(over.error_log);
    merge_levels(log_level, over.log_level);
    for (const auto& [nickname, format] : over.log_formats) {
        log_formats.insert_or_assign(nickname, format);
    }
    transfer_format.merge_from(over.transfer_format);
    if (!over.access_logs.empty()) {
        access_logs = over.access_logs;
    }
}

void RouteSettings::merge_from(const RouteSettings& over) {
    handler.merge_from(over.handler);
    requires_tls.merge_from(over.requires_tls);
    client_proof.merge_from(over.client_proof);
    user_variable.merge_from(over.user_variable);
    limit_request_body.merge_from(over.limit_request_body);
    for (const auto& [status, text] : over.error_documents) {
        error_documents.insert_or_assign(status, text);
    }
    put_before(passes, over.passes);
    put_before(reverses, over.reverses);
    enable_splice.merge_from(over.enable_splice);
    proxy_preserve_host.merge_from(over.proxy_preserve_host);
    proxy_timeout.merge_from(over.proxy_timeout);
    proxy_accept.merge_from(over.proxy_accept);
    proxy_100_continue.merge_from(over.proxy_100_continue);
    tunnel_timeout.merge_from(over.tunnel_timeout);
    tunnel_drain_timeout.merge_from(over.tunnel_drain_timeout);
    proxy_add_headers.merge_from(over.proxy_add_headers);
    forwarded_fields.merge_from(over.forwarded_fields);
    proxy_via.merge_from(over.proxy_via);
    put_behind(request_fields, over.request_fields);
    put_behind(response_fields, over.response_fields);
}

void PassParameters::merge_from(const PassParameters& over) {
    connection_timeout.merge_from(over.connection_timeout);
    timeout.merge_from(over.timeout);
    time_to_live.merge_from(over.time_to_live);
    reuse.merge_from(over.reuse);
    tcp_keep_alive.merge_from(over.tcp_keep_alive);
    field_limit.merge_from(over.field_limit);
    flush_packets.merge_from(over.flush_packets);
    upgrade.merge_from(over.upgrade);
    proxy_header.merge_from(over.proxy_header);
}

void TlsTerms::merge_from(const TlsTerms& over) {
    protocols.merge_from(over.protocols);
    ciphers.merge_from(over.ciphers);
    ciphers_1_3.merge_from(over.ciphers_1_3);
    verify.merge_from(over.verify);
    verify_depth.merge_from(over.verify_depth);
    ca_file.merge_from(over.ca_file);
    ca_path.merge_from(over.ca_path);
    crl_file.merge_from(over.crl_file);
    crl_path.merge_from(over.crl_path);
    crl_check.merge_from(over.crl_check);
    crl_may_miss.merge_from(over.crl_may_miss);
}

void TlsServerSettings::merge_from(const TlsServerSettings& over) {
    TlsTerms::merge_from(over);
    engine.merge_from(over.engine);
    honor_order.merge_from(over.honor_order);
    tickets.merge_from(over.tickets);
    session_seconds.merge_from(over.session_seconds);
    session_cache.merge_from(over.session_cache);
    stapling.merge_from(over.stapling);
    if (!over.certificates.empty()) {
        certificates = over.certificates;
        keys = over.keys;
        staple_files = over.staple_files;
    }
    chain.merge_from(over.chain);
    announced_file.merge_from(over.announced_file);
    announced_path.merge_from(over.announced_path);
    ticket_key.merge_from(over.ticket_key);
    strict_sni.merge_from(over.strict_sni);
    sni_policy.merge_from(over.sni_policy);
    passphrase_program.merge_from(over.passphrase_program);
    commands.insert(commands.end(), over.commands.begin(), over.commands.end());
}

void TlsUpstreamSettings::merge_from(const TlsUpstreamSettings& over) {
    TlsTerms::merge_from(over);
    engine.merge_from(over.engine);
    check_name.merge_from(over.check_name);
    check_common_name.merge_from(over.check_common_name);
    check_expiry.merge_from(over.check_expiry);
    machine_certificate.merge_from(over.machine_certificate);
    machine_path.merge_from(over.machine_path);
    machine_chain.merge_from(over.machine_chain);
}

}  // namespace headgate::proxy
