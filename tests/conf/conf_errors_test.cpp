// Wrong configurations and the exact messages they get: every tests/cases/conf-errors/NN-name.conf
// is loaded with the rows of all layers, its sites are built when that went well, and what is said
// is compared with NN-name.expected.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "conf/load.h"
#include "mpm/settings.h"
#include "proxy/settings/settings.h"
#include "proxy/settings/tls.h"
#include "proxy/site/site.h"
#include "tests/support/certificates.h"
#include "tests/support/temporary_folder.h"

namespace headgate {
namespace {

const std::string folder = std::string(HEADGATE_SOURCE_DIR) + "/tests/cases/conf-errors/";

std::vector<std::string> cases() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".conf") {
            names.push_back(entry.path().stem().string());
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::string without_folder(std::string text) {
    for (std::size_t at = text.find(folder); at != text.npos; at = text.find(folder, at)) {
        text.erase(at, folder.size());
    }
    return text;
}

/// A file with a certificate and its key, for those that need one: ${CERTIFICATE} in them.
std::string certificate() {
    static const support::TemporaryFolder made;
    static const std::string file = [] {
        const support::Issued issued = support::Authority().issue("host.example");
        return made.write("host.pem", issued.certificate + issued.key);
    }();
    return file;
}

std::string rendered(const std::string& name) {
    conf::LoadOptions options;
    options.file = folder + name + ".conf";
    options.server_root = folder;
    options.defines = {"CERTIFICATE=" + certificate()};
    conf::Loaded loaded = conf::load(
        options, {mpm::setting_rows(), proxy::setting_rows(), proxy::tls_setting_rows()});
    if (!loaded.diagnostics.has_errors()) proxy::Sites::build(loaded, true);
    return without_folder(loaded.diagnostics.render(false) + loaded.diagnostics.summary() + "\n");
}

class ConfErrors : public ::testing::TestWithParam<std::string> {};

TEST_P(ConfErrors, says_what_is_expected) {
    std::ifstream file(folder + GetParam() + ".expected");
    ASSERT_TRUE(file) << "no file of expected messages; they are now:\n" << rendered(GetParam());
    std::stringstream expected;
    expected << file.rdbuf();
    EXPECT_EQ(rendered(GetParam()), expected.str());
}

INSTANTIATE_TEST_SUITE_P(Cases, ConfErrors, ::testing::ValuesIn(cases()), [](const auto& info) {
    std::string name = info.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

TEST(ConfErrorCases, are_many) {
    EXPECT_GE(cases().size(), 45u);
}

}  // namespace
}  // namespace headgate
