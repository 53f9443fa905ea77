// Compares readings of the same octets, and counts by reason where they differ. Ours may be the
// stricter one for a listed reason; where it takes what both others refuse, the case must be
// listed; where it takes what another takes, both must read the same. Anything else is a bug.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/differential/reading.h"

namespace headgate::differential {

class Comparison {
public:
    explicit Comparison(Kind kind) : kind_(kind) {}

    void compare(std::string_view text);

    /// What was counted, a line for each reason.
    std::string table() const;
    /// A few examples for each kind of bug, escaped; empty when there is none.
    std::string bugs() const;
    std::size_t inputs() const { return inputs_; }
    std::size_t accepted_by_all() const { return accepted_by_all_; }

private:
    void compare_heads(const OwnReading& own, const Reading& beast, const Reading& llhttp,
                       std::string_view text);
    void compare_content(const OwnReading& own, const Reading& beast, const Reading& llhttp,
                         std::string_view text);
    void compare_pair(const char* who, const OwnReading& own, const Reading& other,
                      std::string_view text);
    void stricter(const OwnReading& own, std::string_view text, bool in_head);
    void more_lenient(std::string_view text, const Reading& beast, const Reading& llhttp,
                      const char* where);
    void differs(const char* who, const char* what, std::string_view text, const std::string& ours,
                 const std::string& theirs);
    void bug(const std::string& what, std::string_view text);

    Kind kind_;
    std::size_t inputs_ = 0;
    std::size_t accepted_by_all_ = 0;
    std::map<std::string, std::uint64_t> counts_;
    static constexpr std::size_t shown = 4;
    std::map<std::string, std::vector<std::string>> bugs_;
};

/// `text` with control octets and those beyond ASCII as \xNN.
std::string escaped(std::string_view text);

}  // namespace headgate::differential
