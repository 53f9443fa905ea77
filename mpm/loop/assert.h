// HEADGATE_ASSERT: for what is impossible unless this program is wrong. It stays in release builds,
// says where, and aborts. What peers, files and libraries may do wrong is handled, never asserted.
#pragma once

#include <cstdio>
#include <cstdlib>

#define HEADGATE_ASSERT(condition)                                                           \
    do {                                                                                     \
        if (!(condition)) [[unlikely]] {                                                     \
            std::fprintf(stderr, "%s:%d: impossible: %s\n", __FILE__, __LINE__, #condition); \
            std::abort();                                                                    \
        }                                                                                    \
    } while (false)
