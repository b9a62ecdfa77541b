#pragma once

namespace pisr::kernels {

/// With what numbers a device multiplies. Everything is stored, and all sums are made, in float.
enum class Precision {
  fp32,  ///< the reference
  tf32,  ///< convolutions round what they multiply to 10 bits after the point (TF32 tensor cores)
  /// As tf32, but `conv_chain` computes FSRCNN(56, 12, 4) from input to output in one kernel that
  /// rounds weights and activations to half precision: those beyond 65504 become infinite.
  fp16,
};

}  // namespace pisr::kernels
