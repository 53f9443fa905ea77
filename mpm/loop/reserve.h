// Reserve: memory that a process sets aside for when there is none. Whoever finds no memory gives
// the reserve back to the system and asks again; a loop notices between two tasks, and has those
// close who hold memory without needing it (Loop::on_shortage); then the reserve is set aside anew.
// It is mapped and never touched: it counts against RLIMIT_DATA, RLIMIT_AS and the commit limit,
// and costs no memory. Where memory ends otherwise (the OOM killer of a cgroup) it is of no use.
// All of this is the process's, for any thread. Read want.h before.
#pragma once

#include <atomic>
#include <cstddef>

namespace headgate::loop::reserve {

/// Sets so many octets aside. False: they cannot be had, and there is no reserve.
bool keep(std::size_t octets) noexcept;

/// For who has found no memory: whether asking again may help, because the reserve was there to be
/// given back, by this thread now or by another one since this thread asked last.
bool release() noexcept;

/// Of how many parts it consists; they are given back together, and had again one by one.
inline constexpr unsigned all_parts = 64;

/// Sets aside again all of it, or else half of what can be had. Where the system has no memory,
/// what the allocator keeps and nobody uses will do. From `enough` parts on it is not missing any
/// more: then true.
bool restore(unsigned enough) noexcept;

/// What could not be had of it is missed no longer: the process goes on without.
void forgo() noexcept;

/// Whether it was given back and is still missing.
bool is_missing() noexcept;

/// malloc() and realloc() for those who can live with null, such as libraries: with the reserve
/// behind them. free() is free().
void* allocate(std::size_t size) noexcept;
void* reallocate(void* block, std::size_t size) noexcept;

namespace detail {
extern std::atomic<bool> has_news;
}

/// It has just been given back, and nobody has noticed. One load: it may be asked often.
inline bool has_news() noexcept {
    return detail::has_news.load(std::memory_order_relaxed);
}
/// Takes the news: true for one caller, who does what is to be done.
inline bool take_news() noexcept {
    return detail::has_news.exchange(false, std::memory_order_relaxed);
}

}  // namespace headgate::loop::reserve
