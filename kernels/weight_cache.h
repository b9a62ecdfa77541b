#pragma once

#include <cstddef>

#include "kernels/launcher.h"

namespace pisr::kernels {

/// Memory that outlives a launch, for what a kernel makes of weights that never change again: the
/// same in another order, or rounded. The first launch fills it, later ones of the same kernel and
/// the same weights find it there.
class WeightCache {
 public:
  virtual ~WeightCache() = default;
  /// `bytes` of memory of the device, aligned to 256; always as many. Those of the first call,
  /// which must not come while work is captured, are to be filled: `is_new`.
  virtual void* memory(std::size_t bytes, bool& is_new) = 0;
};

/// What fill(T*) makes of a weight, `count` numbers: made once where `prepared` is not null, else
/// in scratch memory.
template <class T, class Fill>
T* prepare(Launcher& launcher, WeightCache* prepared, std::size_t count, const Fill& fill) {
  bool is_new = true;
  T* const memory = prepared == nullptr
                        ? launcher.scratch_array<T>(count)
                        : static_cast<T*>(prepared->memory(count * sizeof(T), is_new));
  if (is_new) {
    fill(memory);
  }
  return memory;
}

/// The weight of a launch.
template <class T>
struct Weight {
  const T* values;
  WeightCache* prepared = nullptr;  ///< of these values; may be null
};

}  // namespace pisr::kernels
