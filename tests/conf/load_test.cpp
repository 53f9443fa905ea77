// From text to settings: what right configurations mean. Wrong ones are in conf_errors_test.cpp.
#include "conf/load.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "conf/describe.h"
#include "conf/language.h"
#include "mpm/settings.h"
#include "proxy/settings/settings.h"
#include "proxy/settings/tls.h"

namespace headgate {
namespace {

using namespace std::chrono_literals;

class Load : public ::testing::Test {
protected:
    Load() {
        char name[] = "/tmp/headgate-load-XXXXXX";
        folder = std::string(::mkdtemp(name)) + "/";
    }
    ~Load() override { std::filesystem::remove_all(folder); }

    void write(const std::string& name, const std::string& text) {
        std::filesystem::create_directories(std::filesystem::path(folder + name).parent_path());
        std::ofstream(folder + name) << text;
    }

    conf::Loaded load(const std::string& text, conf::LoadOptions options = {}) {
        write("main.conf", text);
        options.file = "main.conf";
        options.server_root = folder;
        return conf::load(options,
                          {mpm::setting_rows(), proxy::setting_rows(), proxy::tls_setting_rows()});
    }

    std::string folder;
};

const mpm::Settings& processes(const conf::Loaded& loaded) {
    return loaded.root.settings.get<mpm::Settings>();
}
const proxy::ServerSettings& server(const conf::Scope& scope) {
    return scope.settings.get<proxy::ServerSettings>();
}
const proxy::RouteSettings& routes(const conf::Scope& scope) {
    return scope.settings.get<proxy::RouteSettings>();
}

#define EXPECT_CLEAN(loaded)                                                       \
    EXPECT_EQ((loaded).diagnostics.render(false) + (loaded).diagnostics.summary(), \
              "0 errors, 0 warnings.")

TEST_F(Load, defaults_of_an_empty_file) {
    const conf::Loaded loaded = load("");
    EXPECT_CLEAN(loaded);
    EXPECT_EQ(*processes(loaded).threads_per_child, 25);
    EXPECT_FALSE(processes(loaded).threads_per_child.is_written());
    EXPECT_EQ(*server(loaded.root).timeout, 60s);
    EXPECT_EQ(*routes(loaded.root).limit_request_body, 1u << 30);
}

TEST_F(Load, processes_and_listeners) {
    const conf::Loaded loaded = load(
        "LISTEN 8080\nListen [::1]:81 http\nlistenbacklog 100\nMaxClients 50\nThreadsPerChild 5\n"
        "MaxRequestsPerChild 10\nUser #33\nMPM worker\nGracefulShutdownTimeout 2min\n"
        "AsyncRequestWorkerFactor 1.5\n");
    EXPECT_CLEAN(loaded);
    const mpm::Settings& settings = processes(loaded);
    ASSERT_EQ(settings.listens.size(), 2u);
    EXPECT_EQ(settings.listens[0].address, (conf::Address{"*", 8080, false}));
    EXPECT_EQ(settings.listens[1].address, (conf::Address{"::1", 81, true}));
    EXPECT_EQ(settings.listens[1].protocol, "http");
    EXPECT_EQ(*settings.listen_backlog, 100);
    EXPECT_EQ(*settings.max_request_workers, 50);
    EXPECT_TRUE(settings.threads_per_child.is_written());
    EXPECT_EQ(*settings.max_connections_per_child, 10);
    EXPECT_EQ(*settings.user, "#33");
    EXPECT_EQ(*settings.model, mpm::ModelName::worker);
    EXPECT_EQ(*settings.graceful_shutdown_timeout, 2min);
    EXPECT_DOUBLE_EQ(*settings.async_request_worker_factor, 1.5);
}

TEST_F(Load, sections_keep_file_order) {
    const conf::Loaded loaded = load(
        "<VirtualHost *:80 [::1]:80>\n ServerName a.example\n ServerAlias b.example *.c.example\n"
        " <Location /x>\n  ProxyPass http://127.0.0.1:9000/x\n </Location>\n"
        " <Location ~ \"^/y\">\n  ProxyPreserveHost On\n </Location>\n</VirtualHost>\n"
        "<Proxy *>\n</Proxy>\n");
    EXPECT_CLEAN(loaded);
    ASSERT_EQ(loaded.root.children.size(), 2u);
    const conf::Scope& host = loaded.root.children[0];
    EXPECT_EQ(host.kind, conf::Scope::Kind::virtual_host);
    EXPECT_EQ(host.arguments.size(), 2u);
    EXPECT_EQ(*server(host).server_name, "a.example");
    EXPECT_EQ(server(host).server_aliases.size(), 2u);
    ASSERT_EQ(host.children.size(), 2u);
    ASSERT_EQ(routes(host.children[0]).passes.size(), 1u);
    EXPECT_EQ(routes(host.children[0]).passes[0].prefix, "/x");
    EXPECT_EQ(host.children[1].kind, conf::Scope::Kind::location_match);
    EXPECT_EQ(host.children[1].arguments[0].text, "^/y");
    EXPECT_EQ(loaded.root.children[1].kind, conf::Scope::Kind::proxy);
}

TEST_F(Load, proxy_pass) {
    const conf::Loaded loaded = load(
        "ProxyPass /static !\n"
        "ProxyPass /api/ http://App.example:9000/v1/ timeout=5 connectiontimeout=300ms "
        "keepalive=On disablereuse=On ttl=30 retry=0 responsefieldsize=16384\n"
        "ProxyPass /six http://[2001:db8::1]/six\n"
        "ProxyPass /unix unix:/run/app.sock|http://app/unix\n"
        "ProxyPassMatch ^/m/(.*)$ http://127.0.0.1:9001$1\n"
        "ProxyPassReverse /api/ http://app.example:9000/v1/\n");
    EXPECT_CLEAN(loaded);
    const auto& passes = routes(loaded.root).passes;
    ASSERT_EQ(passes.size(), 5u);
    EXPECT_TRUE(passes[0].exclude);
    const proxy::PassRule& api = passes[1];
    EXPECT_EQ(api.target.endpoint(), "App.example:9000");
    EXPECT_EQ(api.target.authority(), "App.example:9000");
    EXPECT_EQ(api.target.path, "/v1/");
    EXPECT_EQ(*api.parameters.timeout, 5s);
    EXPECT_EQ(*api.parameters.connection_timeout, 300ms);
    EXPECT_EQ(*api.parameters.time_to_live, 30s);
    EXPECT_FALSE(*api.parameters.reuse);
    EXPECT_TRUE(*api.parameters.tcp_keep_alive);
    EXPECT_EQ(*api.parameters.field_limit, 16384);
    EXPECT_FALSE(passes[0].parameters.timeout.is_written());
    EXPECT_EQ(passes[2].target.authority(), "[2001:db8::1]");
    EXPECT_EQ(passes[2].target.endpoint(), "[2001:db8::1]:80");
    EXPECT_EQ(passes[3].target.endpoint(), "unix:/run/app.sock");
    EXPECT_EQ(passes[3].target.authority(), "app");
    ASSERT_TRUE(passes[4].pattern);
    EXPECT_EQ(passes[4].target.path, "$1");
    EXPECT_EQ(passes[4].target.port, 9001);
    EXPECT_EQ(routes(loaded.root).reverses.at(0).path, "/api/");
}

TEST_F(Load, pass_match_of_a_section) {
    const conf::Loaded loaded = load(
        "<LocationMatch ^/a/(.*)$>\n ProxyPassMatch http://127.0.0.1:9000/$1\n</LocationMatch>\n"
        "<Location /b>\n ProxyPass !\n</Location>\n"
        "<Location /c/>\n ProxyPassReverse http://127.0.0.1:9000/\n</Location>\n");
    EXPECT_CLEAN(loaded);
    ASSERT_TRUE(routes(loaded.root.children[0]).passes.at(0).pattern);
    EXPECT_TRUE(routes(loaded.root.children[1]).passes.at(0).exclude);
    EXPECT_EQ(routes(loaded.root.children[2]).reverses.at(0).path, "/c/");
}

TEST_F(Load, field_edits) {
    const conf::Loaded loaded = load(
        "RequestHeader set X-Forwarded-Proto https\nRequestHeader unset Authorization\n"
        "Header always set X-A: \"100%% b\"\nHeader append Vary Accept\nHeader setifempty X-B c\n");
    EXPECT_CLEAN(loaded);
    const proxy::RouteSettings& settings = routes(loaded.root);
    ASSERT_EQ(settings.request_fields.size(), 2u);
    EXPECT_EQ(settings.request_fields[0].value, "https");
    EXPECT_EQ(settings.request_fields[1].action, proxy::FieldEdit::Action::unset);
    ASSERT_EQ(settings.response_fields.size(), 3u);
    EXPECT_EQ(settings.response_fields[0].condition, proxy::FieldEdit::Condition::always);
    EXPECT_EQ(settings.response_fields[0].name, "X-A");
    EXPECT_EQ(settings.response_fields[0].value, "100% b");
    EXPECT_EQ(settings.response_fields[1].condition, proxy::FieldEdit::Condition::on_success);
}

TEST_F(Load, logs_and_answers) {
    const conf::Loaded loaded = load(
        "LogLevel info proxy:trace3 mod_ssl.c:warn\nLogFormat \"%h \\\"%r\\\"\" short\n"
        "CustomLog logs/access short\nTransferLog \"|cat\"\nErrorDocument 503 \"Try again\"\n"
        "ErrorLog /dev/stderr\nLimitRequestBody 10M\nProxyVia block\nProxyRequests off\n"
        "<VirtualHost *:80>\n LogLevel proxy:warn\n</VirtualHost>\n");
    EXPECT_CLEAN(loaded);
    const proxy::ServerSettings& settings = server(loaded.root);
    EXPECT_EQ(settings.log_level->level, proxy::LogLevel::info);
    ASSERT_EQ(settings.log_level->modules.size(), 2u);
    EXPECT_EQ(settings.log_level->modules[1].first, "ssl");
    ASSERT_EQ(settings.access_logs.size(), 2u);
    EXPECT_EQ(settings.format_of(settings.access_logs[0]), "%h \"%r\"");
    EXPECT_EQ(routes(loaded.root).error_documents.at(503), "Try again");
    EXPECT_EQ(*routes(loaded.root).limit_request_body, 10u << 20);
    EXPECT_EQ(*routes(loaded.root).proxy_via, proxy::RouteSettings::Via::block);
    const conf::Settings merged =
        conf::Settings::merge(loaded.root.settings, loaded.root.children[0].settings);
    EXPECT_EQ(merged.get<proxy::ServerSettings>().log_level->level, proxy::LogLevel::info);
    EXPECT_EQ(merged.get<proxy::ServerSettings>().log_level->modules.size(), 3u);
}

TEST_F(Load, includes_in_order_relative_to_the_server_root) {
    write("conf.d/20-b.conf", "ServerAdmin b\n");
    write("conf.d/10-a.conf", "ServerAdmin a\nDefine FROM_A 7\n");
    write("other/x.conf", "LimitRequestFields ${FROM_A}\n");
    const conf::Loaded loaded = load(
        "Include conf.d/*.conf\nIncludeOptional missing.conf\nInclude nothing/*.conf\n"
        "ServerRoot " +
        folder + "other\nInclude x.conf\n");
    EXPECT_CLEAN(loaded);
    EXPECT_EQ(*server(loaded.root).server_admin, "b");
    EXPECT_EQ(*server(loaded.root).limit_request_fields, 7);
    ASSERT_EQ(loaded.files.size(), 4u);
    EXPECT_EQ(loaded.files[1], folder + "conf.d/10-a.conf");
    EXPECT_EQ(loaded.server_root, folder + "other");
}

TEST_F(Load, include_inside_a_section) {
    write("part.conf", "ServerName a.example\n");
    const conf::Loaded loaded = load("<VirtualHost *:80>\nInclude part.conf\n</VirtualHost>\n");
    EXPECT_CLEAN(loaded);
    EXPECT_EQ(*server(loaded.root.children.at(0)).server_name, "a.example");
}

TEST_F(Load, conditions_nest_and_skip_without_expanding) {
    conf::LoadOptions options;
    options.defines = {"ON", "PORT=8081"};
    const conf::Loaded loaded = load(
        "<IfDefine ON>\n <IfDefine !OFF>\n  Listen ${PORT}\n </IfDefine>\n</IfDefine>\n"
        "<IfDefine OFF>\n Listen ${NOT_SET_AT_ALL}\n <Unknown>\n Nonsense 'x\n </Unknown>\n"
        "</IfDefine>\nUnDefine ON\n<IfDefine ON>\nNonsense\n</IfDefine>\n"
        "<IfVersion < 2.4>\nNonsense\n</IfVersion>\n<IfFile main.conf>\nTimeout 9\n</IfFile>\n"
        "<IfFile /no/such/file>\nNonsense\n</IfFile>\n",
        options);
    EXPECT_CLEAN(loaded);
    EXPECT_EQ(processes(loaded).listens.at(0).address.port, 8081);
    EXPECT_EQ(*server(loaded.root).timeout, 9s);
}

TEST_F(Load, modules_and_models) {
    const conf::Loaded loaded = load(
        "LoadModule mpm_prefork_module modules/mod_mpm_prefork.so\n"
        "LoadModule proxy_module modules/mod_proxy.so\nLoadModule env_module x\nMutex default\n"
        "Mutex sysvsem\n<IfModule mpm_prefork_module>\nTimeout 8\n</IfModule>\n"
        "<IfModule mpm_event_module>\nNonsense\n</IfModule>\n<IfModule prefork.c>\n"
        "KeepAlive Off\n</IfModule>\n<IfModule third_party_module>\nNonsense\n</IfModule>\n");
    EXPECT_CLEAN(loaded);
    EXPECT_EQ(loaded.selected_mpm, "prefork");
    EXPECT_EQ(loaded.selected_mpm_span.line, 1u);
    EXPECT_EQ(*server(loaded.root).timeout, 8s);
    EXPECT_FALSE(*server(loaded.root).keep_alive);
    EXPECT_EQ(loaded.modules.size(), 3u);
    EXPECT_EQ(loaded.notes,
              (std::vector<std::string>{"no effect in Headgate: LoadModule env_module",
                                        "no effect in Headgate: Mutex"}));
}

TEST_F(Load, command_line_before_and_after) {
    conf::LoadOptions options;
    options.before = {"Define PORT 8082", "Timeout 1"};
    options.after = {"Timeout 3"};
    const conf::Loaded loaded = load("Listen ${PORT}\nTimeout 2\n", options);
    EXPECT_CLEAN(loaded);
    EXPECT_EQ(processes(loaded).listens.at(0).address.port, 8082);
    EXPECT_EQ(*server(loaded.root).timeout, 3s);
}

TEST_F(Load, command_line_errors_have_a_place) {
    conf::LoadOptions options;
    options.after = {"Timeout 3", "Timeuot 5"};
    const conf::Loaded loaded = load("", options);
    EXPECT_EQ(loaded.diagnostics.render(false),
              "command line (-c):2:1: error: unknown directive \"Timeuot\"\n"
              "    2 | Timeuot 5\n      | ^~~~~~~ did you mean \"Timeout\"?\n"
              "      = help: headgate -L Timeout\n");
}

TEST_F(Load, a_file_that_is_missing) {
    conf::LoadOptions options;
    options.file = "/no/such/headgate.conf";
    const conf::Loaded loaded = conf::load(options, {});
    EXPECT_EQ(loaded.diagnostics.render(false),
              "error: cannot read /no/such/headgate.conf: No such file or directory\n"
              "      = help: headgate -f FILE reads another\n");
}

TEST_F(Load, a_file_that_is_no_text) {
    const conf::Loaded loaded = load(std::string("Timeout 7\n\0\n\0\n", 14));
    EXPECT_EQ(loaded.diagnostics.error_count(), 1u);
    EXPECT_NE(loaded.diagnostics.render(false).find("main.conf is not a configuration"),
              std::string::npos);
}

TEST_F(Load, later_layers_report_with_spans_of_settings) {
    conf::Loaded loaded = load("\nTimeout 7\n");
    loaded.diagnostics.warning(server(loaded.root).timeout.span(), "rather short");
    EXPECT_NE(loaded.diagnostics.render(false).find("main.conf:2:9: warning: rather short\n"
                                                    "    2 | Timeout 7\n      |         ^\n"),
              std::string::npos);
}

TEST(Rows, are_found_and_described) {
    const conf::RowTables tables{mpm::setting_rows(), proxy::setting_rows(),
                                 proxy::tls_setting_rows()};
    const conf::Row* row = conf::find_row(tables, "timeout");
    ASSERT_NE(row, nullptr);
    EXPECT_EQ(conf::describe(*row),
              "Timeout seconds\n"
              "    How long one read from a client or upstream, or one write to it, may take.\n"
              "    default: 60\n"
              "    allowed in: server config, <VirtualHost>; beside TunnelTo too\n");
    EXPECT_NE(
        conf::describe(*conf::find_row(tables, "MaxClients")).find("old name of MaxRequestWorkers"),
        std::string::npos);
    const std::string all = conf::describe_all(tables);
    EXPECT_NE(all.find("ProxyPass [/path] !|http://"), std::string::npos);
    EXPECT_LT(all.find("\nInclude file"), all.find("\nKeepAlive On|Off"));
}

TEST(Constructs, are_found_with_and_without_brackets) {
    const conf::Construct* section = conf::find_construct("<virtualhost>");
    ASSERT_NE(section, nullptr);
    EXPECT_EQ(section, conf::find_construct("VirtualHost"));
    EXPECT_TRUE(conf::describe(*section).starts_with("<VirtualHost address:port ...>\n    A site"));
    EXPECT_EQ(conf::find_construct("Timeout"), nullptr);
    EXPECT_EQ(conf::find_construct("<>"), nullptr);
}

TEST(Helps, are_broken_into_lines) {
    EXPECT_EQ(conf::indented(""), "");
    const std::string half(40, 'x'), whole(90, 'y');
    EXPECT_EQ(conf::indented(half + " " + half), "    " + half + "\n    " + half + "\n");
    EXPECT_EQ(conf::indented(half + " z " + half), "    " + half + " z\n    " + half + "\n");
    EXPECT_EQ(conf::indented(whole + " z"), "    " + whole + "\n    z\n");
}

}  // namespace
}  // namespace headgate
