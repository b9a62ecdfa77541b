#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/ops.h"
#include "kernels/export.h"
#include "nn/module.h"

namespace pisr {

/// Convolution with a square kernel: "weight" [out, in / groups, kernel, kernel] and "bias" [out].
class PISR_CORE_API Conv2d final : public Layer {
 public:
  Conv2d(int in_channels, int out_channels, int kernel, Conv2dOptions options = {},
         bool with_bias = true);
  Variable operator()(const Variable& x) const override;
  /// relu() and leaky_relu() of the result, where nothing is recorded in the same pass.
  Variable relu(const Variable& x) const;
  Variable leaky_relu(const Variable& x, double slope) const;
  void append_to(ConvChain& chain) const override;

  const Parameter& weight;
  const Parameter* bias;  ///< null without one

 private:
  Conv2d(const Shape& shape, int out_channels, const Conv2dOptions& options, bool with_bias);
  Conv2dOptions options_;
};

/// Transposed convolution: "weight" [in, out / groups, kernel, kernel] and "bias" [out].
class PISR_CORE_API ConvTranspose2d final : public Layer {
 public:
  ConvTranspose2d(int in_channels, int out_channels, int kernel,
                  ConvTranspose2dOptions options = {}, bool with_bias = true);
  Variable operator()(const Variable& x) const override;
  void append_to(ConvChain& chain) const override;

  const Parameter& weight;
  const Parameter* bias;  ///< null without one

 private:
  ConvTranspose2d(const Shape& shape, int out_channels, const ConvTranspose2dOptions& options,
                  bool with_bias);
  ConvTranspose2dOptions options_;
};

/// max(x, 0) + slope min(x, 0) with "slope" [slopes]: 1 for the whole layer, or one per channel.
class PISR_CORE_API Prelu final : public Layer {
 public:
  explicit Prelu(int slopes = 1);
  Variable operator()(const Variable& x) const override;
  void append_to(ConvChain& chain) const override;

  const Parameter& slope;
};

/// max(x, 0) + slope min(x, 0) with a fixed slope: no parameters.
class PISR_CORE_API LeakyRelu final : public Layer {
 public:
  /// Error usage for a slope that is not finite.
  explicit LeakyRelu(double slope);
  Variable operator()(const Variable& x) const override;
  void append_to(ConvChain& chain) const override;

 private:
  double slope_;
};

/// max(x, 0)
class PISR_CORE_API Relu final : public Layer {
 public:
  Variable operator()(const Variable& x) const override;
  void append_to(ConvChain& chain) const override;
};

/// Convolution followed by PReLU, as one layer with "weight", "bias" and "slope" [slopes].
class PISR_CORE_API Conv2dPrelu final : public Layer {
 public:
  Conv2dPrelu(int in_channels, int out_channels, int kernel, Conv2dOptions options = {},
              int slopes = 1);
  Variable operator()(const Variable& x) const override;
  void append_to(ConvChain& chain) const override;

  const Parameter& weight;
  const Parameter& bias;
  const Parameter& slope;

 private:
  Conv2dPrelu(const Shape& shape, const Conv2dOptions& options, int slopes);
  Conv2dOptions options_;
};

/// Layers one after another, named "0", "1", ...
class PISR_CORE_API Sequential final : public Layer {
 public:
  Sequential() = default;

  /// Constructs a layer at the end.
  template <class Kind, class... Arguments>
  Kind& add(Arguments&&... arguments) {
    auto layer = std::make_unique<Kind>(std::forward<Arguments>(arguments)...);
    Kind& added = *layer;
    add_child(std::to_string(layers_.size()), added);
    layers_.push_back(std::move(layer));
    return added;
  }
  std::size_t size() const noexcept { return layers_.size(); }
  Variable operator()(const Variable& x) const override;
  void append_to(ConvChain& chain) const override;

 private:
  std::vector<std::unique_ptr<Layer>> layers_;
};

}  // namespace pisr
