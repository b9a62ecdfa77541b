#pragma once

#include <cstdint>

#include "kernels/conv_args.h"
#include "kernels/host_device.h"
#include "kernels/training_args.h"

namespace pisr::kernels {

/// y = f(x), element by element. `parameter` is the slope of leaky_relu, the numerator of
/// reciprocal, the factor of softplus, parameter log(1 + e^x) + offset, and the lower bound of
/// clamp, min(max(x, parameter), high), which keeps NaN.
enum class UnaryOp { relu, leaky_relu, sigmoid, softplus, exp, log, abs, reciprocal, clamp };

/// Whether f'(x) is computed from y and not from x.
PISR_HOST_DEVICE constexpr bool derivative_reads_y(UnaryOp op) {
  return op == UnaryOp::sigmoid || op == UnaryOp::exp;
}

/// y = op(x), element by element; see UnaryOp for the parameters.
template <class T>
struct UnaryArgs {
  UnaryOp op;
  std::int64_t count;
  T parameter;
  const T* x;
  T* y;
  T offset = 0;
  T high = 0;
};

/// dx = dy f'(x). As in PyTorch, relu, leaky_relu and abs take derivative 0, slope and 0 at x = 0,
/// and clamp takes 1 at both bounds. What is not read of x and y may be null (derivative_reads_y).
template <class T>
struct UnaryBackwardArgs {
  UnaryOp op;
  std::int64_t count;
  T parameter;
  const T* x;
  const T* y;
  const T* dy;
  T* dx;
  Store dx_store;
  T high = 0;
};

/// y = scale * x + offset; x may be y.
template <class T>
struct AffineArgs {
  std::int64_t count;
  T scale;
  T offset;
  const T* x;
  T* y;
  Store y_store;
};

enum class BinaryOp { add, subtract, multiply, divide };

/// How the second operand is broadcast over the first, [batch, channels, inner].
enum class Broadcast {
  same,     ///< as large as the first
  channel,  ///< one value per channel: [channels]
  plane,    ///< one value per image and channel: [batch, channels, 1, 1]
  scalar,   ///< one value
};

/// y = a op b, y as large as a.
template <class T>
struct BinaryArgs {
  BinaryOp op;
  Broadcast broadcast;
  std::int64_t batch, channels, inner;
  const T* a;
  const T* b;
  T* y;
};

/// Gradients of `BinaryArgs`. add and subtract read neither a nor b, multiply reads a for db and b
/// for da, divide reads b and, for db, a; what is not read may be null.
template <class T>
struct BinaryBackwardArgs {
  BinaryOp op;
  Broadcast broadcast;
  std::int64_t batch, channels, inner;
  const T* a;
  const T* b;
  const T* dy;
  T* da;  ///< may be null
  T* db;  ///< may be null; summed over the elements that b was broadcast to
  Store da_store;
  Store db_store;
};

/// y = x > 0 ? x : slope x, with one slope for all (slopes == 1) or one per channel (slopes ==
/// channels).
template <class T>
struct PreluArgs {
  std::int64_t batch, channels, inner, slopes;
  const T* x;
  const T* slope;
  T* y;
};

/// Gradients of PReLU by its input and its slopes.
template <class T>
struct PreluBackwardArgs {
  std::int64_t batch, channels, inner, slopes;
  const T* x;
  const T* slope;
  const T* dy;
  T* dx;      ///< may be null, and may be dy
  T* dslope;  ///< may be null
  Store dx_store;
  Store dslope_store;
  /// Gradient of a bias that was added to x, [channels]: the sums of what is stored in dx. May be
  /// null.
  T* dbias = nullptr;
  Store dbias_store = Store::write;
  DeferredSums<T>* deferred = nullptr;  ///< where not null, dslope and dbias may be deferred
};

/// y[0] = scale * sum of x. Its backward is `broadcast_scalar`.
template <class T>
struct SumArgs {
  std::int64_t count;
  T scale;
  const T* x;
  T* y;
};

/// dx[i] = scale * dy[0]
template <class T>
struct BroadcastScalarArgs {
  std::int64_t count;
  T scale;
  const T* dy;
  T* dx;
  Store dx_store;
};

enum class PlaneStatistic { mean, standard_deviation };

/// One number per plane: the mean, or the population standard deviation. x [planes, inner], y
/// [planes].
template <class T>
struct PlaneStatisticArgs {
  PlaneStatistic statistic;
  std::int64_t planes, inner;
  const T* x;
  T* y;
};

/// Standard deviation: dx = dy (x - mean) / (inner * y), and 0 where y is 0.
template <class T>
struct PlaneStatisticBackwardArgs {
  PlaneStatistic statistic;
  std::int64_t planes, inner;
  const T* x;
  const T* y;
  const T* dy;
  T* dx;
  Store dx_store;
};

/// Copies `blocks` runs of `length` elements from source + i source_stride to target + i
/// target_stride: concatenation and slicing along channels, and their gradients.
template <class T>
struct CopyBlocksArgs {
  std::int64_t blocks, length, source_stride, target_stride;
  const T* source;
  T* target;
  Store target_store;
};

/// Depth to space, r = factor: y[n, c, h r + i, w r + j] = x[n, c r^2 + i r + j, h, w]
/// with x [batch, channels factor^2, height, width] and y [batch, channels, height factor, width
/// factor].
template <class T>
struct PixelShuffleArgs {
  std::int64_t batch, channels, height, width;
  int factor;
  const T* x;
  T* y;
};

/// The gradient of depth to space: dy goes back to the channel it came from.
template <class T>
struct PixelShuffleBackwardArgs {
  std::int64_t batch, channels, height, width;
  int factor;
  const T* dy;
  T* dx;
  Store dx_store;
};

/// Mean over blocks of factor x factor: x [planes, height factor, width factor], y [planes, height,
/// width].
template <class T>
struct BlockMeanArgs {
  std::int64_t planes, height, width;
  int factor;
  const T* x;
  T* y;
};

/// The gradient of a block mean: dx is dy / factor^2 of its block.
template <class T>
struct BlockMeanBackwardArgs {
  std::int64_t planes, height, width;
  int factor;
  const T* dy;
  T* dx;
  Store dx_store;
};

/// MATLAB's bicubic interpolation between a small image [planes, height, width] and a large one
/// [planes, height scale, width scale], scale 1 to kLargestBicubicScale (kernels/bicubic.h). With U
/// for imresize(..., scale, 'bicubic'), which enlarges:
///   upscale_bicubic:    y = gain U x,    x the small image and y the large one
///   downscale_bicubic:  y = gain U^T x,  x the large image and y the small one
/// U^T / scale^2 is imresize(..., 1 / scale, 'bicubic') with antialiasing: its kernel is that of U
/// stretched by scale, and its mirrored border is that of U. Each kernel gives the gradient of the
/// other.
template <class T>
struct BicubicArgs {
  std::int64_t planes, height, width;
  int scale;
  T gain;
  const T* x;
  T* y;
  Store y_store;
};

/// y[0] = mean over all elements of
///   l1:            |target - location|
///   laplace_nll:   log(2 spread) + |target - location| / spread              (PISR eq. 10)
///   gaussian_nll:  log(spread) / 2 + (target - location)^2 / (2 spread)
/// where spread is the scale of the Laplace and the variance of the Gaussian distribution.
enum class LossOp { l1, laplace_nll, gaussian_nll };

/// A loss as a mean over `count` elements: y[0], see LossOp.
template <class T>
struct LossArgs {
  LossOp op;
  std::int64_t count;
  const T* target;
  const T* location;
  const T* spread;  ///< null for l1
  T* y;
};

/// Gradients of y[0] times dy[0]. The derivative of |x| at 0 is 0.
template <class T>
struct LossBackwardArgs {
  LossOp op;
  std::int64_t count;
  const T* target;
  const T* location;
  const T* spread;
  const T* dy;
  T* dtarget;    ///< may be null
  T* dlocation;  ///< may be null
  T* dspread;    ///< may be null
  Store dtarget_store;
  Store dlocation_store;
  Store dspread_store;
};

/// A loss, its weight in a weighted sum, and where the gradients of their product go.
template <class T>
struct WeightedTerm {
  LossArgs<T> loss;
  T weight;
  T* dtarget;    ///< may be null
  T* dlocation;  ///< may be null
  T* dspread;    ///< may be null
};

/// total[0] = sum of weight * loss over the terms, their losses, and the gradients of the total. A
/// loss of weight 0 may be infinite.
template <class T>
struct WeightedLossArgs {
  static constexpr int kMostTerms = 2;
  int count;
  WeightedTerm<T> terms[kMostTerms];
  T* total;
};

}  // namespace pisr::kernels
