#pragma once

#include <string>

#include "pisr/export/facts.h"
#include "pisr/export/graph.h"

namespace pisr {

/// How the graph is written.
struct OnnxOptions {
  /// Whether transposed convolutions become one convolution and depth to space, which runs
  /// everywhere, instead of ConvTranspose. The numbers are the same.
  bool depth_to_space = true;
  /// Whether the input is [1, height, width, 1], as OpenCV's dnn_superres gives it, instead of
  /// [1, c, height, width].
  bool channels_last = false;
};

/// A file of the Open Neural Network Exchange: float32 "input" [1, c, height, width] to "output"
/// [1, c, scale height, scale width], values in 0..1, opset 13. The facts are its metadata and its
/// description.
///
/// Throws Error(usage) naming the operation for a network with one that has no counterpart, and for
/// channels_last where the network is not on luminance.
std::string onnx_file(const SrNetwork& network, const Facts& facts, const OnnxOptions& options);

}  // namespace pisr
