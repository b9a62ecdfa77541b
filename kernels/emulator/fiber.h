#pragma once

#include <cstddef>

namespace pisr::kernels::emulator {

/// A stack on which a function runs that can be left in the middle and continued later, all on one
/// thread of the operating system. Abandoning a function in the middle is allowed when it owns
/// nothing.
class Fiber {
 public:
  /// Nothing runs before the first switch. `entry` must never return.
  explicit Fiber(void (*entry)());
  /// The stack that is running already.
  Fiber() = default;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber();

  /// Leaves `from`, which is running, and continues `to`. Returns when somebody switches back.
  static void switch_from(Fiber& from, Fiber& to);

  /// To be called first by `entry`.
  static void entered();

 private:
  bool owns_stack_ = false;
  void* stack_ = nullptr;
  std::size_t stack_bytes_ = 0;
  void* context_ = nullptr;  ///< stack pointer, or a ucontext_t that is owned
  [[maybe_unused]] void* sanitizer_state_ = nullptr;
  void* observed_ = nullptr;  ///< what ThreadSanitizer knows it by
};

}  // namespace pisr::kernels::emulator
