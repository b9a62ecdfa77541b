#pragma once

#include <cstddef>

namespace pisr::kernels::emulator {

/// A function with a stack of its own that can be suspended and resumed, on one thread of the
/// operating system. It may be abandoned while suspended if it owns nothing.
class Fiber {
 public:
  /// Runs `entry` from the first switch on. It must never return.
  explicit Fiber(void (*entry)());
  /// The stack of the caller, which runs already.
  Fiber() = default;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber();

  /// Suspends `from`, which is running, and resumes `to`. Returns when `from` is resumed.
  static void switch_from(Fiber& from, Fiber& to);

  /// `entry` must call this first.
  static void entered();

 private:
  bool owns_stack_ = false;
  void* stack_ = nullptr;
  std::size_t stack_bytes_ = 0;
  void* context_ = nullptr;  ///< stack pointer, or a ucontext_t that is owned
  [[maybe_unused]] void* sanitizer_state_ = nullptr;
  void* observed_ = nullptr;  ///< ThreadSanitizer's handle
};

}  // namespace pisr::kernels::emulator
