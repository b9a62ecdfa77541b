#pragma once

#include <vector>

#include "core/tensor.h"
#include "pisr/export/graph.h"

namespace pisr {

/// What follows a convolution at each pixel by itself.
struct PointwiseStep {
  enum class Kind {
    prelu,   ///< max(x, 0) + slope min(x, 0)
    affine,  ///< factor x + offset
    add,     ///< x + the map
  };
  Kind kind = Kind::prelu;
  std::vector<float> slopes;  ///< of prelu, one for each channel
  float factor = 1, offset = 0;
  int map = 0;  ///< of add; where it is the image, its luminance for each channel
};

/// A convolution with stride 1 whose result has the size of its input, and what follows it.
struct PlannedLayer {
  int input = 0;            ///< a map
  Tensor weight;            ///< [out, in, kh, kw]
  std::vector<float> bias;  ///< one for each output
  int before = 0;           ///< rows and columns that it reads above and at the left of a pixel
  bool replicate = false;   ///< whether it sees the border repeated around its input, or zeros
  std::vector<PointwiseStep> steps;

  int in_channels() const { return static_cast<int>(weight.shape()[1]); }
  int out_channels() const { return static_cast<int>(weight.shape()[0]); }
  int kernel() const { return static_cast<int>(weight.shape()[2]); }
  bool is_pointwise() const { return kernel() == 1; }
};

/// A network on luminance whose maps all have the size of the image: layers one after the other,
/// of which the last has scale^2 channels that depth to space spreads to the result. Map 0 is the
/// image, map i the result of layer i - 1.
struct ConvPlan {
  int scale = 2;
  std::vector<PlannedLayer> layers;

  /// Whether layer `index` is the only one that reads map `index`, the result of the one before.
  bool is_read_by_next_alone(std::size_t index) const;
};

/// Finds the layers of a network: convolutions, PReLU, LeakyReLU and ReLU, sums of maps, and one
/// enlargement by depth to space or a transposed convolution, which is last. Throws Error(usage)
/// naming the operation for anything else, and for networks on RGB.
ConvPlan plan_of(const SrNetwork& network);

}  // namespace pisr
