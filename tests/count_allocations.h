#pragma once

#include <atomic>
#include <cerrno>
#include <cstdlib>

// For one source of a test program: counts allocations by standing in for malloc and its kin, of
// which glibc keeps its own under other names. Not under sanitizers, which stand in for them too.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define PISR_COUNTS_ALLOCATIONS 0
#else
#define PISR_COUNTS_ALLOCATIONS 1
#endif

#if PISR_COUNTS_ALLOCATIONS
namespace {
std::atomic<long> allocations{0};
}

extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier): glibc's names.
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
// NOLINTEND(bugprone-reserved-identifier)

void* malloc(std::size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) {
  ++allocations;
  return __libc_realloc(memory, size);
}
void* memalign(std::size_t alignment, std::size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  ++allocations;
  *memory = __libc_memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}
}
#endif

namespace pisr {

/// Of the whole process so far; always 0 under sanitizers.
inline long allocation_count() {
#if PISR_COUNTS_ALLOCATIONS
  return allocations;
#else
  return 0;
#endif
}

}  // namespace pisr
