// Want: what a process does when it cannot have what it cannot be without: memory, or a descriptor
// for its loop. It says so and ends; whoever is there to replace it does. A descriptor that a
// single connection lacks ends that connection, and is no matter for this. Before memory is lacking
// at all, what is held in reserve is used: reserve.h.
#pragma once

#include <cstddef>
#include <functional>

namespace headgate::loop {

/// The exit status of such an end: Apache's for a child that lacks resources.
inline constexpr int want_status = 7;

/// `what` is lacking, for the reason in errno (0: none is known). Any thread.
[[noreturn]] void end_for_want_of(const char* what);

/// malloc(), never null: where there is no memory, not even the reserve's, the process ends.
void* allocate_or_end(std::size_t size);

/// From here on, operator new that finds no memory, and no reserve, ends the process that way.
/// `say` is given the line, with a little memory that was kept for it, and says whether it got
/// anywhere: if not, and without `say`, it goes to standard error. For the whole process; called
/// again after a fork.
void end_where_memory_ends(std::function<bool(const char* line)> say = nullptr);

}  // namespace headgate::loop
