// See frame_cache.h. Under AddressSanitizer the lists are bypassed, so that a use of a dead frame
// is caught instead of reading recycled memory.
#include "mpm/loop/frame_cache.h"

#include <array>
#include <atomic>
#include <cstdlib>
#include <new>

#include "mpm/loop/want.h"

namespace headgate::loop::frame_cache {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool recycling = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool recycling = false;
#else
constexpr bool recycling = true;
#endif
#else
constexpr bool recycling = true;
#endif

constexpr std::size_t granule = 16;  // of the allocator, whose chunks begin with a word of its own:
constexpr std::size_t word = 8;      // sizes are multiples of the granule less that
constexpr std::size_t classes = 128;        // frames up to 2 KiB are recycled
constexpr std::size_t ceiling = 64 * 1024;  // bytes kept per class and thread

struct FreeFrame {
    FreeFrame* next;
};

struct FreeList {
    FreeFrame* first = nullptr;
    std::size_t bytes = 0;
};

struct Lists {
    std::array<FreeList, classes> by_class;
    std::ptrdiff_t in_use = 0;
    ~Lists() { empty(); }
    void empty() noexcept {
        for (FreeList& list : by_class) {
            while (FreeFrame* frame = list.first) {
                list.first = frame->next;
                std::free(frame);
            }
            list.bytes = 0;
        }
    }
};

thread_local Lists lists;
std::atomic<std::size_t> largest{0};

std::size_t class_of(std::size_t size) {
    return (size + word - 1) / granule;
}

/// What every frame of a class has, in bytes.
std::size_t size_of(std::size_t index) {
    return (index + 1) * granule - word;
}

void remember(std::size_t size) {
    std::size_t seen = largest.load(std::memory_order_relaxed);
    while (size > seen && !largest.compare_exchange_weak(seen, size, std::memory_order_relaxed)) {
    }
}

}  // namespace

void* allocate(std::size_t size) {
    if (size > largest.load(std::memory_order_relaxed)) remember(size);
    lists.in_use++;
    const std::size_t index = class_of(size);
    if (!recycling || index >= classes) return allocate_or_end(size);
    FreeList& list = lists.by_class[index];
    if (FreeFrame* frame = list.first) {
        list.first = frame->next;
        list.bytes -= size_of(index);
        return frame;
    }
    return allocate_or_end(size_of(index));
}

void release(void* frame, std::size_t size) noexcept {
    lists.in_use--;
    const std::size_t index = class_of(size);
    if (!recycling || index >= classes || lists.by_class[index].bytes >= ceiling) {
        std::free(frame);
        return;
    }
    FreeList& list = lists.by_class[index];
    list.first = new (frame) FreeFrame{list.first};
    list.bytes += size_of(index);
}

void trim() noexcept {
    lists.empty();
}

std::size_t largest_frame() noexcept {
    return largest.load(std::memory_order_relaxed);
}

std::ptrdiff_t frames_in_use() noexcept {
    return lists.in_use;
}

}  // namespace headgate::loop::frame_cache
