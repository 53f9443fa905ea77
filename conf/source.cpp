// Reading texts and finding files. See source.h.
#include "conf/source.h"

#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace headgate::conf {

namespace {

constexpr std::size_t largest_file = 64u << 20;
constexpr int deepest_folder = 10;

bool is_folder(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

bool exists(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0;
}

void add_files(const std::string& path, int depth, std::vector<std::string>& files) {
    if (!is_folder(path)) {
        files.push_back(path);
        return;
    }
    DIR* folder = depth < deepest_folder ? ::opendir(path.c_str()) : nullptr;
    if (folder == nullptr) {
        return;
    }
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(folder)) {
        if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0) {
            names.emplace_back(entry->d_name);
        }
    }
    ::closedir(folder);
    std::sort(names.begin(), names.end());
    const std::string prefix = path.ends_with('/') ? path : path + "/";
    for (const std::string& name : names) {
        add_files(prefix + name, depth + 1, files);
    }
}

}  // namespace

std::uint32_t Sources::add(std::string name, std::string text, Span included_from) {
    sources_.push_back({std::move(name), std::move(text), included_from});
    return static_cast<std::uint32_t>(sources_.size() - 1);
}

std::string_view Sources::line(std::uint32_t index, std::uint32_t line) const {
    std::string_view rest = sources_[index].text;
    for (std::uint32_t skipped = 1; skipped < line; ++skipped) {
        const std::size_t end = rest.find('\n');
        if (end == std::string_view::npos) {
            return {};
        }
        rest.remove_prefix(end + 1);
    }
    rest = rest.substr(0, rest.find('\n'));
    if (rest.ends_with('\r')) {
        rest.remove_suffix(1);
    }
    return rest;
}

std::string Sources::place(const Span& span) const {
    if (!span.is_somewhere()) {
        return {};
    }
    return sources_[span.source].name + ":" + std::to_string(span.line);
}

Span join(const Span& first, const Span& last) {
    Span whole = first;
    if (first.source == last.source && first.line == last.line && last.column >= first.column) {
        whole.length = last.column + last.length - first.column;
    }
    return whole;
}

std::string read_text(const std::string& path, std::string& text) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        return std::strerror(errno);
    }
    struct stat status {};
    const bool is_regular = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
    std::string problem = is_regular || path == "/dev/null" ? "" : "not a regular file";
    char block[16384];
    while (problem.empty()) {
        const ssize_t count = ::read(descriptor, block, sizeof block);
        if (count == 0) {
            break;
        }
        if (count < 0) {
            problem = std::strerror(errno);
        } else if (text.size() > largest_file) {
            problem = "larger than 64 MiB";
        } else {
            text.append(block, static_cast<std::size_t>(count));
        }
    }
    ::close(descriptor);
    return problem;
}

std::vector<std::string> find_files(const std::string& path) {
    std::vector<std::string> files;
    if (!is_wildcard(path)) {
        if (exists(path)) {
            add_files(path, 0, files);
        }
        return files;
    }
    glob_t found{};
    std::vector<std::string> matches;
    if (::glob(path.c_str(), GLOB_NOSORT, nullptr, &found) == 0) {
        matches.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    }
    ::globfree(&found);
    std::sort(matches.begin(), matches.end());
    for (const std::string& match : matches) {
        add_files(match, 0, files);
    }
    return files;
}

bool is_wildcard(std::string_view path) {
    return path.find_first_of("*?[") != path.npos;
}

}  // namespace headgate::conf
