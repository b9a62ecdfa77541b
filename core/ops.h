#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>

#include "core/tape.h"
#include "kernels/export.h"

/// Differentiable operations. Each checks its operands and throws ShapeError naming the operation,
/// what it expected and what it got. Operands of one call share tape and element type.
namespace pisr {

using kernels::PaddingMode;

/// Geometry of conv2d, the same along height and width; stride and groups are at least 1.
struct Conv2dOptions {
  int stride = 1;
  int padding = 0;
  int groups = 1;
  PaddingMode padding_mode = PaddingMode::zero;
};

/// x [n, c, h, w], weight [k, c / groups, kh, kw], bias [k] or undefined ->
/// [n, k, (h + 2 padding - kh) / stride + 1, (w + 2 padding - kw) / stride + 1]
PISR_CORE_API Variable conv2d(const Variable& x, const Variable& weight, const Variable& bias,
                              const Conv2dOptions& options = {});

/// relu(conv2d(x, weight, bias)), and leaky_relu() of it; the same bits as the two operations, on
/// the CPU in one pass over the result where no gradient is recorded.
PISR_CORE_API Variable conv2d_relu(const Variable& x, const Variable& weight, const Variable& bias,
                                   const Conv2dOptions& options = {});
PISR_CORE_API Variable conv2d_leaky_relu(const Variable& x, const Variable& weight,
                                         const Variable& bias, double slope,
                                         const Conv2dOptions& options = {});

/// prelu(conv2d(x, weight, bias), slope) in one pass over the result, with slope [1] or one per
/// channel [k]; the same bits as the two operations.
PISR_CORE_API Variable conv2d_prelu(const Variable& x, const Variable& weight, const Variable& bias,
                                    const Variable& slope, const Conv2dOptions& options = {});

/// Geometry of conv_transpose2d, the same along height and width.
struct ConvTranspose2dOptions {
  int stride = 1;
  int padding = 0;
  int output_padding = 0;
  int groups = 1;
};

/// x [n, c, h, w], weight [c, k / groups, kh, kw], bias [k] or undefined ->
/// [n, k, (h - 1) stride - 2 padding + kh + output_padding, ...]; output_padding < stride.
PISR_CORE_API Variable conv_transpose2d(const Variable& x, const Variable& weight,
                                        const Variable& bias,
                                        const ConvTranspose2dOptions& options = {});

/// max(x, 0) + slope min(x, 0), slope [1] or one per channel [c]; x [n, c, ...].
PISR_CORE_API Variable prelu(const Variable& x, const Variable& slope);
PISR_CORE_API Variable relu(const Variable& x);
PISR_CORE_API Variable leaky_relu(const Variable& x, double slope);
PISR_CORE_API Variable sigmoid(const Variable& x);
/// factor log(1 + exp(x)) + offset; the logarithm is exact to a few ulp at both ends.
PISR_CORE_API Variable softplus(const Variable& x, double factor = 1, double offset = 0);
PISR_CORE_API Variable exp(const Variable& x);
PISR_CORE_API Variable log(const Variable& x);
PISR_CORE_API Variable abs(const Variable& x);
/// min(max(x, low), high), low <= high; NaN stays NaN. The derivative is 1 where low <= x <= high,
/// bounds included, and 0 elsewhere.
PISR_CORE_API Variable clamp(const Variable& x, double low, double high);

/// Elementwise. The second operand has the shape of the first or is broadcast over it: one element,
/// one value per channel [c], or one per image and channel [n, c, 1, 1].
PISR_CORE_API Variable operator+(const Variable& a, const Variable& b);
PISR_CORE_API Variable operator-(const Variable& a, const Variable& b);
PISR_CORE_API Variable operator*(const Variable& a, const Variable& b);
PISR_CORE_API Variable operator/(const Variable& a, const Variable& b);

PISR_CORE_API Variable operator+(const Variable& a, double b);
PISR_CORE_API Variable operator+(double a, const Variable& b);
PISR_CORE_API Variable operator-(const Variable& a, double b);
PISR_CORE_API Variable operator-(double a, const Variable& b);
PISR_CORE_API Variable operator-(const Variable& a);
PISR_CORE_API Variable operator*(const Variable& a, double b);
PISR_CORE_API Variable operator*(double a, const Variable& b);
PISR_CORE_API Variable operator/(const Variable& a, double b);
PISR_CORE_API Variable operator/(double a, const Variable& b);

/// Over all elements; the result has shape [1].
PISR_CORE_API Variable sum(const Variable& x);
PISR_CORE_API Variable mean(const Variable& x);

/// Same numbers, another shape.
PISR_CORE_API Variable reshape(const Variable& x, Shape shape);
/// The value without its history: a constant.
PISR_CORE_API Variable detach(const Variable& x);

/// Along channels: [n, c_i, h, w] -> [n, sum c_i, h, w]; any number of parts but none. More than 4
/// are joined in groups, so that the first parts are copied once for each factor of 4.
PISR_CORE_API Variable concat_channels(std::span<const Variable> parts);
PISR_CORE_API Variable concat_channels(std::initializer_list<Variable> parts);
/// Channels [first, first + count).
PISR_CORE_API Variable slice_channels(const Variable& x, std::int64_t first, std::int64_t count);

/// Depth to space: [n, c r^2, h, w] -> [n, c, h r, w r].
PISR_CORE_API Variable pixel_shuffle(const Variable& x, int factor);
/// Mean over blocks of s x s: [n, c, h s, w s] -> [n, c, h, w].
PISR_CORE_API Variable block_mean(const Variable& x, int factor);
/// MATLAB's imresize(x, scale, 'bicubic') of each plane: Keys' cubic kernel with a = -0.5, border
/// mirrored with the edge sample repeated; [n, c, h, w] -> [n, c, h s, w s], scale 1 to 8. Neither
/// rounded nor clamped.
PISR_CORE_API Variable upscale_bicubic(const Variable& x, int scale);
/// The same for imresize(x, 1 / scale, 'bicubic'), with antialiasing; h and w are multiples of the
/// scale: [n, c, h s, w s] -> [n, c, h, w]. It is the transpose of upscale_bicubic over s^2.
PISR_CORE_API Variable downscale_bicubic(const Variable& x, int scale);
/// Linear interpolation of each plane, whose border goes on beyond it: pixel i of a row lies at
/// (i + 0.5) / scale - 0.5 of x; [n, c, h, w] -> [n, c, h s, w s].
PISR_CORE_API Variable upscale_bilinear(const Variable& x, int scale);

/// Rows above and below an image and columns beside it.
struct Sides {
  int top = 0, left = 0, bottom = 0, right = 0;
};
/// Zeros around each plane: [n, c, h, w] -> [n, c, h + top + bottom, w + left + right].
PISR_CORE_API Variable pad(const Variable& x, const Sides& sides);
/// Without the sides of each plane: [n, c, h, w] -> [n, c, h - top - bottom, w - left - right].
PISR_CORE_API Variable crop(const Variable& x, const Sides& sides);
/// Over each plane: [n, c, h, w] -> [n, c, 1, 1]; the standard deviation is the population's.
PISR_CORE_API Variable global_mean(const Variable& x);
PISR_CORE_API Variable global_standard_deviation(const Variable& x);

/// A loss with checked operands that has not been computed yet.
struct LossTerm {
  const char* name = nullptr;
  kernels::LossOp op = kernels::LossOp::l1;
  Variable target, location;
  Variable spread;  ///< undefined for l1_term
};
/// As l1_loss, laplace_nll and gaussian_nll below.
PISR_CORE_API LossTerm l1_term(const Variable& x, const Variable& target);
PISR_CORE_API LossTerm laplace_term(const Variable& target, const Variable& location,
                                    const Variable& scale);
PISR_CORE_API LossTerm gaussian_term(const Variable& target, const Variable& location,
                                     const Variable& variance);

/// Each of shape [1].
struct WeightedLoss {
  Variable total;          ///< first + weight second
  Variable first, second;  ///< not weighted, constants; the second undefined where there is none
};
/// The loss that a network is trained with. A second term of weight 0 has no gradient. On a device
/// one pass computes the losses and the gradients of the total.
PISR_CORE_API WeightedLoss weighted_loss(const LossTerm& first, const LossTerm& second = {},
                                         double weight = 0);

/// mean |target - x|; shape [1].
PISR_CORE_API Variable l1_loss(const Variable& x, const Variable& target);
/// mean( log(2 b) + |target - location| / b ), PISR eq. 10; b > 0.
PISR_CORE_API Variable laplace_nll(const Variable& target, const Variable& location,
                                   const Variable& scale);
/// mean( log(v) / 2 + (target - location)^2 / (2 v) ); variance v > 0.
PISR_CORE_API Variable gaussian_nll(const Variable& target, const Variable& location,
                                    const Variable& variance);

}  // namespace pisr
