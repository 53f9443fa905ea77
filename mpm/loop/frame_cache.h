// Memory for coroutine frames: per-thread free lists by size class, because a relayed exchange
// makes and drops a few dozen frames and the general allocator would be the dearest part of it.
#pragma once

#include <cstddef>

namespace headgate::loop::frame_cache {

/// Memory for one coroutine frame of `size` bytes; never null (out of memory ends the process).
void* allocate(std::size_t size);

/// Gives back what allocate(size) returned, on the same thread or another.
void release(void* frame, std::size_t size) noexcept;

/// Frees what the calling thread's lists hold; used after bursts and by tests that count memory.
void trim() noexcept;

/// The largest frame that any thread asked for so far, in bytes: a budget test reads it.
std::size_t largest_frame() noexcept;

/// Frames in use by the calling thread (allocated here minus released here).
std::ptrdiff_t frames_in_use() noexcept;

}  // namespace headgate::loop::frame_cache
