// The differentiable operations and imresize, which reads and writes images, are one bicubic.

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/ops.h"
#include "core/philox.h"
#include "pisr/image/imresize.h"
#include "tests/catch.h"
#include "tests/worse.h"

namespace pisr {
namespace {

Plane random_plane(int width, int height) {
  Plane plane(width, height, 1);
  Random random(5, RandomUse::test, static_cast<std::uint64_t>(width));
  for (double& sample : plane.samples) {
    sample = random.uniform(-1, 2);
  }
  return plane;
}

/// Both planes as the channels of one image.
Tensor image_of(const Plane& first, const Plane& second) {
  const Tensor tensor = Tensor::empty({1, 2, first.height, first.width}, DType::f64);
  const auto middle =
      std::copy(first.samples.begin(), first.samples.end(), tensor.values<double>().begin());
  std::copy(second.samples.begin(), second.samples.end(), middle);
  return tensor;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  const Tensor one = a.to(DType::f64), other = b.to(DType::f64);
  REQUIRE(one.shape() == other.shape());
  double worst = 0;
  for (std::int64_t i = 0; i < one.count(); ++i) {
    const double error = std::abs(one.data<double>()[i] - other.data<double>()[i]);
    worst = worse(worst, error);
  }
  return worst;
}

}  // namespace

TEST_CASE("upscale_bicubic and downscale_bicubic have the values of imresize") {
  struct Size {
    int width, height;
  };
  for (const Size size :
       {Size{1, 1}, Size{1, 7}, Size{7, 1}, Size{2, 3}, Size{13, 9}, Size{71, 5}}) {
    for (const int scale : {1, 2, 3, 4, 5, 8}) {
      CAPTURE(size.width, size.height, scale);
      const Plane small = random_plane(size.width, size.height);
      const Plane large = random_plane(size.width * scale, size.height * scale);
      Plane flat(size.width, size.height, 1), large_flat(large.width, large.height, 1);
      std::fill(flat.samples.begin(), flat.samples.end(), 0.75);
      std::fill(large_flat.samples.begin(), large_flat.samples.end(), 0.75);
      const Tensor up = image_of(upscale(small, scale), large_flat);
      const Tensor down = image_of(downscale(large, scale), flat);
      const Tensor from_small = image_of(small, flat), from_large = image_of(large, large_flat);
      for (const Backend backend : {Backend::naive, Backend::cpu}) {
        for (const DType dtype : {DType::f32, DType::f64}) {
          CAPTURE(backend == Backend::cpu, dtype);
          Context context(backend);
          Tape tape(context, Tape::Mode::inference);
          const auto error = [&](auto operation, const Tensor& x, const Tensor& wanted) {
            const Variable y = operation(tape.constant(x.to(dtype)), scale);
            return largest_difference(y.value(), wanted);
          };
          // imresize rounds the place of a sample, which is off by more the longer the side is.
          const double of_place = std::numeric_limits<double>::epsilon() * large.width;
          const double rounding = dtype == DType::f32 ? 1e-6 : 1e-14 + of_place;
          CHECK(error(upscale_bicubic, from_small, up) <= rounding);
          CHECK(error(downscale_bicubic, from_large, down) <= rounding);
        }
      }
    }
  }
}

TEST_CASE("a pixel of bicubic interpolation has the same bits in a narrower image") {
  constexpr int kWidth = 70;
  const auto enlarged = [](int first, int width, int scale, bool down) {
    const int factor = down ? scale : 1;
    const Tensor x = Tensor::empty({1, 1, std::int64_t{3} * factor, std::int64_t{width} * factor});
    const int side = kWidth * factor;
    for (int i = 0; i < x.count(); ++i) {
      const int at = i / (width * factor) * side + first * factor + i % (width * factor);
      x.data<float>()[i] = static_cast<float>(std::sin(1.0 + 0.7 * at));
    }
    Context context;
    Tape tape(context, Tape::Mode::inference);
    const Variable v = tape.constant(x);
    return (down ? downscale_bicubic(v, scale) : upscale_bicubic(v, scale)).value().clone();
  };
  for (const bool down : {false, true}) {
    for (const int scale : {2, 3, 4, 5}) {
      const int factor = down ? 1 : scale;
      const Tensor whole = enlarged(0, kWidth, scale, down);
      for (const int first : {0, 1, 16, 23}) {
        for (const int width : {9, 16, 17, 31, kWidth - first}) {
          CAPTURE(down, scale, first, width);
          const Tensor part = enlarged(first, width, scale, down);
          const bool right = first + width == kWidth;
          int different = 0;
          for (int x = first == 0 ? 0 : 3; x < width - (right ? 0 : 3); ++x) {
            for (int i = 0; i < factor; ++i) {
              different += part.data<float>()[x * factor + i] !=
                                   whole.data<float>()[(first + x) * factor + i]
                               ? 1
                               : 0;
            }
          }
          CHECK(different == 0);
        }
      }
    }
  }
}

}  // namespace pisr
