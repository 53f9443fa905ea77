// Giving a text's memory back. Assigning an empty string does not: libstdc++ keeps the capacity of
// what is assigned to, and an idle connection would hold what its last exchange needed.
#pragma once

#include <string>

namespace headgate::net {

/// Empties `text` and frees what it had.
inline void give_back(std::string& text) {
    std::string().swap(text);
}

}  // namespace headgate::net
