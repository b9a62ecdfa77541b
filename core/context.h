#pragma once

#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/arena.h"
#include "core/device_call.h"
#include "core/parallel.h"
#include "kernels/table.h"

namespace pisr {

/// Which set of kernels runs on the host.
enum class Backend {
  cpu,    ///< our own, vectorised
  eigen,  ///< convolutions as products of matrices by Eigen (kernels/eigen/eigen.h)
  naive,  ///< the slow truth that tests compare with
};

/// Work of a device that can be repeated, with all the memory it uses that is not a tensor of its
/// own.
class CapturedStep {
 public:
  CapturedStep(std::unique_ptr<kernels::CapturedWork> work,
               std::vector<std::shared_ptr<void>> memory)
      : memory_(std::move(memory)), work_(std::move(work)) {}
  /// Queues all of it, behind what the device was given before. Step memory of the context holds
  /// then what the captured step left there.
  void replay() {
    device_call([&] { work_->replay(); });
  }

 private:
  std::vector<std::shared_ptr<void>> memory_;
  std::unique_ptr<kernels::CapturedWork> work_;
};

/// Where operations run: kernels, the threads they may use, and the memory of a step. To be used by
/// one thread at a time; several threads take a context each. What a device refuses is
/// Error(device).
class Context {
 public:
  /// Runs kernels on the calling thread alone.
  explicit Context(Backend backend = Backend::cpu);
  /// Runs kernels on `pool`, which must outlive the context.
  explicit Context(ThreadPool& pool, Backend backend = Backend::cpu);
  /// Runs kernels on `device`, which must outlive the context. The memory of a step is the
  /// device's then, and operands have to lie there.
  explicit Context(kernels::Device& device);
  /// On `device`, or where it is null on `pool` with the kernels of `backend`.
  Context(ThreadPool& pool, kernels::Device* device, Backend backend = Backend::cpu);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// Memory of the current step: results, saved values and gradients that are not parameters'.
  Arena& arena() noexcept { return arena_; }
  /// Null where kernels run on the CPU.
  kernels::Device* device() const noexcept { return arena_.device(); }

  /// Runs one kernel, e.g. launch<float>(&kernels::KernelTable<float>::affine, {...}).
  template <class T, class Args>
  void launch(void (*kernels::KernelTable<T>::*kernel)(kernels::Launcher&, const Args&),
              const std::type_identity_t<Args>& args) {
    device_call([&] { (table<T>().*kernel)(launcher(), args); });
    release_scratch();
  }
  /// Runs a kernel that is in no table, such as a user's own.
  template <class Args>
  void launch(void (*kernel)(kernels::Launcher&, const Args&),
              const std::type_identity_t<Args>& args) {
    device_call([&] { kernel(launcher(), args); });
    release_scratch();
  }

  /// Runs `work`, in which deferred_sums() collects what kernels of a device leave, and finishes
  /// that in one launch. Not to be nested.
  void collect_sums(kernels::FunctionRef<void()> work);
  /// Where kernels may leave sums that nothing reads before collect_sums() ends; null where nothing
  /// is collected, and on the CPU.
  template <class T>
  kernels::DeferredSums<T>* deferred_sums() noexcept {
    return collects_ ? &std::get<kernels::DeferredSums<T>>(late_sums_) : nullptr;
  }

  /// Makes bytes that kernels use 0, in the order of their launches.
  void set_zero(void* memory, std::size_t bytes);

  /// Takes step memory back, and records the work that `work` gives a device instead of doing it.
  /// The same step must have run once before, so that neither step nor scratch memory has to grow;
  /// the result keeps both, even where the context goes on to larger steps. Error usage on the CPU.
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
  kernels::Launcher& launcher() noexcept;
  template <class T>
  void finish_sums();
  void release_scratch();

  const kernels::KernelTable<float>& floats_;
  const kernels::KernelTable<double>& doubles_;
  Arena arena_;
  std::unique_ptr<ContextLauncher> launcher_;
  bool collects_ = false;
  std::tuple<kernels::DeferredSums<float>, kernels::DeferredSums<double>> late_sums_;
};

}  // namespace pisr
