#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/context.h"
#include "core/ops.h"
#include "core/tensor.h"
#include "core/weight_cache.h"
#include "kernels/export.h"

namespace pisr {

class Layer;

/// A network for inference that is a chain of convolutions, each with an optional activation
/// (PReLU, LeakyReLU or ReLU). One kernel computes all of it, and keeps the maps between two layers
/// in pieces that stay in the cache. Beside input and output, memory does not grow with the height
/// of the image if only the first convolution has a stride or replicate padding, and only the last
/// is transposed with a stride.
///
/// Results have the bits of the layers applied one by one, for any number of threads.
///
/// The parameters are copies, made when a layer is added, and lie where the layer's do. Nothing can
/// change them, so a device reorders the weights in the first run and keeps them. The chain must
/// outlive device work captured from a run.
class PISR_CORE_API ConvChain {
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

  /// Adds the layers of `layer`. Throws Error(usage) where one cannot be part of a chain.
  ConvChain& append(const Layer& layer);
  /// Adds copies of the stages of another chain.
  ConvChain& append(const ConvChain& chain);

  /// Adds a copy.
  void add(Stage stage);
  /// Adds a PReLU with a copy of `slope` to the last convolution. Throws Error(usage) where there
  /// is no convolution, or it has one already.
  void add_prelu(const Tensor& slope);
  /// The same for the other activations; a LeakyReLU is a PReLU whose one slope is constant.
  void add_leaky_relu(double slope);
  void add_relu();

  /// Shape of the result for an input [n, c, h, w]. Throws ShapeError where a layer cannot take its
  /// input.
  Shape output_shape(const Shape& input) const;

  /// Computes y [output_shape(x.shape())] from x [n, c, h, w]; both have the parameters' type and
  /// lie where the context runs. Allocates only step memory of the context.
  void run(Context& context, const Tensor& x, const Tensor& y) const;
  /// The same where only the rows [first, past) of y are wanted; others may hold anything. Throws
  /// ShapeError where y has not these rows.
  void run_rows(Context& context, const Tensor& x, const Tensor& y, std::int64_t first,
                std::int64_t past) const;

 private:
  Stage& stage_to_activate(const char* activation);

  std::vector<Stage> stages_;
  // One for the weight of each stage, and one for the chain as a whole; null on the CPU.
  std::vector<std::unique_ptr<WeightCache>> weight_caches_;
  std::unique_ptr<WeightCache> chain_cache_;
};

}  // namespace pisr
