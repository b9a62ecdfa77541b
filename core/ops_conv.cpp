#include "core/conv_sizes.h"
#include "core/operand.h"
#include "core/ops.h"

namespace pisr {
namespace {

using kernels::ConvSizes;

void check_options(const char* op, int stride, int padding, int groups) {
  if (stride < 1) {
    throw ShapeError(message(op, ": stride must be at least 1, got ", stride));
  }
  if (padding < 0) {
    throw ShapeError(message(op, ": padding must be at least 0, got ", padding));
  }
  if (groups < 1) {
    throw ShapeError(message(op, ": groups must be at least 1, got ", groups));
  }
}

void check_groups(const char* op, int groups, const char* which, std::int64_t channels,
                  std::initializer_list<Operand> operands) {
  if (channels % groups != 0) {
    refuse_operands(
        op, message(groups, " groups do not divide ", channels, ' ', which, " channels"), operands);
  }
}

void check_bias(const char* op, std::int64_t channels, const Variable& bias,
                std::initializer_list<Operand> operands) {
  if (bias.defined() && !(bias.shape() == Shape{channels})) {
    refuse_operands(op, message("bias must have shape [", channels, "]"), operands);
  }
}

void check_common(const char* op, std::initializer_list<Operand> operands, const Variable& x,
                  const Variable& weight) {
  check_operands(op, operands);
  check_rank(op, {"input", x}, 4);
  check_rank(op, {"weight", weight}, 4);
}

// The kernels of one kind of convolution.
template <class T>
struct ConvKernels {
  using Table = kernels::KernelTable<T>;
  explicit ConvKernels(bool transposed)
      : forward(transposed ? &Table::conv_transpose2d : &Table::conv2d),
        backward_data(transposed ? &Table::conv_transpose2d_backward_data
                                 : &Table::conv2d_backward_data),
        backward_weight(transposed ? &Table::conv_transpose2d_backward_weight
                                   : &Table::conv2d_backward_weight) {}
  decltype(&Table::conv2d) forward;
  decltype(&Table::conv2d_backward_data) backward_data;
  decltype(&Table::conv2d_backward_weight) backward_weight;
};

// Gradients of the inputs 0, 1 and 2: x, weight and bias.
template <class T>
void conv_backward(Backward& backward, bool transposed, const ConvSizes& sizes, const Tensor& x,
                   const Tensor& weight, const T* dy) {
  const ConvKernels<T> kernels(transposed);
  if (backward.wants(0)) {
    const auto dx = backward.slot<T>(0);
    backward.context().launch(kernels.backward_data,
                              {sizes, dy, weight.data<T>(), dx.data, dx.store});
  }
  if (backward.wants(1) || backward.wants(2)) {
    const auto dweight = backward.slot<T>(1);
    const auto dbias = backward.slot<T>(2);
    backward.context().launch(kernels.backward_weight,
                              {sizes, x.data<T>(), dy, dweight.data, dbias.data, dweight.store,
                               dbias.store, backward.deferred_sums<T>({1, 2})});
  }
}

/// What follows the convolution in the same pass.
struct FixedActivation {
  kernels::ActivationKind kind = kernels::ActivationKind::none;
  double slope = 0;  ///< of prelu
};

Variable conv(const char* op, bool transposed, const ConvSizes& sizes, const Variable& x,
              const Variable& weight, const Variable& bias, const FixedActivation& activation = {},
              int output_padding = 0) {
  Tape& tape = x.tape();
  const Tensor y =
      tape.result({sizes.batch, sizes.out_channels, sizes.out_height, sizes.out_width}, x.dtype());
  with_type(x.dtype(), [&]<class T>() {
    const bool has_slope = activation.kind == kernels::ActivationKind::prelu;
    const T slope = static_cast<T>(activation.slope);
    tape.context().launch(ConvKernels<T>(transposed).forward,
                          {sizes,
                           x.value().data<T>(),
                           weight.value().data<T>(),
                           bias.defined() ? bias.value().data<T>() : nullptr,
                           y.data<T>(),
                           {activation.kind, has_slope ? &slope : nullptr, has_slope ? 1 : 0}});
  });
  return tape.record(
      op, y, {&x, &weight, &bias},
      [transposed, sizes, x = x.value(), weight = weight.value()](Backward& backward) {
        with_type(x.dtype(), [&]<class T>() {
          conv_backward<T>(backward, transposed, sizes, x, weight, backward.dy<T>());
        });
      },
      {{"stride", sizes.stride},
       {"padding", sizes.padding},
       {"output_padding", output_padding},
       {"groups", sizes.groups},
       {"replicate", sizes.padding_mode == PaddingMode::replicate},
       {"slope", activation.slope}});
}

// Throws ShapeError unless the operands of a conv2d fit together.
ConvSizes checked_conv2d_sizes(const char* op, std::initializer_list<Operand> operands,
                               const Variable& x, const Variable& weight, const Variable& bias,
                               const Conv2dOptions& options) {
  check_common(op, operands, x, weight);
  const auto [stride, padding, groups, padding_mode] = options;
  check_options(op, stride, padding, groups);
  check_groups(op, groups, "output", weight.shape()[0], operands);
  if (weight.shape()[1] * groups != x.shape()[1]) {
    refuse_operands(op,
                    message("the weight expects ", weight.shape()[1] * groups,
                            " input channels, the input has ", x.shape()[1]),
                    operands);
  }
  check_bias(op, weight.shape()[0], bias, operands);

  const ConvSizes sizes = conv2d_sizes(op, x.shape(), weight.shape(), options);
  if (!has_output(sizes)) {
    refuse_operands(op, message("the kernel is larger than the input with padding ", padding),
                    operands);
  }
  return sizes;
}

// The gradient of the convolution's result overwrites that of y.
template <class T>
void conv2d_prelu_backward(Backward& backward, const ConvSizes& sizes, const Tensor& x,
                           const Tensor& weight, const Tensor& slope, const Tensor& before) {
  Context& context = backward.context();
  T* const dz = backward.wants(0) || backward.wants(1) ? backward.reuse_dy<T>() : nullptr;
  const auto dslope = backward.slot<T>(3);
  const auto dbias = backward.slot<T>(2);
  const auto dweight = backward.slot<T>(1);
  const kernels::ConvBackwardWeightArgs<T> conv{
      sizes,      x.data<T>(),   backward.dy<T>(), dweight.data,
      dbias.data, dweight.store, dbias.store,      backward.deferred_sums<T>({1, 2, 3})};
  context.launch(&kernels::KernelTable<T>::conv2d_prelu_backward_weight,
                 {conv, slope.count(), before.data<T>(), slope.data<T>(), dz, backward.wants(0),
                  dslope.data, dslope.store});
  if (backward.wants(0)) {
    const auto dx = backward.slot<T>(0);
    context.launch(&kernels::KernelTable<T>::conv2d_backward_data,
                   {sizes, dz, weight.data<T>(), dx.data, dx.store});
  }
}

/// conv2d and an activation that `separately` applies where it cannot be part of the same pass:
/// the backward pass needs its input or result, and a device the slope in its own memory.
template <class Separately>
Variable conv2d_activated(const char* op, const FixedActivation& activation, const Variable& x,
                          const Variable& weight, const Variable& bias,
                          const Conv2dOptions& options, const Separately& separately) {
  const ConvSizes sizes = checked_conv2d_sizes(
      op, {{"input", x}, {"weight", weight}, {"bias", bias, true}}, x, weight, bias, options);
  Tape& tape = x.tape();
  if (tape.records({&x, &weight, &bias}) || tape.context().device() != nullptr) {
    return separately(conv(op, false, sizes, x, weight, bias));
  }
  return conv(op, false, sizes, x, weight, bias, activation);
}

}  // namespace

Variable conv2d_relu(const Variable& x, const Variable& weight, const Variable& bias,
                     const Conv2dOptions& options) {
  return conv2d_activated("conv2d_relu", {kernels::ActivationKind::relu}, x, weight, bias, options,
                          [](const Variable& y) { return relu(y); });
}

Variable conv2d_leaky_relu(const Variable& x, const Variable& weight, const Variable& bias,
                           double slope, const Conv2dOptions& options) {
  return conv2d_activated("conv2d_leaky_relu", {kernels::ActivationKind::prelu, slope}, x, weight,
                          bias, options,
                          [slope](const Variable& y) { return leaky_relu(y, slope); });
}

Variable conv2d(const Variable& x, const Variable& weight, const Variable& bias,
                const Conv2dOptions& options) {
  constexpr const char* kOp = "conv2d";
  const ConvSizes sizes = checked_conv2d_sizes(
      kOp, {{"input", x}, {"weight", weight}, {"bias", bias, true}}, x, weight, bias, options);
  return conv(kOp, false, sizes, x, weight, bias);
}

Variable conv2d_prelu(const Variable& x, const Variable& weight, const Variable& bias,
                      const Variable& slope, const Conv2dOptions& options) {
  constexpr const char* kOp = "conv2d_prelu";
  const std::initializer_list<Operand> operands{
      {"input", x}, {"weight", weight}, {"bias", bias, true}, {"slope", slope}};
  const ConvSizes sizes = checked_conv2d_sizes(kOp, operands, x, weight, bias, options);
  if (!(slope.shape() == Shape{1}) && !(slope.shape() == Shape{sizes.out_channels})) {
    refuse_operands(kOp, message("slope must have shape [1] or [", sizes.out_channels, "]"),
                    operands);
  }
  Tape& tape = x.tape();
  const Shape shape{sizes.batch, sizes.out_channels, sizes.out_height, sizes.out_width};
  const Tensor y = tape.result(shape, x.dtype());
  // The gradients of the PReLU need its input, which y does not give back where a slope is not
  // positive. On the CPU two passes are faster than one that stores both. A device saves a launch
  // and a read of the map with one (docs/architecture.md, rule 5).
  const bool keep = tape.records({&x, &weight, &bias, &slope});
  const Tensor before = keep ? tape.result(shape, x.dtype()) : Tensor();
  with_type(x.dtype(), [&]<class T>() {
    const std::int64_t slopes = slope.shape()[0];
    kernels::ConvArgs<T> conv{sizes, x.value().data<T>(), weight.value().data<T>(),
                              bias.defined() ? bias.value().data<T>() : nullptr, y.data<T>()};
    if (!keep || tape.context().device() != nullptr) {
      conv.activation = {kernels::ActivationKind::prelu, slope.value().data<T>(),
                         static_cast<int>(slopes)};
      conv.before = keep ? before.data<T>() : nullptr;
      tape.context().launch(&kernels::KernelTable<T>::conv2d, conv);
      return;
    }
    conv.y = before.data<T>();
    tape.context().launch(&kernels::KernelTable<T>::conv2d, conv);
    tape.context().launch(
        &kernels::KernelTable<T>::prelu,
        {sizes.batch, sizes.out_channels, std::int64_t{sizes.out_height} * sizes.out_width, slopes,
         before.data<T>(), slope.value().data<T>(), y.data<T>()});
  });
  return tape.record(kOp, y, {&x, &weight, &bias, &slope},
                     [sizes, x = x.value(), weight = weight.value(), slope = slope.value(),
                      before](Backward& backward) {
                       with_type(x.dtype(), [&]<class T>() {
                         conv2d_prelu_backward<T>(backward, sizes, x, weight, slope, before);
                       });
                     },
                     {{"stride", options.stride},
                      {"padding", options.padding},
                      {"groups", options.groups},
                      {"replicate", options.padding_mode == PaddingMode::replicate}});
}

Variable conv_transpose2d(const Variable& x, const Variable& weight, const Variable& bias,
                          const ConvTranspose2dOptions& options) {
  constexpr const char* kOp = "conv_transpose2d";
  const std::initializer_list<Operand> operands{
      {"input", x}, {"weight", weight}, {"bias", bias, true}};
  check_common(kOp, operands, x, weight);
  const auto [stride, padding, output_padding, groups] = options;
  check_options(kOp, stride, padding, groups);
  if (output_padding < 0 || output_padding >= stride) {
    throw ShapeError(message(kOp, ": output_padding must be from 0 to stride - 1 = ", stride - 1,
                             ", got ", output_padding));
  }
  if (weight.shape()[0] != x.shape()[1]) {
    refuse_operands(kOp,
                    message("the weight expects ", weight.shape()[0],
                            " input channels, the input has ", x.shape()[1]),
                    operands);
  }
  check_groups(kOp, groups, "input", x.shape()[1], operands);
  check_bias(kOp, weight.shape()[1] * groups, bias, operands);

  const ConvSizes sizes = conv_transpose2d_sizes(kOp, x.shape(), weight.shape(), options);
  if (!has_output(sizes)) {
    refuse_operands(kOp, message("padding ", padding, " leaves nothing of the output"), operands);
  }
  return conv(kOp, true, sizes, x, weight, bias, {}, output_padding);
}

}  // namespace pisr
