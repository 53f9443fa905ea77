// Status as a page for people: threads busy against exchanges parked first, then the scoreboard,
// then the live table. One file, no script, no outside request; works in a text browser.
#include <cstdio>

#include "proxy/net/failure.h"
#include "proxy/net/phase.h"
#include "proxy/status/status.h"

namespace headgate::proxy {
namespace {

constexpr std::string_view style =
    ":root{color-scheme:light dark;--ink:#1c2733;--paper:#fff;--line:#d5dce3;--busy:#b3541e;"
    "--park:#2b6a99;--idle:#8795a3}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6ebf0;--paper:#161b21;--line:#37424d;"
    "--busy:#f0a36b;--park:#7ab8e6;--idle:#7a8794}}"
    "body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);"
    "max-width:70rem;margin:1.5rem auto;padding:0 1rem;font-variant-numeric:tabular-nums}"
    "h1{font-size:1.3rem;margin:0}h2{font-size:1rem;margin:1.8rem 0 .5rem}"
    ".say{font-size:1.35rem;margin:1rem 0}.busy{color:var(--busy)}.park{color:var(--park)}"
    ".bar{display:flex;height:1.4rem;border:1px solid var(--line);border-radius:3px;"
    "overflow:hidden;margin:.2rem 0 .8rem}.bar span{display:block}"
    ".b{background:var(--busy)}.p{background:var(--park)}.i{background:transparent}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.2rem .6rem .2rem 0;"
    "border-bottom:1px solid var(--line);vertical-align:top}td.n,th.n{text-align:right}"
    "td.r{word-break:break-all}code{font-size:1rem;letter-spacing:.12em;word-break:break-all}"
    ".dim{color:var(--idle)}";

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else if (c == '&')
            out += "&amp;";
        else if (c == '"')
            out += "&quot;";
        else
            out += c;
    }
    return out;
}

std::string n(std::uint64_t number) {
    return std::to_string(number);
}

std::string plural(std::uint64_t count, const char* one, const char* many) {
    return n(count) + " " + (count == 1 ? one : many);
}

std::string seconds(double value) {
    char text[32];
    std::snprintf(text, sizeof text, value < 10 ? "%.2f s" : "%.0f s", value);
    return text;
}

/// A bar of two parts; widths in thousandths, so that something is never nothing.
std::string bar(const char* first, std::uint64_t count, std::uint64_t all) {
    const std::uint64_t share = all == 0 ? 0 : (count * 1000 + all - 1) / all;
    return "<div class=bar aria-hidden=true><span class=" + std::string(first) +
           " style=\"width:" + n(share / 10) + "." + n(share % 10) + "%\"></span></div>";
}

std::string headline(const Status& status) {
    const std::uint64_t threads = status.busy_threads + status.idle_threads;
    const std::uint64_t parked = status.all_parked();
    std::string text = "<p class=say><b class=busy>" + n(status.busy_threads) + " of " +
                       plural(threads, "thread", "threads") + " busy</b>, <b class=park>" +
                       plural(parked, "exchange", "exchanges") + " parked</b>.</p>";
    text += "<p>Threads" + bar("b", status.busy_threads, threads);
    text += "Connections with an exchange that is parked" + bar("p", parked, status.connections);
    text += "</p><p>";
    if (status.keeps_thread) {
        text += "Under the " + status.model +
                " model a parked exchange keeps its thread: event "
                "would have given " +
                plural(parked, "thread", "threads") + " back.";
    } else {
        text += "A model that keeps the thread would need " + n(parked + status.busy_threads) +
                " threads for this.";
    }
    return text + "</p>";
}

std::string phases(const Status& status) {
    std::string text =
        "<h2>Where exchanges wait</h2><table><tr><th>phase<th class=n>parked now<th class=n>"
        "times released<th class=n>time parked</tr>";
    for (std::size_t i = 0; i < loop::phase_limit; i++) {
        if (status.releases[i] == 0 && status.parked[i] == 0) continue;
        text += "<tr><td>" + std::string(net::phase::name(static_cast<loop::Phase>(i))) +
                "<td class=n>" + n(status.parked[i]) + "<td class=n>" + n(status.releases[i]) +
                "<td class=n>" + seconds(status.parked_seconds[i]) + "</tr>";
    }
    return text + "</table>";
}

std::string failures(const Status& status) {
    std::string rows;
    for (std::size_t i = 0; i < net::failure_indices; i++) {
        if (status.failures[i] == 0) continue;
        rows +=
            "<tr><td>" + net::name_of_index(i) + "<td class=n>" + n(status.failures[i]) + "</tr>";
    }
    if (status.lines_lost > 0) rows += "<tr><td>log lines lost<td class=n>" + n(status.lines_lost);
    if (rows.empty()) return "";
    return "<h2>What failed</h2><table><tr><th>who, where and how<th class=n>times</tr>" + rows +
           "</table>";
}

std::string accepted(const Status& status) {
    std::string rows;
    for (std::size_t i = 0; i < status.accepted.size(); i++) {
        if (status.accepted[i] == 0) continue;
        const std::string_view name = upstream::name(static_cast<upstream::Tolerance>(i));
        rows += "<tr><td>" + std::string(name) + "<td class=n>" + n(status.accepted[i]) + "</tr>";
    }
    if (rows.empty()) return "";
    return "<h2>What upstreams were forgiven</h2><table><tr><th>ProxyAccept<th "
           "class=n>times</tr>" +
           rows + "</table>";
}

std::string scoreboard(const Status& status) {
    std::string text =
        "<h2>Scoreboard</h2><p class=dim>_ waiting, W working, S starting, G finishing: one letter "
        "a thread</p><table><tr><th>process<th>generation<th class=n>connections<th>threads</tr>";
    for (const ChildStatus& child : status.children) {
        text += std::string("<tr") + (child.is_draining ? " class=dim" : "") + "><td>" +
                std::to_string(child.pid) + "<td>" + std::to_string(child.generation) +
                (child.is_draining ? " (draining)" : "") + "<td class=n>" + n(child.connections) +
                "<td><code>" + child.letters + "</code></tr>";
    }
    return text + "</table>";
}

std::string live(const Status& status) {
    std::string text =
        "<h2>Exchanges now, the longest wait first</h2><table><tr><th>waits for<th "
        "class=n>since<th>"
        "holds a thread<th>client<th>request<th>upstream<th>framing<th>process</tr>";
    for (const LiveConnection& each : status.live) {
        text += "<tr><td>" + std::string(each.phase) + "<td class=n>" + seconds(each.seconds) +
                "<td>" + (each.holds_thread ? "yes" : "no") + "<td>" + escaped(each.client) +
                "<td class=r>" + escaped(each.request) + "<td>" + escaped(each.upstream) + "<td>" +
                each.framing + "<td>" + std::to_string(each.pid) + "</tr>";
    }
    text += "</table>";
    if (status.live_left_out > 0) text += "<p>and " + n(status.live_left_out) + " more</p>";
    return text;
}

}  // namespace

std::string status_page(const Status& status, unsigned refresh) {
    std::string page = "<!DOCTYPE html><html lang=en><head><meta charset=utf-8>";
    page += "<meta name=viewport content=\"width=device-width,initial-scale=1\">";
    if (refresh > 0) page += "<meta http-equiv=refresh content=" + std::to_string(refresh) + ">";
    page += "<title>" + escaped(status.server_name) + ": Headgate status</title><style>";
    page += style;
    page += "</style></head><body><h1>" + escaped(status.server_name) +
            "</h1><p class=dim>Headgate " + HEADGATE_VERSION + ", " + status.model +
            " model, generation " + std::to_string(status.generation) + ", up " +
            seconds(static_cast<double>(status.now - status.started)) + ", " +
            plural(status.exchanges, "exchange", "exchanges") + " done, " +
            plural(status.connections, "connection", "connections") + " open</p>";
    page += headline(status) + scoreboard(status) + phases(status) + failures(status) +
            accepted(status) + tls_section(status.tls, status.now) + live(status);
    page +=
        "<p class=dim><a href=\"?auto\">?auto</a> <a href=\"?json\">?json</a> "
        "<a href=\"?metrics\">?metrics</a> "
        "<a href=\"?refresh=5\">?refresh=5</a></p></body></html>\n";
    return page;
}

}  // namespace headgate::proxy
