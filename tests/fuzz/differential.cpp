// Fuzzes our parsers beside Boost.Beast's and llhttp: a disagreement that no list of
// tests/differential/comparison.cpp explains is a bug, in a parser or in the lists.
// First octet of the input: even, a request; odd, a response.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/differential/comparison.h"

using namespace headgate::differential;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    Comparison comparison(data[0] % 2 == 0 ? Kind::request : Kind::response);
    comparison.compare({reinterpret_cast<const char*>(data) + 1, size - 1});
    const std::string bugs = comparison.bugs();
    if (bugs.empty()) return 0;
    std::fprintf(stderr, "%s", bugs.c_str());
    std::abort();
}
