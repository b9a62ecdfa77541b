#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace pisr {

template <class Signature, std::size_t Capacity = 512>
class InlineFunction;

/// A callable held inside the object, never on the heap: recording a step must not allocate. A
/// closure larger than Capacity does not compile.
template <class Result, class... Args, std::size_t Capacity>
class InlineFunction<Result(Args...), Capacity> {
 public:
  InlineFunction() = default;
  template <class Callable,
            class = std::enable_if_t<!std::is_same_v<std::decay_t<Callable>, InlineFunction>>>
  InlineFunction& operator=(Callable&& callable) {
    using Held = std::decay_t<Callable>;
    static_assert(sizeof(Held) <= Capacity, "closure too large for InlineFunction");
    static_assert(alignof(Held) <= alignof(std::max_align_t));
    static_assert(std::is_nothrow_move_constructible_v<Held>);
    reset();
    new (storage_) Held(std::forward<Callable>(callable));
    call_ = [](void* held, Args... args) -> Result {
      return (*static_cast<Held*>(held))(std::forward<Args>(args)...);
    };
    manage_ = [](void* held, void* target) noexcept {
      if (target != nullptr) {
        new (target) Held(std::move(*static_cast<Held*>(held)));
      }
      static_cast<Held*>(held)->~Held();
    };
    return *this;
  }
  InlineFunction(InlineFunction&& other) noexcept { take(other); }
  InlineFunction& operator=(InlineFunction&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  ~InlineFunction() { reset(); }

  explicit operator bool() const noexcept { return call_ != nullptr; }
  Result operator()(Args... args) { return call_(storage_, std::forward<Args>(args)...); }
  void reset() noexcept {
    if (call_ != nullptr) {
      manage_(storage_, nullptr);
      call_ = nullptr;
    }
  }

 private:
  void take(InlineFunction& other) noexcept {
    if (other.call_ != nullptr) {
      other.manage_(other.storage_, storage_);
      call_ = std::exchange(other.call_, nullptr);
      manage_ = other.manage_;
    }
  }

  alignas(std::max_align_t) std::byte storage_[Capacity];
  Result (*call_)(void*, Args...) = nullptr;
  void (*manage_)(void* held, void* target) noexcept = nullptr;
};

}  // namespace pisr
