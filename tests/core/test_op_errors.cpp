#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "core/ops.h"
#include "tests/catch.h"

namespace pisr {
namespace {

// An operation with operands that do not fit, and the error it gives.
struct Wrong {
  std::function<void()> call;
  std::string text;
};

class Operands {
 public:
  Variable f32(Shape shape) { return tape_.leaf(Tensor::zeros(shape)); }
  Variable f64(Shape shape) { return tape_.leaf(Tensor::zeros(shape, DType::f64)); }

 private:
  Context context_;
  Tape tape_{context_};
};

void check_all(const std::vector<Wrong>& table) {
  for (const Wrong& wrong : table) {
    CAPTURE(wrong.text);
    CHECK_THROWS_AS(wrong.call(), ShapeError);
    CHECK_THROWS_WITH(wrong.call(), wrong.text);
  }
}

}  // namespace

TEST_CASE("conv2d_prelu: wrong operands", "[errors]") {
  Operands make;
  const Variable none;
  const Variable x = make.f32({2, 3, 4, 5});
  const Variable weight = make.f32({6, 3, 3, 3});
  check_all({
      {[&] { conv2d_prelu(x, weight, none, make.f32({3})); },
       "conv2d_prelu: slope must have shape [1] or [6] (input f32[2,3,4,5], weight f32[6,3,3,3], "
       "slope f32[3])"},
      {[&] { conv2d_prelu(x, weight, none, none); },
       "conv2d_prelu: slope is undefined (input f32[2,3,4,5], weight f32[6,3,3,3], slope "
       "undefined)"},
      {[&] { conv2d_prelu(x, weight, make.f32({3}), make.f32({1})); },
       "conv2d_prelu: bias must have shape [6] (input f32[2,3,4,5], weight f32[6,3,3,3], bias "
       "f32[3], "
       "slope f32[1])"},
      {[&] { conv2d_prelu(x, weight, none, make.f64({1})); },
       "conv2d_prelu: slope is f64, input is f32 (input f32[2,3,4,5], weight f32[6,3,3,3], slope "
       "f64[1])"},
  });
}

TEST_CASE("conv2d: wrong operands", "[errors]") {
  Operands make;
  const Variable none;
  const Variable x = make.f32({16, 12, 32, 32});
  const Variable weight = make.f32({8, 12, 3, 3});
  const Variable bias = make.f32({8});
  check_all({
      {[&] {
         conv2d(x, make.f32({56, 56, 3, 3}), none);
       },
       "conv2d: the weight expects 56 input channels, the input has 12 (input f32[16,12,32,32], "
       "weight "
       "f32[56,56,3,3])"},
      {[&] { conv2d(none, weight, bias); },
       "conv2d: input is undefined (input undefined, weight f32[8,12,3,3], bias f32[8])"},
      {[&] { conv2d(x, none, none); },
       "conv2d: weight is undefined (input f32[16,12,32,32], weight undefined)"},
      {[&] {
         conv2d(make.f32({12, 32, 32}), weight, bias);
       },
       "conv2d: input must have 4 axes, has 3 (input f32[12,32,32])"},
      {[&] {
         conv2d(x, make.f32({8, 12, 9}), bias);
       },
       "conv2d: weight must have 4 axes, has 3 (weight f32[8,12,9])"},
      {[&] {
         conv2d(x, make.f64({8, 12, 3, 3}), none);
       },
       "conv2d: weight is f64, input is f32 (input f32[16,12,32,32], weight f64[8,12,3,3])"},
      {[&] { conv2d(x, weight, make.f64({8})); },
       "conv2d: bias is f64, input is f32 (input f32[16,12,32,32], weight f32[8,12,3,3], bias "
       "f64[8])"},
      {[&] { conv2d(x, weight, make.f32({7})); },
       "conv2d: bias must have shape [8] (input f32[16,12,32,32], weight f32[8,12,3,3], bias "
       "f32[7])"},
      {[&] {
         conv2d(x, weight, make.f32({8, 1}));
       },
       "conv2d: bias must have shape [8] (input f32[16,12,32,32], weight f32[8,12,3,3], bias "
       "f32[8,1])"},
      {[&] {
         conv2d(x, weight, bias, {0, 1});
       },
       "conv2d: stride must be at least 1, got 0"},
      {[&] {
         conv2d(x, weight, bias, {1, -1});
       },
       "conv2d: padding must be at least 0, got -1"},
      {[&] {
         conv2d(x, weight, bias, {1, 1, 0});
       },
       "conv2d: groups must be at least 1, got 0"},
      {[&] {
         conv2d(x, make.f32({8, 4, 3, 3}), none, {1, 1, 3});
       },
       "conv2d: 3 groups do not divide 8 output channels (input f32[16,12,32,32], weight "
       "f32[8,4,3,3])"},
      {[&] {
         conv2d(x, weight, none, {1, 1, 2});
       },
       "conv2d: the weight expects 24 input channels, the input has 12 (input f32[16,12,32,32], "
       "weight "
       "f32[8,12,3,3])"},
      {[&] {
         conv2d(make.f32({1, 12, 2, 9}), weight, none);
       },
       "conv2d: the kernel is larger than the input with padding 0 (input f32[1,12,2,9], weight "
       "f32[8,12,3,3])"},
      {[&] {
         conv2d(make.f32({1, 12, 9, 2}), weight, none);
       },
       "conv2d: the kernel is larger than the input with padding 0 (input f32[1,12,9,2], weight "
       "f32[8,12,3,3])"},
      {[&] {
         conv2d(x, weight, none, {1, 2'000'000'000});
       },
       "conv2d: an extent of 4000000030 is too large"},
      {[&] {
         conv2d(x, weight, none, {1, 1'000'000});
       },
       "shape: more than 2^40 elements ([16,8,2000030,2000030])"},
  });
}

TEST_CASE("conv_transpose2d: wrong operands", "[errors]") {
  Operands make;
  const Variable none;
  const Variable x = make.f32({2, 12, 8, 8});
  const Variable weight = make.f32({12, 1, 9, 9});
  const Variable bias = make.f32({1});
  check_all({
      {[&] {
         conv_transpose2d(x, make.f32({56, 1, 9, 9}), none);
       },
       "conv_transpose2d: the weight expects 56 input channels, the input has 12 (input "
       "f32[2,12,8,8], "
       "weight f32[56,1,9,9])"},
      {[&] { conv_transpose2d(none, weight, bias); },
       "conv_transpose2d: input is undefined (input undefined, weight f32[12,1,9,9], bias "
       "f32[1])"},
      {[&] { conv_transpose2d(make.f32({12}), weight, bias); },
       "conv_transpose2d: input must have 4 axes, has 1 (input f32[12])"},
      {[&] {
         conv_transpose2d(x, make.f32({12, 9, 9}), bias);
       },
       "conv_transpose2d: weight must have 4 axes, has 3 (weight f32[12,9,9])"},
      {[&] { conv_transpose2d(x, weight, make.f64({1})); },
       "conv_transpose2d: bias is f64, input is f32 (input f32[2,12,8,8], weight f32[12,1,9,9], "
       "bias f64[1])"},
      {[&] { conv_transpose2d(x, weight, make.f32({2})); },
       "conv_transpose2d: bias must have shape [1] (input f32[2,12,8,8], weight f32[12,1,9,9], "
       "bias "
       "f32[2])"},
      {[&] { conv_transpose2d(x, weight, bias, {0}); },
       "conv_transpose2d: stride must be at least 1, got 0"},
      {[&] {
         conv_transpose2d(x, weight, bias, {1, -2});
       },
       "conv_transpose2d: padding must be at least 0, got -2"},
      {[&] {
         conv_transpose2d(x, weight, bias, {2, 4, 2});
       },
       "conv_transpose2d: output_padding must be from 0 to stride - 1 = 1, got 2"},
      {[&] {
         conv_transpose2d(x, weight, bias, {2, 4, -1});
       },
       "conv_transpose2d: output_padding must be from 0 to stride - 1 = 1, got -1"},
      {[&] {
         conv_transpose2d(x, weight, bias, {2, 4, 1, -1});
       },
       "conv_transpose2d: groups must be at least 1, got -1"},
      {[&] {
         conv_transpose2d(x, weight, bias, {2, 4, 1, 5});
       },
       "conv_transpose2d: 5 groups do not divide 12 input channels (input f32[2,12,8,8], weight "
       "f32[12,1,9,9], bias f32[1])"},
      {[&] {
         conv_transpose2d(x, weight, bias, {1, 8});
       },
       "conv_transpose2d: padding 8 leaves nothing of the output (input f32[2,12,8,8], weight "
       "f32[12,1,9,9], bias f32[1])"},
  });
}

TEST_CASE("pointwise and binary operations: wrong operands", "[errors]") {
  Operands make;
  const Variable none;
  const Variable x = make.f32({2, 3, 4, 5});
  check_all({
      {[&] { relu(none); }, "relu: x is undefined (x undefined)"},
      {[&] { leaky_relu(none, 0.1); }, "leaky_relu: x is undefined (x undefined)"},
      {[&] { sigmoid(none); }, "sigmoid: x is undefined (x undefined)"},
      {[&] { softplus(none); }, "softplus: x is undefined (x undefined)"},
      {[&] { exp(none); }, "exp: x is undefined (x undefined)"},
      {[&] { log(none); }, "log: x is undefined (x undefined)"},
      {[&] { abs(none); }, "abs: x is undefined (x undefined)"},
      {[&] { clamp(none, 0, 1); }, "clamp: x is undefined (x undefined)"},
      {[&] { clamp(x, 1, 0.5); }, "clamp: low must not exceed high, got 1 and 0.5"},
      {[&] { clamp(x, std::nan(""), 0.5); }, "clamp: low must not exceed high, got nan and 0.5"},
      {[&] { -none; }, "negate: x is undefined (x undefined)"},
      {[&] { none + 1.0; }, "add: x is undefined (x undefined)"},
      {[&] { none - 1.0; }, "subtract: x is undefined (x undefined)"},
      {[&] { 1.0 * none; }, "multiply: x is undefined (x undefined)"},
      {[&] { 1.0 / none; }, "divide: x is undefined (x undefined)"},
      {[&] { x + none; }, "add: b is undefined (a f32[2,3,4,5], b undefined)"},
      {[&] { prelu(x, make.f32({4})); },
       "prelu: slope must have shape [1] or [3] (x f32[2,3,4,5], slope f32[4])"},
      {[&] {
         prelu(x, make.f32({3, 1}));
       },
       "prelu: slope must have shape [1] or [3] (x f32[2,3,4,5], slope f32[3,1])"},
      {[&] { prelu(make.f32({3}), make.f32({3})); },
       "prelu: slope must have shape [1], as x has no channels (x f32[3], slope f32[3])"},
      {[&] { prelu(x, make.f64({3})); },
       "prelu: slope is f64, x is f32 (x f32[2,3,4,5], slope f64[3])"},
  });
  const std::string fits =
      "b must have the shape of a, one element, one per channel [c] or one per plane [n,c,1,1]";
  check_all({
      {[&] {
         x + make.f32({2, 3, 4, 1});
       },
       "add: " + fits + " (a f32[2,3,4,5], b f32[2,3,4,1])"},
      {[&] { x - make.f32({4}); }, "subtract: " + fits + " (a f32[2,3,4,5], b f32[4])"},
      {[&] {
         x* make.f32({1, 3, 1, 1});
       },
       "multiply: " + fits + " (a f32[2,3,4,5], b f32[1,3,1,1])"},
      {[&] { make.f32({1}) / x; }, "divide: " + fits + " (a f32[1], b f32[2,3,4,5])"},
      {[&] {
         x* make.f64({2, 3, 4, 5});
       },
       "multiply: b is f64, a is f32 (a f32[2,3,4,5], b f64[2,3,4,5])"},
  });
}

TEST_CASE("reductions and layout: wrong operands", "[errors]") {
  Operands make;
  const Variable none;
  const Variable x = make.f32({2, 3, 4, 6});
  check_all({
      {[&] { sum(none); }, "sum: x is undefined (x undefined)"},
      {[&] { mean(none); }, "mean: x is undefined (x undefined)"},
      {[&] {
         global_mean(make.f32({3, 4}));
       },
       "global_mean: x must have 4 axes, has 2 (x f32[3,4])"},
      {[&] { global_standard_deviation(make.f32({})); },
       "global_standard_deviation: x must have 4 axes, has 0 (x f32[])"},
      {[&] { block_mean(make.f32({4}), 2); }, "block_mean: x must have 4 axes, has 1 (x f32[4])"},
      {[&] { block_mean(x, 0); }, "block_mean: factor must be at least 1, got 0"},
      {[&] { block_mean(x, 3); },
       "block_mean: height and width must be multiples of 3 (x f32[2,3,4,6])"},
      {[&] { block_mean(x, 4); },
       "block_mean: height and width must be multiples of 4 (x f32[2,3,4,6])"},
      {[&] { reshape(none, {1}); }, "reshape: x is undefined (x undefined)"},
      {[&] {
         reshape(x, {2, 71});
       },
       "reshape: f32[2,3,4,6] does not have the 142 elements of [2,71]"},
      {[&] { detach(none); }, "detach: x is undefined (x undefined)"},
      {[&] { concat_channels({}); }, "concat_channels: must have at least 1 part, got 0"},
      {[&] { concat_channels(std::vector<Variable>()); },
       "concat_channels: must have at least 1 part, got 0"},
      {[&] {
         concat_channels({x, x, x, x, x, x, x, x, x, x, x, make.f32({2, 3, 4, 5})});
       },
       "concat_channels: part 11 differs in more than channels (part 0 f32[2,3,4,6], part 11 "
       "f32[2,3,4,5])"},
      {[&] {
         concat_channels({x, x, x, x, none});
       },
       "concat_channels: part 4 is undefined (part 0 f32[2,3,4,6], part 4 undefined)"},
      {[&] {
         concat_channels({x, none});
       },
       "concat_channels: part 1 is undefined (part 0 f32[2,3,4,6], part 1 undefined)"},
      {[&] {
         concat_channels({make.f32({3, 4})});
       },
       "concat_channels: part 0 must have 4 axes, has 2 (part 0 f32[3,4])"},
      {[&] {
         concat_channels({x, make.f32({2, 3, 4, 5})});
       },
       "concat_channels: part 1 differs in more than channels (part 0 f32[2,3,4,6], part 1 "
       "f32[2,3,4,5])"},
      {[&] {
         concat_channels({x, x, make.f32({1, 3, 4, 6})});
       },
       "concat_channels: part 2 differs in more than channels (part 0 f32[2,3,4,6], part 2 "
       "f32[1,3,4,6])"},
      {[&] {
         concat_channels({x, make.f32({2, 3, 4})});
       },
       "concat_channels: part 1 must have 4 axes, has 3 (part 1 f32[2,3,4])"},
      {[&] {
         concat_channels({x, make.f64({2, 3, 4, 6})});
       },
       "concat_channels: part 1 is f64, part 0 is f32 (part 0 f32[2,3,4,6], part 1 "
       "f64[2,3,4,6])"},
      {[&] { slice_channels(make.f32({3}), 0, 1); },
       "slice_channels: x must have 4 axes, has 1 (x f32[3])"},
      {[&] { slice_channels(x, 2, 2); },
       "slice_channels: cannot take 2 channels from channel 2 on, x has 3 (x f32[2,3,4,6])"},
      {[&] { slice_channels(x, -1, 1); },
       "slice_channels: cannot take 1 channels from channel -1 on, x has 3 (x f32[2,3,4,6])"},
      {[&] { slice_channels(x, 1, 0); },
       "slice_channels: cannot take 0 channels from channel 1 on, x has 3 (x f32[2,3,4,6])"},
      {[&] { pixel_shuffle(make.f32({4}), 2); },
       "pixel_shuffle: x must have 4 axes, has 1 (x f32[4])"},
      {[&] { pixel_shuffle(x, 2); },
       "pixel_shuffle: channels must be a multiple of 2 x 2 (x f32[2,3,4,6])"},
      {[&] { pixel_shuffle(x, 0); }, "pixel_shuffle: factor must be at least 1, got 0"},
      {[&] { pixel_shuffle(x, -1); }, "pixel_shuffle: factor must be at least 1, got -1"},
      {[&] { upscale_bicubic(none, 2); }, "upscale_bicubic: x is undefined (x undefined)"},
      {[&] {
         upscale_bicubic(make.f32({4, 4}), 2);
       },
       "upscale_bicubic: x must have 4 axes, has 2 (x f32[4,4])"},
      {[&] { upscale_bicubic(x, 0); }, "upscale_bicubic: scale must be 1 to 8, got 0"},
      {[&] { upscale_bicubic(x, 9); }, "upscale_bicubic: scale must be 1 to 8, got 9"},
      {[&] { downscale_bicubic(none, 2); }, "downscale_bicubic: x is undefined (x undefined)"},
      {[&] { downscale_bicubic(make.f32({4}), 2); },
       "downscale_bicubic: x must have 4 axes, has 1 (x f32[4])"},
      {[&] { downscale_bicubic(x, -1); }, "downscale_bicubic: scale must be 1 to 8, got -1"},
      {[&] { downscale_bicubic(x, 3); },
       "downscale_bicubic: height and width must be multiples of 3 (x f32[2,3,4,6])"},
      {[&] { upscale_bilinear(make.f32({4}), 2); },
       "upscale_bilinear: x must have 4 axes, has 1 (x f32[4])"},
      {[&] { upscale_bilinear(x, 0); }, "upscale_bilinear: scale must be at least 1, got 0"},
      {[&] { pad(make.f32({4}), {}); }, "pad: x must have 4 axes, has 1 (x f32[4])"},
      {[&] { pad(x, {.left = -1}); },
       "pad: sides must be at least 0, got top 0, left -1, bottom 0, right 0"},
      {[&] { crop(none, {}); }, "crop: x is undefined (x undefined)"},
      {[&] { crop(x, {.bottom = -1}); },
       "crop: sides must be at least 0, got top 0, left 0, bottom -1, right 0"},
      {[&] { crop(x, {.top = 3, .bottom = 1}); }, "crop: nothing is left (x f32[2,3,4,6])"},
  });
}

TEST_CASE("losses: wrong operands", "[errors]") {
  Operands make;
  const Variable none;
  const Variable x = make.f32({2, 3});
  const Variable other = make.f32({3, 2});
  check_all({
      {[&] { l1_loss(none, x); }, "l1_loss: x is undefined (x undefined, target f32[2,3])"},
      {[&] { l1_loss(x, none); }, "l1_loss: target is undefined (x f32[2,3], target undefined)"},
      {[&] { l1_loss(x, other); },
       "l1_loss: target must have the shape of x (x f32[2,3], target f32[3,2])"},
      {[&] {
         l1_loss(x, make.f64({2, 3}));
       },
       "l1_loss: target is f64, x is f32 (x f32[2,3], target f64[2,3])"},
      {[&] { laplace_nll(x, other, x); },
       "laplace_nll: location must have the shape of target (target f32[2,3], location f32[3,2], "
       "scale "
       "f32[2,3])"},
      {[&] { laplace_nll(x, x, make.f32({1})); },
       "laplace_nll: scale must have the shape of target (target f32[2,3], location f32[2,3], "
       "scale "
       "f32[1])"},
      {[&] { laplace_nll(x, x, none); },
       "laplace_nll: scale is undefined (target f32[2,3], location f32[2,3], scale undefined)"},
      {[&] { gaussian_nll(x, x, other); },
       "gaussian_nll: variance must have the shape of target (target f32[2,3], location f32[2,3], "
       "variance f32[3,2])"},
      {[&] {
         gaussian_nll(x, make.f64({2, 3}), x);
       },
       "gaussian_nll: location is f64, target is f32 (target f32[2,3], location f64[2,3], variance "
       "f32[2,3])"},
      {[&] { weighted_loss({}); }, "weighted_loss: first is undefined (first undefined)"},
      {[&] {
         const Variable wide = make.f64({2, 3});
         weighted_loss(l1_term(x, x), l1_term(wide, wide), 1);
       },
       "weighted_loss: second is f64, first is f32 (first f32[2,3], second f64[2,3])"},
  });
}

}  // namespace pisr
