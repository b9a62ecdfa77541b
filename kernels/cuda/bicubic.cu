#include <cstdint>

#include "kernels/bicubic.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/map.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

// Rows of the result are counted over all planes.

template <class T>
struct UpscaleBicubic {
  BicubicArgs<T> a;
  BicubicWeights<T> weights;

  __device__ void operator()(std::int64_t large_row, std::int64_t large_column) const {
    const int scale = weights.scale, column = static_cast<int>(large_column);
    const std::int64_t plane = large_row / (a.height * scale);
    const int row = static_cast<int>(large_row - plane * a.height * scale);
    const int row_phase = row % scale, column_phase = column % scale;
    const int top = row / scale + weights.first(row_phase);
    const int left = column / scale + weights.first(column_phase);
    T sum = 0;
    for (int i = 0; i < kBicubicTaps; ++i) {
      const T* const x = a.x + (plane * a.height + mirrored(top + i, a.height)) * a.width;
      T of_row = 0;
      for (int j = 0; j < kBicubicTaps; ++j) {
        of_row += weights.of_phase[column_phase][j] * x[mirrored(left + j, a.width)];
      }
      sum += weights.of_phase[row_phase][i] * of_row;
    }
    store(a.y[large_row * a.width * scale + large_column], a.gain * sum, a.y_store);
  }
};

template <class T>
struct DownscaleBicubic {
  BicubicArgs<T> a;
  BicubicWeights<T> weights;

  // The sum over one row of the large image.
  __device__ T sum_of_row(const T* x, int column, std::int64_t width) const {
    const int scale = weights.scale;
    T sum = 0;
    for (int phase = 0; phase < scale; ++phase) {
      const int last = column - weights.first(phase);
      for (int tap = 0; tap < kBicubicTaps; ++tap) {
        const std::int64_t from = std::int64_t{last - tap} * scale + phase;
        sum += weights.of_phase[phase][tap] * x[mirrored(from, width)];
      }
    }
    return sum;
  }

  __device__ void operator()(std::int64_t small_row, std::int64_t column) const {
    const int scale = weights.scale;
    const std::int64_t plane = small_row / a.height;
    const std::int64_t height = a.height * scale, width = a.width * scale;
    const int row = static_cast<int>(small_row - plane * a.height);
    T sum = 0;
    for (int phase = 0; phase < scale; ++phase) {
      const int last = row - weights.first(phase);
      for (int tap = 0; tap < kBicubicTaps; ++tap) {
        const std::int64_t from = mirrored(std::int64_t{last - tap} * scale + phase, height);
        sum += weights.of_phase[phase][tap] *
               sum_of_row(a.x + (plane * height + from) * width, static_cast<int>(column), width);
      }
    }
    store(a.y[small_row * a.width + column], a.gain * sum, a.y_store);
  }
};

}  // namespace

template <class T>
void upscale_bicubic(Launcher& launcher, const BicubicArgs<T>& args) {
  map_planes(launcher, args.planes * args.height * args.scale, args.width * args.scale,
             UpscaleBicubic<T>{args, BicubicWeights<T>(args.scale)});
}

template <class T>
void downscale_bicubic(Launcher& launcher, const BicubicArgs<T>& args) {
  map_planes(launcher, args.planes * args.height, args.width,
             DownscaleBicubic<T>{args, BicubicWeights<T>(args.scale)});
}

PISR_INSTANTIATE(upscale_bicubic, BicubicArgs)
PISR_INSTANTIATE(downscale_bicubic, BicubicArgs)

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
