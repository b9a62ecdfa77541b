#pragma once

#include <cstdint>

#include "kernels/export.h"
#include "nn/module.h"

namespace pisr {

enum class Initialisation {
  /// PyTorch's: weights and biases uniform in +-1 / sqrt(fan_in), where a transposed convolution's
  /// fan_in is out_channels / groups * kernel^2.
  uniform,
  /// He et al., "Delving deep into rectifiers" (ICCV 2015): weights normal with variance
  /// 2 / ((1 + 0.25^2) fan_in), linear ones with variance 1 / fan_in, those of transposed
  /// convolutions normal with standard deviation 0.001, biases 0.
  he,
};

/// Sets every parameter below `module` but constants: as `initialisation` says, PReLU slopes to
/// 0.25, the n shares of a mean to 1 / n. Parameter i (in the order of parameters()) is drawn from
/// Random(seed, RandomUse::init, i), so its values do not depend on the machine, nor on the element
/// type but for rounding.
PISR_CORE_API void initialise(Module& module, std::uint64_t seed,
                              Initialisation initialisation = Initialisation::uniform);

/// Sets weight and bias of the last layer to 0: of the last parameter that is the weight of a
/// convolution, and of the biases behind it.
PISR_CORE_API void zero_last_layer(Module& module);

/// Makes the first `channels` outputs of each convolution below `chain` copies of its first inputs:
/// a 1 in the middle of the kernel, otherwise 0, bias 0. A chain of convolutions with odd kernels
/// and activations that keep what is not negative then hands such an input on unchanged. Other
/// outputs and the weights of transposed convolutions stay as they are.
PISR_CORE_API void pass_channels_on(Module& chain, int channels);

/// Makes weight [in, channels, k, k] of a transposed convolution with that stride and padding
/// enlarge its first `channels` inputs by interpolation: Keys's cubic with a = -1/2 where it fits
/// into the kernel, otherwise linear, cut off at the kernel. All other inputs have weight 0.
PISR_CORE_API void set_interpolation(const Tensor& weight, int stride, int padding);

}  // namespace pisr
