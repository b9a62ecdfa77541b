#pragma once

#include <memory>

#include "core/arena.h"
#include "core/parallel.h"
#include "kernels/table.h"

namespace pisr {

/// Which set of kernels runs. `naive` is the slow truth that tests compare with.
enum class Backend { cpu, naive };

/// Where operations run: kernels, the threads they may use, and the memory of a step. To be used by
/// one thread at a time; several threads take a context each.
class Context {
 public:
  /// Runs kernels on the calling thread alone.
  explicit Context(Backend backend = Backend::cpu);
  /// Runs kernels on `pool`, which must outlive the context.
  explicit Context(ThreadPool& pool, Backend backend = Backend::cpu);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// Memory of the current step: results, saved values and gradients that are not parameters'.
  Arena& arena() noexcept { return arena_; }

  /// Runs one kernel, e.g. launch<float>(&kernels::KernelTable<float>::affine, {...}).
  template <class T, class Args>
  void launch(void (*kernels::KernelTable<T>::*kernel)(kernels::Queue&, const Args&),
              const std::type_identity_t<Args>& args) {
    (table<T>().*kernel)(queue(), args);
    release_scratch();
  }
  /// Runs a kernel that is in no table, such as a user's own.
  template <class Args>
  void launch(void (*kernel)(kernels::Queue&, const Args&),
              const std::type_identity_t<Args>& args) {
    kernel(queue(), args);
    release_scratch();
  }

 private:
  class ContextQueue;
  template <class T>
  const kernels::KernelTable<T>& table() const noexcept {
    return backend_ == Backend::cpu ? kernels::cpu_kernels<T>() : kernels::naive_kernels<T>();
  }
  kernels::Queue& queue() noexcept;
  void release_scratch();

  Backend backend_;
  Arena arena_;
  std::unique_ptr<ContextQueue> queue_;
};

}  // namespace pisr
