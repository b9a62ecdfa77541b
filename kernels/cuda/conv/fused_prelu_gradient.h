#pragma once

#include <cstddef>

#include "kernels/conv_args.h"
#include "kernels/cuda/language.h"
#include "kernels/deferred_sum.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// The gradient of a PReLU behind a convolution, fused into the kernel of the weight gradient,
/// which computes dz as it loads dy.
template <class T>
struct FusedPreluGradient {
  const T* before;
  const T* slope;
  bool slope_per_channel;
  T* dz;             ///< null where it is not wanted
  double* of_slope;  ///< partial sums [parts, channels] of dslope, in scratch memory
  double* of_bias;   ///< the same of dbias

  __device__ T slope_of(int channel) const { return slope[slope_per_channel ? channel : 0]; }
};

template <class T>
FusedPreluGradient<T> fused_prelu_gradient(Launcher& launcher, const ConvPreluBackwardArgs<T>& args,
                                           int parts) {
  const auto sums = static_cast<std::size_t>(parts) * args.conv.sizes.out_channels;
  return {args.before,
          args.slope,
          args.slopes != 1,
          args.wants_dz ? args.dz : nullptr,
          launcher.scratch_array<double>(sums),
          launcher.scratch_array<double>(sums)};
}

/// The sums over the parts, which are still to be finished.
template <class T>
DeferredSums<T> deferred_prelu_sums(const FusedPreluGradient<T>& prelu,
                                    const ConvPreluBackwardArgs<T>& args, int parts) {
  const int channels = args.conv.sizes.out_channels;
  DeferredSums<T> deferred;
  if (args.dslope != nullptr) {
    deferred.push_back({args.dslope, args.dslope_store, nullptr, prelu.of_slope, parts, args.slopes,
                        channels / args.slopes});
  }
  if (args.conv.dbias != nullptr) {
    deferred.push_back(
        {args.conv.dbias, args.conv.dbias_store, nullptr, prelu.of_bias, parts, channels});
  }
  return deferred;
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
