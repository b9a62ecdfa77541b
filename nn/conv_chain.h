#pragma once

#include <memory>
#include <vector>

#include "core/context.h"
#include "core/ops.h"
#include "core/tensor.h"
#include "core/weight_cache.h"

namespace pisr {

class Layer;

/// A network that is a chain of convolutions, each with an optional activation behind it (PReLU,
/// LeakyReLU or ReLU), for inference: all of it is one kernel, which keeps what lies between two
/// layers in pieces that stay in the cache. Memory beside input and output does not grow with the
/// height of the image as long as no convolution but the first has a stride or replicate padding
/// and none but the last is transposed with a stride.
///
/// Results have the bits of the layers applied one by one, for any number of threads.
///
/// The parameters are copies of those that the layers had when they were added, and lie where those
/// did. Nothing can change them, so what a device makes of them, such as weights in another order,
/// is made in the first run and kept. A device's work that was captured from a run needs the chain.
class ConvChain {
 public:
  /// A convolution.
  struct Stage {
    bool transposed = false;
    Tensor weight;
    Tensor bias;        ///< undefined without one
    Tensor slope;       ///< of the PReLU or LeakyReLU behind it; undefined without one
    bool relu = false;  ///< a ReLU behind it
    int stride = 1, padding = 0, output_padding = 0, groups = 1;
    PaddingMode padding_mode = PaddingMode::zero;
  };

  /// Adds the layers of `layer`; Error usage where one cannot be part of a chain.
  ConvChain& append(const Layer& layer);
  /// Adds copies of the stages of another chain.
  ConvChain& append(const ConvChain& chain);

  /// Adds a copy.
  void add(Stage stage);
  /// Puts a PReLU with a copy of `slope` behind the last convolution; Error usage where there is
  /// none, or one already.
  void add_prelu(const Tensor& slope);
  /// The same for the other activations; a LeakyReLU is a PReLU whose one slope is constant.
  void add_leaky_relu(double slope);
  void add_relu();

  /// Of the result for an input [n, c, h, w]; ShapeError where a layer cannot take what it gets.
  Shape output_shape(const Shape& input) const;

  /// Computes y [output_shape(x.shape())] from x [n, c, h, w], both of the parameters' type and
  /// where the context runs. Allocates nothing but step memory of the context.
  void run(Context& context, const Tensor& x, const Tensor& y) const;

 private:
  Stage& stage_to_activate(const char* activation);

  std::vector<Stage> stages_;
  // Of the weight of each stage, and of all that the stages have; null on the CPU.
  std::vector<std::unique_ptr<WeightCache>> weight_caches_;
  std::unique_ptr<WeightCache> prepared_;
};

}  // namespace pisr
