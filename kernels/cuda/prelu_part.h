#pragma once

#include <cstddef>

#include "kernels/conv_args.h"
#include "kernels/cuda/runtime/language.h"
#include "kernels/deferred_sum.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// What a PReLU behind a convolution adds to the kernel of the weight's gradient, which computes dz
/// as it loads dy.
template <class T>
struct PreluPart {
  const T* before;
  const T* slope;
  bool slope_per_channel;
  T* dz;             ///< null where nobody wants it
  double* of_slope;  ///< [parts, channels], scratch memory
  double* of_bias;   ///< the same

  __device__ T slope_of(int channel) const { return slope[slope_per_channel ? channel : 0]; }
};

template <class T>
PreluPart<T> prelu_part(Launcher& launcher, const ConvPreluBackwardArgs<T>& args, int parts) {
  const auto sums = static_cast<std::size_t>(parts) * args.conv.sizes.out_channels;
  return {args.before,
          args.slope,
          args.slopes != 1,
          args.wants_dz ? args.dz : nullptr,
          launcher.scratch_array<double>(sums),
          launcher.scratch_array<double>(sums)};
}

/// The sums of the parts that are still to be added up.
template <class T>
DeferredSums<T> late_prelu_sums(const PreluPart<T>& prelu, const ConvPreluBackwardArgs<T>& args,
                                int parts) {
  const int channels = args.conv.sizes.out_channels;
  DeferredSums<T> late;
  if (args.dslope != nullptr) {
    late.push_back({args.dslope, args.dslope_store, nullptr, prelu.of_slope, parts, args.slopes,
                    channels / args.slopes});
  }
  if (args.conv.dbias != nullptr) {
    late.push_back(
        {args.conv.dbias, args.conv.dbias_store, nullptr, prelu.of_bias, parts, channels});
  }
  return late;
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
