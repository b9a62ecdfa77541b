#pragma once

#include <cstddef>

/// Annotations with which ThreadSanitizer reports races of kernels. To it each fiber is a thread,
/// switches between fibers order nothing, and only order_before and order_after do. The emulator
/// itself is compiled without it (CMakeLists.txt). In all other builds these functions do nothing.
namespace pisr::kernels::emulator {

#if defined(PISR_THREAD_SANITIZER)

constexpr bool kRacesAreReported = true;

extern "C" {
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
void __tsan_acquire(void* address);
void __tsan_release(void* address);
void __tsan_read_range(void* address, unsigned long bytes);
void* __tsan_create_fiber(unsigned flags);
void* __tsan_get_current_fiber();
void __tsan_destroy_fiber(void* fiber);
void __tsan_switch_to_fiber(void* fiber, unsigned flags);
}

/// While one exists, accesses of this fiber are the emulator's and not checked.
class Unobserved {
 public:
  Unobserved() {
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~Unobserved() {
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  }
  Unobserved(const Unobserved&) = delete;
  Unobserved& operator=(const Unobserved&) = delete;
};

/// All before order_before(tag) happens before all that follows a later order_after(tag).
inline void order_before(void* tag) {
  __tsan_release(tag);
}
inline void order_after(void* tag) {
  __tsan_acquire(tag);
}
inline void observe_read(const void* memory, std::size_t bytes) {
  __tsan_read_range(const_cast<void*>(memory), bytes);
}
inline void* observe_new_fiber() {
  return __tsan_create_fiber(0);
}
inline void* observe_this_fiber() {
  return __tsan_get_current_fiber();
}
inline void observe_end_of_fiber(void* fiber) {
  __tsan_destroy_fiber(fiber);
}
inline void observe_switch_to(void* fiber) {
  constexpr unsigned kOrdersNothing = 1;
  __tsan_switch_to_fiber(fiber, kOrdersNothing);
}

#else

constexpr bool kRacesAreReported = false;

struct Unobserved {
  ~Unobserved() {}
};
inline void order_before(void*) {}
inline void order_after(void*) {}
inline void observe_read(const void*, std::size_t) {}
inline void* observe_new_fiber() {
  return nullptr;
}
inline void* observe_this_fiber() {
  return nullptr;
}
inline void observe_end_of_fiber(void*) {}
inline void observe_switch_to(void*) {}

#endif

}  // namespace pisr::kernels::emulator
