#pragma once

#include <cstdint>
#include <vector>

#include "kernels/store.h"

namespace pisr::kernels {

/// Sums that a kernel has computed in parts and left to finish_sums, in its scratch memory: result
/// i is the sum of parts[(run results + i) terms + term] over all runs and terms.
template <class T>
struct LateSum {
  T* target;
  Store store;
  const T* parts;
  const double* exact_parts;  ///< where `parts` is null
  std::int64_t runs, results, terms = 1;
};

/// Where a kernel may leave sums. Their parts must stay until finish_sums.
template <class T>
using LateSums = std::vector<LateSum<T>>;

/// Finishes sums, one after the other where they have one target. The list lies in the host's
/// memory.
template <class T>
struct FinishSumsArgs {
  std::int64_t count;
  const LateSum<T>* sums;
};

/// finish_sums of the back ends that leave no sums themselves.
template <class T>
void finish_sums_of(const FinishSumsArgs<T>& args) {
  for (const LateSum<T>* sum = args.sums; sum != args.sums + args.count; ++sum) {
    for (std::int64_t i = 0; i < sum->results; ++i) {
      T& target = sum->target[i];
      double total = sum->store == Store::add ? static_cast<double>(target) : 0;
      for (std::int64_t run = 0; run < sum->runs; ++run) {
        for (std::int64_t term = 0; term < sum->terms; ++term) {
          const std::int64_t at = (run * sum->results + i) * sum->terms + term;
          total += sum->parts == nullptr ? sum->exact_parts[at] : sum->parts[at];
        }
      }
      target = static_cast<T>(total);
    }
  }
}

}  // namespace pisr::kernels
