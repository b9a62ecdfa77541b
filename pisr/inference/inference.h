#pragma once

#include <optional>

#include "core/context.h"
#include "core/tape.h"
#include "nn/conv_chain.h"
#include "pisr/image/image.h"
#include "pisr/model/network.h"

namespace pisr {

/// Runs a model on luminance, or on RGB where its channels are 3, image after image. The model sees
/// 0..1 and f32, or f64 where it was
/// converted. A chain of convolutions needs memory for its input and output and a few rows
/// (nn/conv_chain.h); another model runs layer by layer, so that all its maps are in memory at
/// once, and so does every model on a device, where its parameters have to be too. From the second
/// image of a size on nothing is allocated. The result has the bits of ImageModel::image, for any
/// number of threads.
class Inference {
 public:
  /// Keeps references to the context, whose step memory is reset by each image, and to the model. A
  /// chain has a copy of the parameters of now, which a device puts in order in the first run.
  Inference(Context& context, const ImageModel& model);

  /// `input` [h, w, c] on 0..255, c the model's channels: the low-resolution image, or the truth
  /// for a model that sees it, then with sides that are multiples of the scale. `output` [h scale,
  /// w scale, c], or [h, w, c], on 0..255, neither clamped nor rounded; its memory is reused where
  /// it is large enough. Throws Error usage for an empty plane or one of other channels, numeric
  /// where an output is not finite.
  void run(const Plane& input, Plane& output);

 private:
  Context& context_;
  const ImageModel& model_;
  DType dtype_;
  std::optional<ConvChain> chain_;
  Tape tape_;
};

/// One image.
Plane infer(Context& context, const ImageModel& model, const Plane& input);

}  // namespace pisr
