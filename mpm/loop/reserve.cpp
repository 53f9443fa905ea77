// See reserve.h. Nothing here allocates with the mutex held but malloc() itself, which calls nobody
// back; so the mutex may be taken wherever memory was asked for.
#include "mpm/loop/reserve.h"

#include <sys/mman.h>

#include <array>
#include <cstdlib>
#include <mutex>
#include <utility>

namespace headgate::loop::reserve {
namespace detail {
std::atomic<bool> has_news{false};
}

namespace {

struct Part {
    void* memory = nullptr;
    bool is_mapped = false;
};

std::mutex mutex;
std::array<Part, all_parts> held;
unsigned count = 0;         // of the parts that are held
std::size_t part_size = 0;  // octets; 0: no reserve is wanted
std::atomic<bool> missing{false};
unsigned releases = 0;                   // how often something was given back
thread_local unsigned seen_release = 0;  // of these, the last one that this thread knows of

/// A process that has trimmed its heap has holes in it, which count against its limit all the same:
/// what fits there is as good.
Part take_part() {
    void* const memory =
        ::mmap(nullptr, part_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) return {memory, true};
    return {std::malloc(part_size), false};
}

void fill() {
    while (count < all_parts) {
        const Part part = take_part();
        if (part.memory == nullptr) return;
        held[count++] = part;
    }
}

/// All but so many.
void let_go(unsigned kept = 0) {
    while (count > kept) {
        const Part part = held[--count];
        if (part.is_mapped) {
            ::munmap(part.memory, part_size);
        } else {
            std::free(part.memory);
        }
    }
}

}  // namespace

bool keep(std::size_t octets) noexcept {
    const std::lock_guard lock(mutex);
    let_go();
    part_size = octets / all_parts;
    fill();
    if (count < all_parts) let_go();
    missing = false;
    return count == all_parts;
}

bool release() noexcept {
    const std::lock_guard lock(mutex);
    if (count > 0) {
        let_go();
        releases++;
        missing = true;
        detail::has_news = true;
    }
    return std::exchange(seen_release, releases) != releases;
}

bool restore(unsigned enough) noexcept {
    const std::lock_guard lock(mutex);
    fill();
    // As much is left for others, or what they want next were the next shortage.
    if (count < all_parts) let_go(count / 2);
    if (count >= enough) missing = false;
    return count >= enough;
}

void forgo() noexcept {
    missing = false;
}

bool is_missing() noexcept {
    return missing.load(std::memory_order_relaxed);
}

void* allocate(std::size_t size) noexcept {
    void* block = std::malloc(size);
    while (block == nullptr && size != 0 && release())
        block = std::malloc(size);
    return block;
}

void* reallocate(void* block, std::size_t size) noexcept {
    void* moved = std::realloc(block, size);
    while (moved == nullptr && size != 0 && release())
        moved = std::realloc(block, size);
    return moved;
}

}  // namespace headgate::loop::reserve
