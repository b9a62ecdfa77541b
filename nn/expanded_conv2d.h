#pragma once

#include "core/ops.h"
#include "kernels/export.h"
#include "nn/module.h"

namespace pisr {

/// What an ExpandedConv2d is made of.
struct ExpandedConv2dOptions {
  int expanded_channels = 64;  ///< between the two convolutions
  bool with_identity = false;  ///< as many channels in as out; of an odd kernel
  int slopes = 0;              ///< of a PReLU behind it: one, or one a channel; 0: no PReLU
  Conv2dOptions convolution;   ///< without groups
};

/// A convolution that is trained as two without anything between them, k x k to many channels and
/// 1 x 1 to those of the result, which train better than the one that they are equal to (Bhardwaj
/// et al., "Collapsible linear blocks", MLSys 2022). Their kernels are multiplied before each use,
/// so a step costs one convolution and a small matrix product:
///   kernel = projection expansion, plus the identity where that is wanted
/// Parameters: "expansion" [expanded, in, k, k], "projection" [out, expanded, 1, 1], the constant
/// "identity" [out, in, k, k] where it is wanted, "bias" [out], "slope" [slopes] where there is a
/// PReLU.
class PISR_CORE_API ExpandedConv2d final : public Layer {
 public:
  /// Throws Error(usage) for sizes that no layer can have.
  ExpandedConv2d(int in_channels, int out_channels, int kernel,
                 const ExpandedConv2dOptions& options);
  Variable operator()(const Variable& x) const override;

  /// The kernel of the one convolution [out, in, k, k], differentiable.
  Variable merged_weight(Tape& tape) const;
  /// Sets a Conv2d or Conv2dPrelu of the same sizes to the same function: the same bits in every
  /// result on the same back end. Throws ShapeError for another one.
  void merge_into(Layer& layer) const;

 private:
  ExpandedConv2dOptions options_;
  Shape shape_;  ///< of the one kernel
  const Parameter& expansion_;
  const Parameter& projection_;
  const Parameter* identity_ = nullptr;
  const Parameter& bias_;
  const Parameter* slope_ = nullptr;
};

}  // namespace pisr
