#pragma once

#include <cstddef>

#include "kernels/launcher.h"

namespace pisr::kernels {

/// Memory that outlives a launch, for what a kernel makes of weights that never change again, such
/// as the same weights in another order or rounded. The first launch fills it; later launches of
/// the same kernel with the same weights read it.
class WeightCache {
 public:
  virtual ~WeightCache() = default;
  /// `bytes` of memory of the device, aligned to 256 bytes; every call must ask for as many. The
  /// first call, which must not come while work is captured, sets is_new: the caller fills the
  /// memory.
  virtual void* memory(std::size_t bytes, bool& is_new) = 0;
};

/// The `count` numbers that fill(T*) makes of a weight: once in `cache`, or for this launch in
/// scratch memory where that is null.
template <class T, class Fill>
T* prepare(Launcher& launcher, WeightCache* cache, std::size_t count, const Fill& fill) {
  bool is_new = true;
  T* const memory = cache == nullptr ? launcher.scratch_array<T>(count)
                                     : static_cast<T*>(cache->memory(count * sizeof(T), is_new));
  if (is_new) {
    fill(memory);
  }
  return memory;
}

/// The weight of a launch.
template <class T>
struct Weight {
  const T* values;
  WeightCache* cache = nullptr;  ///< for these values; may be null
};

}  // namespace pisr::kernels
