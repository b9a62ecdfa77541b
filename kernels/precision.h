#pragma once

namespace pisr::kernels {

/// The precision in which a device multiplies. Values are stored and added in float.
enum class Precision {
  fp32,  ///< the reference
  tf32,  ///< convolutions round their factors to TF32, a mantissa of 10 bits (tensor cores)
  /// As tf32, but `conv_chain` computes FSRCNN(56, 12, 4) from input to output in one kernel that
  /// rounds weights and activations to half precision: those beyond 65504 become infinite.
  fp16,
};

}  // namespace pisr::kernels
