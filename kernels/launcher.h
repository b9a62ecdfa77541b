#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "kernels/export.h"

namespace pisr::kernels {

/// A callable passed by reference: no allocation, and it must outlive the call it is passed to.
template <class Signature>
class FunctionRef;

/// Its form for callables with these arguments and this result.
template <class Result, class... Args>
class FunctionRef<Result(Args...)> {
 public:
  template <class Callable,
            class = std::enable_if_t<!std::is_same_v<std::decay_t<Callable>, FunctionRef>>>
  FunctionRef(Callable&& callable)  // NOLINT(bugprone-forwarding-reference-overload)
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(callable)))),
        call_([](void* object, Args... args) -> Result {
          return (*static_cast<std::remove_reference_t<Callable>*>(object))(
              std::forward<Args>(args)...);
        }) {}
  Result operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }

 private:
  void* object_;
  Result (*call_)(void*, Args...);
};

/// Where a kernel runs: the threads and the scratch memory it may use. The layer above owns it.
///
/// Results must not depend on the number of threads. A kernel therefore cuts its work into tasks by
/// the shapes alone, each task writes memory of its own, and partial sums are added in task order.
class PISR_CORE_API Launcher {
 public:
  virtual ~Launcher() = default;

  /// Calls body(task, worker) once for each task in [0, tasks), in any order and possibly
  /// concurrently. worker is in [0, workers()), and concurrent calls have different ones. Returns
  /// when all are done. Not to be nested.
  virtual void parallel_for(std::int64_t tasks,
                            FunctionRef<void(std::int64_t task, int worker)> body) = 0;
  virtual int workers() const noexcept = 0;

  /// `bytes` of uninitialised memory aligned to 64 bytes, valid until the kernel returns. No two
  /// calls give the same memory. To be called outside parallel_for.
  virtual void* scratch(std::size_t bytes) = 0;

  /// The CUDA stream that kernels are launched into; null for a CPU.
  virtual void* stream() const noexcept { return nullptr; }
  /// A library that the kernels call, such as cuDNN (kernels/cuda/cudnn/); null for most back ends.
  virtual void* library() const noexcept { return nullptr; }

  template <class T>
  T* scratch_array(std::size_t count) {
    return static_cast<T*>(scratch(count * sizeof(T)));
  }
};

}  // namespace pisr::kernels
