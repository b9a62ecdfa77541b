#pragma once

#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/arena.h"
#include "core/device_call.h"
#include "core/parallel.h"
#include "kernels/export.h"
#include "kernels/table.h"

namespace pisr {

/// Which set of kernels runs on the host.
enum class Backend {
  cpu,    ///< our own, vectorised
  eigen,  ///< convolutions as products of matrices by Eigen (kernels/eigen/eigen.h)
  naive,  ///< the slow truth that tests compare with
};

/// Recorded work of a device that can be replayed, with the step and scratch memory it uses.
class PISR_CORE_API CapturedStep {
 public:
  CapturedStep(std::unique_ptr<kernels::CapturedWork> work,
               std::vector<std::shared_ptr<void>> memory)
      : memory_(std::move(memory)), work_(std::move(work)) {}
  /// Queues the work behind everything the device was given before. The context's step memory then
  /// holds the results of this replay.
  void replay() {
    device_call([&] { work_->replay(); });
  }

 private:
  std::vector<std::shared_ptr<void>> memory_;
  std::unique_ptr<kernels::CapturedWork> work_;
};

/// Where operations run: the kernels, their threads and the memory of a step. One thread at a time
/// may use a context, so several threads need one each. Throws Error(device) when the device fails.
class PISR_CORE_API Context {
 public:
  /// Runs kernels on the calling thread alone.
  explicit Context(Backend backend = Backend::cpu);
  /// Runs kernels on `pool`, which must outlive the context.
  explicit Context(ThreadPool& pool, Backend backend = Backend::cpu);
  /// Runs kernels on `device`, which must outlive the context. Step memory is the device's, and
  /// operands must lie there.
  explicit Context(kernels::Device& device);
  /// Runs kernels on `device`, or on `pool` with those of `backend` where `device` is null.
  Context(ThreadPool& pool, kernels::Device* device, Backend backend = Backend::cpu);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// Memory of the current step: results, saved values, and gradients other than the parameters'.
  Arena& arena() noexcept { return arena_; }
  /// Null where kernels run on the CPU.
  kernels::Device* device() const noexcept { return arena_.device(); }
  /// The kernels that run on the host; on a device Backend::cpu.
  Backend backend() const noexcept { return backend_; }
  /// Null where the host's part runs on the calling thread alone.
  ThreadPool* pool() const noexcept;

  /// Runs one kernel, e.g. launch<float>(&kernels::KernelTable<float>::affine, {...}).
  template <class T, class Args>
  void launch(void (*kernels::KernelTable<T>::*kernel)(kernels::Launcher&, const Args&),
              const std::type_identity_t<Args>& args) {
    device_call([&] { (table<T>().*kernel)(launcher(), args); });
    release_scratch();
  }
  /// Runs a kernel that is in no table, for example a user's own.
  template <class Args>
  void launch(void (*kernel)(kernels::Launcher&, const Args&),
              const std::type_identity_t<Args>& args) {
    device_call([&] { kernel(launcher(), args); });
    release_scratch();
  }

  /// Runs `work`, in which kernels of a device may defer sums, and then finishes all of them in one
  /// launch. Must not be nested.
  void collect_sums(kernels::FunctionRef<void()> work);
  /// Where kernels may defer sums that nothing reads before collect_sums() ends. Null outside
  /// collect_sums() and on the CPU.
  template <class T>
  kernels::DeferredSums<T>* deferred_sums() noexcept {
    return collects_ ? &std::get<kernels::DeferredSums<T>>(deferred_sums_) : nullptr;
  }

  /// Sets bytes to zero, in order with the launches of kernels.
  void set_zero(void* memory, std::size_t bytes);

  /// Resets step memory, and records what `work` gives the device instead of running it. The same
  /// step must have run once before, so that neither step nor scratch memory has to grow. The
  /// result keeps both alive, even if the context later runs larger steps. Throws Error(usage) on
  /// the CPU.
  CapturedStep capture(kernels::FunctionRef<void()> work);

 private:
  class ContextLauncher;
  template <class T>
  const kernels::KernelTable<T>& table() const noexcept {
    if constexpr (std::is_same_v<T, float>) {
      return floats_;
    } else {
      return doubles_;
    }
  }
  kernels::Launcher& launcher();
  template <class T>
  void finish_sums();
  void release_scratch();

  Backend backend_ = Backend::cpu;
  const kernels::KernelTable<float>& floats_;
  const kernels::KernelTable<double>& doubles_;
  Arena arena_;
  std::unique_ptr<ContextLauncher> launcher_;
  bool collects_ = false;
  std::tuple<kernels::DeferredSums<float>, kernels::DeferredSums<double>> deferred_sums_;
};

}  // namespace pisr
