#include "nn/conv_chain.h"

#include <limits>
#include <string>

#include "core/error.h"
#include "nn/module.h"

namespace pisr {
namespace {

using kernels::ActivationKind;
using kernels::ChainStage;
using kernels::ConvSizes;

int extent(std::int64_t value) {
  if (value > std::numeric_limits<int>::max()) {
    throw ShapeError(message("conv_chain: an extent of ", value, " is too large"));
  }
  return static_cast<int>(value);
}

[[noreturn]] void refuse(std::size_t index, const std::string& text, const Shape& x,
                         const Shape& weight) {
  throw ShapeError(message("conv_chain: convolution ", index, ' ', text, " (input ", x, ", weight ",
                           weight, ")"));
}

ConvSizes sizes_of(const ConvChain::Stage& stage, std::size_t index, const Shape& x) {
  const Shape& weight = stage.weight->value.shape();
  const std::int64_t wanted = stage.transposed ? weight[0] : weight[1] * stage.groups;
  if (x.rank() != 4 || x[1] != wanted) {
    refuse(index, message("wants an input [n, ", wanted, ", h, w]"), x, weight);
  }
  const auto out_extent = [&](int axis) {
    const std::int64_t in = x[axis];
    const std::int64_t kernel = weight[axis];
    const std::int64_t both = 2 * std::int64_t{stage.padding};
    if (!stage.transposed && in + both < kernel) {
      refuse(index, "has a kernel larger than its padded input", x, weight);
    }
    const std::int64_t out = stage.transposed
                                 ? (in - 1) * stage.stride - both + kernel + stage.output_padding
                                 : (in + both - kernel) / stage.stride + 1;
    if (out < 1) {
      refuse(index, "has a padding that leaves nothing of its output", x, weight);
    }
    return extent(out);
  };
  ConvSizes sizes;
  sizes.batch = x[0];
  sizes.in_channels = extent(x[1]);
  sizes.in_height = extent(x[2]);
  sizes.in_width = extent(x[3]);
  sizes.out_channels = extent(stage.transposed ? weight[1] * stage.groups : weight[0]);
  sizes.out_height = out_extent(2);
  sizes.out_width = out_extent(3);
  sizes.kernel_height = extent(weight[2]);
  sizes.kernel_width = extent(weight[3]);
  sizes.stride = stage.stride;
  sizes.padding = stage.padding;
  sizes.groups = stage.groups;
  sizes.padding_mode = stage.padding_mode;
  return sizes;
}

Shape output_of(const ConvSizes& sizes) {
  return {sizes.batch, sizes.out_channels, sizes.out_height, sizes.out_width};
}

template <class T>
ChainStage<T> kernel_stage(const ConvChain::Stage& stage, const ConvSizes& sizes) {
  ChainStage<T> result{sizes, stage.transposed, stage.weight->value.data<T>(), nullptr, {}};
  if (stage.bias != nullptr) {
    result.bias = stage.bias->value.data<T>();
  }
  if (stage.slope != nullptr) {
    const Tensor& slope = stage.slope->value;
    result.activation = {ActivationKind::prelu, slope.data<T>(), static_cast<int>(slope.count())};
  }
  return result;
}

}  // namespace

ConvChain& ConvChain::append(const Layer& layer) {
  layer.append_to(*this);
  return *this;
}

void ConvChain::add_prelu(const Parameter& slope) {
  if (stages_.empty() || stages_.back().slope != nullptr) {
    throw Error(ErrorKind::usage, "conv_chain: a PReLU wants a convolution right before it");
  }
  const Stage& last = stages_.back();
  const Shape& weight = last.weight->value.shape();
  const std::int64_t channels = last.transposed ? weight[1] * last.groups : weight[0];
  const std::int64_t slopes = slope.value.count();
  if (slopes != 1 && slopes != channels) {
    throw ShapeError(message("conv_chain: PReLU wants 1 slope or one for each of the ", channels,
                             " channels, got ", slopes));
  }
  stages_.back().slope = &slope;
}

Shape ConvChain::output_shape(const Shape& input) const {
  Shape shape = input;
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    shape = output_of(sizes_of(stages_[i], i, shape));
  }
  return shape;
}

void ConvChain::run(Context& context, const Tensor& x, const Tensor& y) const {
  if (stages_.empty()) {
    throw Error(ErrorKind::usage, "conv_chain: wants at least one convolution");
  }
  const Shape wanted = output_shape(x.shape());
  if (!(y.shape() == wanted) || x.dtype() != y.dtype() ||
      x.dtype() != stages_.front().weight->value.dtype()) {
    throw ShapeError(
        message("conv_chain: wants input and output of the parameters' type and an "
                "output ",
                wanted, ", got input ", x, " and output ", y));
  }
  with_type(x.dtype(), [&]<class T>() {
    auto* const stages = static_cast<ChainStage<T>*>(
        context.arena().allocate(stages_.size() * sizeof(ChainStage<T>)));
    Shape shape = x.shape();
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      const ConvSizes sizes = sizes_of(stages_[i], i, shape);
      stages[i] = kernel_stage<T>(stages_[i], sizes);
      shape = output_of(sizes);
    }
    context.launch(&kernels::KernelTable<T>::conv_chain,
                   {stages, static_cast<int>(stages_.size()), x.data<T>(), y.data<T>()});
  });
}

}  // namespace pisr
