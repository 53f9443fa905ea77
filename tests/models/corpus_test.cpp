// Row 24: a corpus of exchanges, raw, through each model: what the client receives is the same
// under all three, octet for octet, apart from Date. The cases are in tests/cases/exchanges.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <list>
#include <map>
#include <optional>
#include <regex>
#include <sstream>

#include "tests/support/behaviour.h"

namespace headgate {
namespace {

using namespace support;

struct Step {
    std::string what;
    std::string text;  // with octets in the place of escapes
};

struct Case {
    std::string name;
    std::string parameters;  // of its ProxyPass
    std::vector<Step> steps;
    std::string expected;  // statuses, with blanks between
};

/// Escapes to octets, {} to the name.
std::string unescaped(std::string text, const std::string& name) {
    for (std::size_t at = 0; (at = text.find("{}", at)) != std::string::npos;)
        text.replace(at, 2, name);
    std::string octets;
    for (std::size_t i = 0; i < text.size(); i++) {
        if (text[i] != '\\') {
            octets += text[i];
            continue;
        }
        const char kind = text.at(++i);
        if (kind == 'x') {
            octets += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
            i += 2;
        } else {
            octets += kind == 'r' ? '\r' : kind == 'n' ? '\n' : kind;
        }
    }
    return octets;
}

void read_cases(const std::filesystem::path& path, std::vector<Case>& cases) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        if (line.empty() || line[0] == '#') continue;
        const std::size_t end = std::min(line.find(' '), line.size());
        const std::string word = line.substr(0, end);
        const std::string text = line.substr(std::min(end + 1, line.size()));
        if (word == "case") {
            cases.push_back({text, "", {}, ""});
        } else if (word == "pass") {
            cases.back().parameters = " " + text;
        } else if (word == "expect") {
            cases.back().expected = text;
        } else {
            cases.back().steps.push_back({word, unescaped(text, cases.back().name)});
        }
    }
}

std::vector<Case> all_cases() {
    std::vector<Case> cases;
    const std::filesystem::path folder = HEADGATE_SOURCE_DIR "/tests/cases/exchanges";
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".txt") read_cases(entry.path(), cases);
    }
    return cases;
}

/// One case, from both ends of the proxy.
class Play {
public:
    Play(ScriptedOrigin& origin, std::uint16_t proxy) : origin_(origin), client_(proxy) {}

    void make(const Step& step) {
        if (step.what == "client") {
            client_.send(step.text);
        } else if (step.what == "client-until") {
            received_ += client_.receive_until(step.text);
        } else if (step.what == "client-fin") {
            client_.finish_writing();
        } else if (step.what == "origin") {
            upstream().send(step.text);
        } else if (step.what == "origin-head") {
            upstream().receive_head();
        } else if (step.what == "origin-until") {
            upstream().receive_until(step.text);
        } else if (step.what == "origin-close") {
            upstream_.reset();
        } else if (step.what == "origin-reset") {
            upstream().reset();
            upstream_.reset();
        } else if (step.what == "origin-refuse") {
            origin_.close();
        } else {
            ADD_FAILURE() << "no such step: " << step.what;
        }
    }

    /// All that the client received, and how it ended; without what time changes.
    std::string end() {
        if (!has_all()) client_.finish_writing();
        received_ += client_.receive_rest();
        received_ += client_.end() == RawConnection::End::fin ? "[fin]" : "[reset]";
        static const std::regex date("\r\nDate: [^\r]*");
        return std::regex_replace(received_, date, "\r\nDate: *");
    }

private:
    /// The end has come by itself.
    bool has_all() const { return client_.end() != RawConnection::End::not_yet; }
    RawConnection& upstream() {
        if (!upstream_) upstream_.emplace(origin_.accept());
        return *upstream_;
    }

    ScriptedOrigin& origin_;
    RawConnection client_;
    std::optional<RawConnection> upstream_;
    std::string received_;
};

std::string statuses_in(const std::string& octets) {
    static const std::regex status_line("HTTP/1\\.[01] ([0-9]{3}) ");
    std::string found;
    for (auto each = std::sregex_iterator(octets.begin(), octets.end(), status_line);
         each != std::sregex_iterator(); ++each) {
        found += (found.empty() ? "" : " ") + (*each)[1].str();
    }
    return found;
}

TEST(Corpus, IsTheSameToClientsUnderEveryModel) {
    const std::vector<Case> cases = all_cases();
    ASSERT_GT(cases.size(), 60u);
    std::list<ScriptedOrigin> origins;
    std::string passes;
    for (const Case& each : cases) {
        passes += "ProxyPass /" + each.name + "/ http://" + origins.emplace_back().address() + "/" +
                  each.parameters + "\n";
    }
    std::map<std::string, std::string> first;
    for (const std::string model : models_built) {
        RunningProxy proxy(model, one_thread(model) + passes);
        auto origin = origins.begin();
        for (const Case& each : cases) {
            SCOPED_TRACE(each.name + " under " + model);
            Play play(*origin++, proxy.port());
            for (const Step& step : each.steps)
                play.make(step);
            const std::string octets = play.end();
            EXPECT_EQ(statuses_in(octets), each.expected) << octets;
            EXPECT_EQ(octets, first.emplace(each.name, octets).first->second);
        }
    }
}

}  // namespace
}  // namespace headgate
