#include <limits>

#include "core/operand.h"
#include "core/ops.h"

namespace pisr {
namespace {

using kernels::ConvSizes;

// An extent as the kernels take it.
int extent(const char* op, std::int64_t value) {
  if (value > std::numeric_limits<int>::max()) {
    throw ShapeError(message(op, ": an extent of ", value, " is too large"));
  }
  return static_cast<int>(value);
}

void check_options(const char* op, int stride, int padding, int groups) {
  if (stride < 1) {
    throw ShapeError(message(op, ": stride wants at least 1, got ", stride));
  }
  if (padding < 0) {
    throw ShapeError(message(op, ": padding wants at least 0, got ", padding));
  }
  if (groups < 1) {
    throw ShapeError(message(op, ": groups wants at least 1, got ", groups));
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
    refuse_operands(op, message("bias wants shape [", channels, "]"), operands);
  }
}

// The sizes both kinds of convolution read off their operands in the same way.
ConvSizes common_sizes(const char* op, const Shape& x, const Shape& weight) {
  ConvSizes sizes;
  sizes.batch = x[0];
  sizes.in_channels = extent(op, x[1]);
  sizes.in_height = extent(op, x[2]);
  sizes.in_width = extent(op, x[3]);
  sizes.kernel_height = extent(op, weight[2]);
  sizes.kernel_width = extent(op, weight[3]);
  return sizes;
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

template <class T>
void conv_backward(Backward& backward, bool transposed, const ConvSizes& sizes, const Tensor& x,
                   const Tensor& weight) {
  const ConvKernels<T> kernels(transposed);
  const T* dy = backward.dy<T>();
  if (backward.wants(0)) {
    const auto dx = backward.slot<T>(0);
    backward.context().launch(kernels.backward_data,
                              {sizes, dy, weight.data<T>(), dx.data, dx.store});
  }
  if (backward.wants(1) || backward.wants(2)) {
    const auto dweight = backward.slot<T>(1);
    const auto dbias = backward.slot<T>(2);
    backward.context().launch(kernels.backward_weight, {sizes, x.data<T>(), dy, dweight.data,
                                                        dbias.data, dweight.store, dbias.store});
  }
}

Variable conv(const char* op, bool transposed, const ConvSizes& sizes, const Variable& x,
              const Variable& weight, const Variable& bias) {
  Tape& tape = x.tape();
  const Tensor y =
      tape.result({sizes.batch, sizes.out_channels, sizes.out_height, sizes.out_width}, x.dtype());
  with_type(x.dtype(), [&]<class T>() {
    tape.context().launch(ConvKernels<T>(transposed).forward,
                          {sizes, x.value().data<T>(), weight.value().data<T>(),
                           bias.defined() ? bias.value().data<T>() : nullptr, y.data<T>()});
  });
  return tape.record(
      op, y, {&x, &weight, &bias},
      [transposed, sizes, x = x.value(), weight = weight.value()](Backward& backward) {
        with_type(x.dtype(),
                  [&]<class T>() { conv_backward<T>(backward, transposed, sizes, x, weight); });
      });
}

}  // namespace

Variable conv2d(const Variable& x, const Variable& weight, const Variable& bias,
                const Conv2dOptions& options) {
  constexpr const char* kOp = "conv2d";
  const Operand input{"input", x};
  const Operand weights{"weight", weight};
  const std::initializer_list<Operand> operands{input, weights, {"bias", bias, true}};
  check_operands(kOp, operands);
  check_rank(kOp, input, 4);
  check_rank(kOp, weights, 4);
  const auto [stride, padding, groups, padding_mode] = options;
  check_options(kOp, stride, padding, groups);
  check_groups(kOp, groups, "output", weight.shape()[0], operands);
  if (weight.shape()[1] * groups != x.shape()[1]) {
    refuse_operands(kOp,
                    message("weight wants ", weight.shape()[1] * groups,
                            " input channels, input has ", x.shape()[1]),
                    operands);
  }
  check_bias(kOp, weight.shape()[0], bias, operands);

  ConvSizes sizes = common_sizes(kOp, x.shape(), weight.shape());
  sizes.out_channels = extent(kOp, weight.shape()[0]);
  sizes.stride = stride;
  sizes.padding = padding;
  sizes.groups = groups;
  sizes.padding_mode = padding_mode;
  const std::int64_t spare_height = x.shape()[2] + 2 * std::int64_t{padding} - weight.shape()[2];
  const std::int64_t spare_width = x.shape()[3] + 2 * std::int64_t{padding} - weight.shape()[3];
  if (spare_height < 0 || spare_width < 0) {
    refuse_operands(kOp, message("the kernel is larger than the input with padding ", padding),
                    operands);
  }
  sizes.out_height = extent(kOp, spare_height / stride + 1);
  sizes.out_width = extent(kOp, spare_width / stride + 1);
  return conv(kOp, false, sizes, x, weight, bias);
}

Variable conv_transpose2d(const Variable& x, const Variable& weight, const Variable& bias,
                          const ConvTranspose2dOptions& options) {
  constexpr const char* kOp = "conv_transpose2d";
  const Operand input{"input", x};
  const Operand weights{"weight", weight};
  const std::initializer_list<Operand> operands{input, weights, {"bias", bias, true}};
  check_operands(kOp, operands);
  check_rank(kOp, input, 4);
  check_rank(kOp, weights, 4);
  const int stride = options.stride;
  const int padding = options.padding;
  const int output_padding = options.output_padding;
  const int groups = options.groups;
  check_options(kOp, stride, padding, groups);
  if (output_padding < 0 || output_padding >= stride) {
    throw ShapeError(message(kOp, ": output_padding wants 0 to stride - 1 = ", stride - 1, ", got ",
                             output_padding));
  }
  if (weight.shape()[0] != x.shape()[1]) {
    refuse_operands(
        kOp,
        message("weight wants ", weight.shape()[0], " input channels, input has ", x.shape()[1]),
        operands);
  }
  check_groups(kOp, groups, "input", x.shape()[1], operands);
  const std::int64_t out_channels = weight.shape()[1] * groups;
  check_bias(kOp, out_channels, bias, operands);

  ConvSizes sizes = common_sizes(kOp, x.shape(), weight.shape());
  sizes.out_channels = extent(kOp, out_channels);
  sizes.stride = stride;
  sizes.padding = padding;
  sizes.groups = groups;
  const auto out_extent = [&](int axis) {
    const std::int64_t out = (x.shape()[axis] - 1) * stride - 2 * std::int64_t{padding} +
                             weight.shape()[axis] + output_padding;
    if (out < 1) {
      refuse_operands(kOp, message("padding ", padding, " leaves nothing of the output"), operands);
    }
    return extent(kOp, out);
  };
  sizes.out_height = out_extent(2);
  sizes.out_width = out_extent(3);
  return conv(kOp, true, sizes, x, weight, bias);
}

}  // namespace pisr
