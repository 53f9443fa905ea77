// Sites made from the text of a configuration, the way the program makes them.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "conf/load.h"
#include "mpm/settings.h"
#include "proxy/settings/settings.h"
#include "proxy/settings/tls.h"
#include "proxy/site/site.h"

namespace headgate::support {

/// Logs that the text names are relative to a folder of its own, which goes with this.
class LoadedSites {
public:
    explicit LoadedSites(const std::string& text) {
        load(text);
        EXPECT_TRUE(sites_) << messages_;
    }
    ~LoadedSites() { std::filesystem::remove_all(folder_); }
    LoadedSites(const LoadedSites&) = delete;
    LoadedSites& operator=(const LoadedSites&) = delete;

    /// What is said of a text, right or wrong.
    static std::string messages_of(const std::string& text) {
        LoadedSites loaded;
        loaded.load(text);
        return loaded.messages_;
    }

    const std::shared_ptr<proxy::Sites>& sites() const { return sites_; }
    const proxy::Site& main() const { return sites_->main(); }
    /// What a log holds now.
    std::string file(const std::string& name) const {
        std::ifstream in(folder_ + name);
        return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    }

private:
    LoadedSites() = default;
    void load(const std::string& text) {
        char name[] = "/tmp/headgate-sites-XXXXXX";
        folder_ = std::string(::mkdtemp(name)) + "/";
        std::ofstream(folder_ + "main.conf") << text;
        conf::LoadOptions options;
        options.file = "main.conf";
        options.server_root = folder_;
        conf::Loaded loaded = conf::load(
            options, {mpm::setting_rows(), proxy::setting_rows(), proxy::tls_setting_rows()});
        if (!loaded.diagnostics.has_errors()) sites_ = proxy::Sites::build(loaded, false);
        messages_ = loaded.diagnostics.render(false);
    }

    std::string folder_;
    std::string messages_;
    std::shared_ptr<proxy::Sites> sites_;
};

}  // namespace headgate::support
