#pragma once

#include <cstddef>
#include <vector>

#include "kernels/conv_args.h"

namespace pisr::kernels::naive {

/// Rounds a result once, from double to the element type, and stores it.
template <class T>
void store(T& target, double value, Store how) {
  target = static_cast<T>(how == Store::add ? static_cast<double>(target) + value : value);
}

/// Stores all of `values`; a null target takes none.
template <class T>
void store_all(T* target, const std::vector<double>& values, Store how) {
  if (target == nullptr) {
    return;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    store(target[i], values[i], how);
  }
}

}  // namespace pisr::kernels::naive
