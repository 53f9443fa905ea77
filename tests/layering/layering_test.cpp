// The drawing of the layers, enforced: includes point downward only, third-party headers stay in
// their rooms, and no code above mpm/ knows which connection model runs.
//
//    proxy/main.cpp > proxy > upstream > proxy/net > proxy/http, mpm/loop      proxy > mpm > conf
//    within proxy: the engine > status > site > logs > settings
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

/// One folder of the tree and what its files may include of ours: folders end with "/".
struct Layer {
    std::string folder;
    Names may_include;
};

const std::vector<Layer> layers{
    {"conf/", {"conf/"}},
    {"mpm/loop/", {"mpm/loop/"}},
    {"mpm/", {"mpm/", "mpm/loop/", "conf/"}},
    {"proxy/http/", {"proxy/http/"}},
    {"proxy/net/", {"proxy/net/", "proxy/http/", "mpm/loop/"}},
    {"upstream/", {"upstream/", "proxy/net/", "proxy/http/", "mpm/loop/"}},
    // The engine's rooms, each knowing those above it in this list. Of mpm only the seams, and the
    // rows of its directives, which are data.
    {"proxy/settings/",
     {"proxy/settings/", "upstream/", "proxy/net/", "proxy/http/", "conf/", "mpm/loop/"}},
    {"proxy/logs/", {"proxy/logs/", "proxy/settings/", "proxy/net/", "proxy/http/", "mpm/loop/"}},
    {"proxy/site/",
     {"proxy/site/", "proxy/logs/", "proxy/settings/", "upstream/", "proxy/net/", "proxy/http/",
      "conf/", "mpm/loop/"}},
    {"proxy/status/",
     {"proxy/status/", "proxy/site/", "proxy/logs/", "upstream/", "proxy/net/", "proxy/http/",
      "mpm/loop/", "mpm/scoreboard.h", "mpm/connection_handler.h"}},
    {"proxy/",
     {"proxy/", "proxy/status/", "proxy/site/", "proxy/logs/", "proxy/settings/", "upstream/",
      "proxy/net/", "proxy/http/", "conf/", "mpm/loop/", "mpm/connection_handler.h",
      "mpm/application.h", "mpm/scoreboard.h", "mpm/settings.h", "mpm/cpu_budget.h"}},
};

/// A header that is not ours, and the files (or beginnings of paths) that may include it.
struct Room {
    std::string header;
    Names files;
};

const std::vector<Room> rooms{
    {"boost/asio", {"mpm/loop/"}},
    {"openssl/", {"proxy/net/tls_", "proxy/version."}},  // -V prints the library's version
    {"ares", {"upstream/resolver.cpp"}},
    {"pcre2", {"conf/pattern.cpp"}},
    {"nghttp2/", {"upstream/h2_", "proxy/h2_", "proxy/net/h2_session"}},
};

/// Files that carry a model's name as data: chosen, printed or documented, never asked.
const Names model_names_as_data{
    "conf/known_apache.cpp",  // modules of Apache by name
    "conf/known_apache.h",
    "conf/known_apache_names.cpp",
    "conf/parser_actions.cpp",  // LoadModule and IfModule of Apache's model modules
    "conf/load.h",              // which of them was selected
    "proxy/program.h",          // the choice itself, handed on to the composition root
    "proxy/program.cpp",
    "proxy/command_line.cpp",  // the help text of --mpm
    "proxy/version.cpp",       // -V lists the models
    "proxy/status/status.h",   // the status shows the name it was given
    "proxy/status/status.cpp",
    "proxy/status/text.cpp",
    "proxy/status/page.cpp",
    "proxy/main.cpp",  // the composition root
};

bool begins_with_any(const std::string& text, const Names& beginnings) {
    return std::any_of(beginnings.begin(), beginnings.end(),
                       [&](const std::string& each) { return text.rfind(each, 0) == 0; });
}

std::string folder_of(const std::string& path) {
    return path.substr(0, path.rfind('/') + 1);
}

bool is_ours(const std::string& header) {
    return begins_with_any(header, {"conf/", "mpm/", "proxy/", "upstream/", "tests/"});
}

const Layer* layer_of(const std::string& file) {
    for (const Layer& layer : layers) {
        if (layer.folder == folder_of(file)) return &layer;
    }
    return nullptr;
}

bool may_include(const Layer& layer, const std::string& header) {
    return std::any_of(layer.may_include.begin(), layer.may_include.end(),
                       [&](const std::string& each) {
                           return each.back() == '/' ? folder_of(header) == each : header == each;
                       });
}

/// The text without comments; strings stay, for a name in one is data all the same.
std::string without_comments(const std::string& text) {
    std::string code;
    for (std::size_t i = 0; i < text.size(); i++) {
        if (text.compare(i, 2, "//") == 0 && (i == 0 || text[i - 1] != ':')) {
            i = std::min(text.find('\n', i), text.size()) - 1;
        } else if (text.compare(i, 2, "/*") == 0) {
            i = std::min(text.find("*/", i), text.size() - 2) + 1;
        } else {
            code += text[i];
        }
    }
    return code;
}

/// What is wrong with one include of one file; empty: nothing.
std::string judge_include(const std::string& file, const std::string& header) {
    if (file == "proxy/main.cpp") return "";
    for (const Room& room : rooms) {
        if (header.rfind(room.header, 0) == 0 && !begins_with_any(file, room.files)) {
            return file + " includes " + header + ", which is outside its room";
        }
    }
    if (!is_ours(header)) return "";
    const Layer* layer = layer_of(file);
    if (layer == nullptr) return file + " belongs to no layer";
    if (!may_include(*layer, header))
        return file + " includes " + header + ", which is not below it";
    return "";
}

/// The header that a line includes; empty: it includes none.
std::string header_in(const std::string& line) {
    const auto skip = [&](std::size_t at) { return line.find_first_not_of(" \t", at); };
    std::size_t at = skip(0);
    if (at == line.npos || line[at] != '#') return "";
    at = skip(at + 1);
    if (at == line.npos || line.compare(at, 7, "include") != 0) return "";
    const std::size_t begin = line.find_first_of("\"<", at);
    if (begin == line.npos) return "";
    const std::size_t end = line.find_first_of("\">", begin + 1);
    return end == line.npos ? "" : line.substr(begin + 1, end - begin - 1);
}

bool is_word_octet(char octet) {
    return std::isalnum(static_cast<unsigned char>(octet)) != 0 || octet == '_';
}

/// The first connection model that code names, or the type that says which one runs; empty: none.
/// The event model counts in these two words only, for "event" alone is a word of its own.
std::string model_in(const std::string& code) {
    for (const char* name : {"prefork", "worker", "ModelName", "event model"}) {
        const std::size_t size = std::string(name).size();
        for (std::size_t at = code.find(name); at != code.npos; at = code.find(name, at + 1)) {
            const bool begins = at == 0 || !is_word_octet(code[at - 1]);
            const bool ends = at + size == code.size() || !is_word_octet(code[at + size]);
            if (begins && ends) return name;
        }
    }
    return "";
}

bool may_name_models(const std::string& file) {
    return file.rfind("mpm/", 0) == 0 ||
           std::find(model_names_as_data.begin(), model_names_as_data.end(), file) !=
               model_names_as_data.end();
}

/// A lookup by name under OpenSSL's lock, which tls_algorithms.cpp alone makes, and makes once:
/// what EVP_sha256() gives is looked up at every use. Empty: none.
std::string lookup_in(const std::string& file, const std::string& code) {
    if (file == "proxy/net/tls_algorithms.cpp") return "";
    for (const char* name : {"EVP_sha", "EVP_md5", "EVP_aes", "EVP_chacha", "EVP_MD_fetch",
                             "EVP_MAC_fetch", "EVP_MAC_CTX", "EVP_CIPHER_fetch", "EVP_KDF_fetch",
                             "EVP_get_digestby", "EVP_get_cipherby", "PARAM_DIGEST"}) {
        if (code.find(name) != code.npos) return name;
    }
    return "";
}

/// Everything that is wrong with one file.
Names judge(const std::string& file, const std::string& text) {
    Names faults;
    std::istringstream lines(text);
    std::string line;
    while (std::getline(lines, line)) {
        const std::string header = header_in(line);
        const std::string fault = header.empty() ? "" : judge_include(file, header);
        if (!fault.empty()) faults.push_back(fault);
    }
    const std::string code = without_comments(text);
    const std::string lookup = lookup_in(file, code);
    if (!lookup.empty()) faults.push_back(file + " looks an algorithm up each time: " + lookup);
    const std::string model = may_name_models(file) ? "" : model_in(code);
    if (!model.empty()) faults.push_back(file + " names a connection model: " + model);
    return faults;
}

/// What stands at the top of the tree, beside names with a dot and builds.
const Names top_level{
    "CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md", "conf", "docker", "mpm", "proxy",
    "tests",          "upstream"};

bool belongs_at_the_top(const std::string& name) {
    return name[0] == '.' || name.rfind("build", 0) == 0 ||
           std::find(top_level.begin(), top_level.end(), name) != top_level.end();
}

std::string text_of(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(Layering, the_tree_keeps_to_the_drawing) {
    const fs::path root = HEADGATE_SOURCE_DIR;
    std::size_t files = 0;
    for (const char* top : {"conf", "mpm", "upstream", "proxy"}) {
        for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
            const std::string extension = entry.path().extension();
            if (extension != ".h" && extension != ".cpp") continue;
            files++;
            const std::string file = fs::relative(entry.path(), root);
            for (const std::string& fault : judge(file, text_of(entry.path()))) {
                ADD_FAILURE() << fault;
            }
        }
    }
    EXPECT_GT(files, 100u) << "are these all sources?";
}

TEST(Layering, nothing_else_stands_at_the_top) {
    for (const auto& entry : fs::directory_iterator(HEADGATE_SOURCE_DIR)) {
        const std::string name = entry.path().filename();
        EXPECT_TRUE(belongs_at_the_top(name)) << name;
    }
    EXPECT_FALSE(belongs_at_the_top("notes.conf"));
}

TEST(Layering, the_allow_list_names_files_that_exist) {
    for (const std::string& file : model_names_as_data) {
        EXPECT_TRUE(fs::exists(fs::path(HEADGATE_SOURCE_DIR) / file)) << file;
    }
}

TEST(Layering, the_test_can_fail) {
    const struct {
        const char* file;
        const char* text;
        std::size_t faults;
    } cases[] = {
        {"conf/lexer.cpp", "#include \"conf/lexer.h\"\n#include <string>\n", 0},
        {"conf/lexer.cpp", "#include \"mpm/settings.h\"\n", 1},
        {"mpm/loop/loop.cpp", "#include <boost/asio/post.hpp>\n", 0},
        {"mpm/runner.cpp", "#include <boost/asio/post.hpp>\n", 1},
        {"mpm/loop/loop.h", "#include \"mpm/runner.h\"\n", 1},
        {"mpm/runner.h", "#include \"proxy/engine.h\"\n", 1},
        {"proxy/http/date.h", "#include \"proxy/net/output.h\"\n", 1},
        {"proxy/net/output.h", "#include \"upstream/pool.h\"\n", 1},
        {"proxy/net/output.h", "#include \"mpm/runner.h\"\n", 1},
        {"upstream/pool.cpp", "  #  include \"proxy/site/site.h\"\n", 1},
        {"upstream/pool.cpp", "#include <ares.h>\n", 1},
        {"upstream/resolver.cpp", "#include <ares.h>\n", 0},
        {"proxy/engine.h", "#include \"mpm/connection_handler.h\"\n", 0},
        {"proxy/net/tls_facts.cpp", "digest(octets, EVP_sha256());  // once\n", 1},
        {"proxy/net/tls_facts.cpp", "digest(octets, fetched_sha256());  // no EVP_sha256()\n", 0},
        {"proxy/engine.h", "#include \"mpm/runner.h\"\n", 1},
        {"proxy/main.cpp", "#include \"mpm/event.h\"\n", 0},
        {"proxy/engine.cpp", "#include <openssl/ssl.h>\n", 1},
        {"proxy/net/tls_context.cpp", "#include <openssl/ssl.h>\n", 0},
        {"proxy/engine.cpp", "#include <nghttp2/nghttp2.h>\n#define PCRE2\n#include <pcre2.h>\n",
         2},
        {"proxy/engine.cpp", "// the worker model\nint workers; /* prefork */\n", 0},
        {"proxy/engine.cpp", "if (model == \"worker\") {}\n", 1},
        {"proxy/engine.cpp", "ModelName::event\n", 1},
        {"mpm/event.cpp", "int worker;\n", 0},
    };
    for (const auto& each : cases) {
        EXPECT_EQ(judge(each.file, each.text).size(), each.faults)
            << each.file << ": " << each.text;
    }
}

}  // namespace
