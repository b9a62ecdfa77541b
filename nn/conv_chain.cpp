#include "nn/conv_chain.h"

#include <string>
#include <utility>

#include "core/conv_sizes.h"
#include "core/error.h"
#include "nn/module.h"

namespace pisr {
namespace {

using kernels::ActivationKind;
using kernels::ChainStage;
using kernels::ConvSizes;

constexpr const char* kOp = "conv_chain";

[[noreturn]] void refuse(std::size_t index, const std::string& text, const Shape& x,
                         const Shape& weight) {
  throw ShapeError(
      message(kOp, ": convolution ", index, ' ', text, " (input ", x, ", weight ", weight, ")"));
}

ConvSizes sizes_of(const ConvChain::Stage& stage, std::size_t index, const Shape& x) {
  const Shape& weight = stage.weight.shape();
  const std::int64_t wanted = stage.transposed ? weight[0] : weight[1] * stage.groups;
  if (x.rank() != 4 || x[1] != wanted) {
    refuse(index, message("takes an input [n, ", wanted, ", h, w]"), x, weight);
  }
  const ConvSizes sizes =
      stage.transposed
          ? conv_transpose2d_sizes(
                kOp, x, weight, {stage.stride, stage.padding, stage.output_padding, stage.groups})
          : conv2d_sizes(kOp, x, weight,
                         {stage.stride, stage.padding, stage.groups, stage.padding_mode});
  if (!has_output(sizes)) {
    refuse(index,
           stage.transposed ? "has a padding that leaves nothing of its output"
                            : "has a kernel larger than its padded input",
           x, weight);
  }
  return sizes;
}

Shape output_of(const ConvSizes& sizes) {
  return {sizes.batch, sizes.out_channels, sizes.out_height, sizes.out_width};
}

std::unique_ptr<WeightCache> weight_cache(kernels::Device* device) {
  return device == nullptr ? nullptr : std::make_unique<WeightCache>(*device);
}

template <class T>
ChainStage<T> kernel_stage(const ConvChain::Stage& stage, const ConvSizes& sizes,
                           kernels::WeightCache* cache) {
  ChainStage<T> result{sizes, stage.transposed, stage.weight.data<T>(), nullptr, {}, cache};
  if (stage.bias.defined()) {
    result.bias = stage.bias.data<T>();
  }
  if (stage.slope.defined()) {
    result.activation = {ActivationKind::prelu, stage.slope.data<T>(),
                         static_cast<int>(stage.slope.count())};
  } else if (stage.relu) {
    result.activation.kind = ActivationKind::relu;
  }
  return result;
}

}  // namespace

ConvChain& ConvChain::append(const Layer& layer) {
  layer.append_to(*this);
  return *this;
}

ConvChain& ConvChain::append(const ConvChain& chain) {
  for (const Stage& stage : chain.stages_) {
    add(stage);
  }
  return *this;
}

void ConvChain::add(Stage stage) {
  for (Tensor* const parameter : {&stage.weight, &stage.bias, &stage.slope}) {
    if (parameter->defined()) {
      *parameter = parameter->clone();
    }
  }
  kernels::Device* const device = stage.weight.device();
  if (stages_.empty()) {
    chain_cache_ = weight_cache(device);
  }
  weight_caches_.push_back(weight_cache(device));
  stages_.push_back(std::move(stage));
}

ConvChain::Stage& ConvChain::stage_to_activate(const char* activation) {
  if (stages_.empty() || stages_.back().slope.defined() || stages_.back().relu) {
    throw Error(ErrorKind::usage,
                message("conv_chain: a ", activation, " must follow a convolution"));
  }
  return stages_.back();
}

void ConvChain::add_prelu(const Tensor& slope) {
  Stage& last = stage_to_activate("PReLU");
  const Shape& weight = last.weight.shape();
  const std::int64_t channels = last.transposed ? weight[1] * last.groups : weight[0];
  const std::int64_t slopes = slope.count();
  if (slopes != 1 && slopes != channels) {
    throw ShapeError(message("conv_chain: a PReLU must have 1 slope or one for each of the ",
                             channels, " channels, got ", slopes));
  }
  last.slope = slope.clone();
}

void ConvChain::add_leaky_relu(double slope) {
  Stage& last = stage_to_activate("LeakyReLU");
  last.slope = Tensor::full({1}, slope, last.weight.dtype()).to(last.weight.device());
}

void ConvChain::add_relu() {
  stage_to_activate("ReLU").relu = true;
}

Shape ConvChain::output_shape(const Shape& input) const {
  Shape shape = input;
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    shape = output_of(sizes_of(stages_[i], i, shape));
  }
  return shape;
}

void ConvChain::run(Context& context, const Tensor& x, const Tensor& y) const {
  run_rows(context, x, y, 0, output_shape(x.shape())[2]);
}

void ConvChain::run_rows(Context& context, const Tensor& x, const Tensor& y, std::int64_t first,
                         std::int64_t past) const {
  if (stages_.empty()) {
    throw Error(ErrorKind::usage, "conv_chain: there must be at least one convolution");
  }
  for (const Tensor& tensor : {x, y, stages_.front().weight}) {
    if (tensor.device() != context.device()) {
      throw ShapeError(message("conv_chain: input, output and parameters must be on ",
                               place_name(context.device()), ", got ", tensor, " on ",
                               place_name(tensor.device())));
    }
  }
  const Shape wanted = output_shape(x.shape());
  if (!(y.shape() == wanted) || x.dtype() != y.dtype() ||
      x.dtype() != stages_.front().weight.dtype()) {
    throw ShapeError(message(
        "conv_chain: input and output must have the parameters' type and the output must be ",
        wanted, ", got input ", x, " and output ", y));
  }
  if (first < 0 || first >= past || past > wanted[2]) {
    throw ShapeError(message("conv_chain: the rows must be 0 <= first < past <= ", wanted[2],
                             ", got ", first, " and ", past));
  }
  with_type(x.dtype(), [&]<class T>() {
    std::vector<ChainStage<T>> stages_of_device;  // the host reads them, so not in step memory
    ChainStage<T>* stages;
    if (context.device() == nullptr) {
      stages = static_cast<ChainStage<T>*>(
          context.arena().allocate(stages_.size() * sizeof(ChainStage<T>)));
    } else {
      stages_of_device.resize(stages_.size());
      stages = stages_of_device.data();
    }
    Shape shape = x.shape();
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      const ConvSizes sizes = sizes_of(stages_[i], i, shape);
      stages[i] = kernel_stage<T>(stages_[i], sizes, weight_caches_[i].get());
      shape = output_of(sizes);
    }
    context.launch(&kernels::KernelTable<T>::conv_chain,
                   {stages, static_cast<int>(stages_.size()), x.data<T>(), y.data<T>(),
                    chain_cache_.get(), first, past});
  });
}

}  // namespace pisr
