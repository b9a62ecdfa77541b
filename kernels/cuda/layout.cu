#include <cstdint>

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/map.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

template <class T>
struct CopyBlocks {
  CopyBlocksArgs<T> a;
  __device__ void operator()(std::int64_t block, std::int64_t i) const {
    store(a.target[block * a.target_stride + i], a.source[block * a.source_stride + i],
          a.target_store);
  }
};

// Index, in the small image of a pixel shuffle, of element (row, column) of the large one, where
// rows are counted over all planes.
template <class Args>
__device__ std::int64_t small_index(const Args& a, std::int64_t large_row, int large_column) {
  const int large_height = static_cast<int>(a.height) * a.factor;
  const std::int64_t plane = large_row / large_height;
  const int row = static_cast<int>(large_row % large_height);
  const std::int64_t channel =
      (plane * a.factor + row % a.factor) * a.factor + large_column % a.factor;
  return (channel * a.height + row / a.factor) * a.width + large_column / a.factor;
}

template <class T>
struct PixelShuffle {
  PixelShuffleArgs<T> a;
  __device__ void operator()(std::int64_t row, std::int64_t column) const {
    a.y[row * a.width * a.factor + column] = a.x[small_index(a, row, static_cast<int>(column))];
  }
};

template <class T>
struct PixelShuffleBackward {
  PixelShuffleBackwardArgs<T> a;
  __device__ void operator()(std::int64_t row, std::int64_t column) const {
    store(a.dx[small_index(a, row, static_cast<int>(column))],
          a.dy[row * a.width * a.factor + column], a.dx_store);
  }
};

// Rows are counted over all planes.
template <class T>
struct BlockMean {
  BlockMeanArgs<T> a;
  __device__ void operator()(std::int64_t row, std::int64_t column) const {
    const std::int64_t width = a.width * a.factor;
    const T* x = a.x + row * a.factor * width + column * a.factor;
    T sum = 0;
    for (int i = 0; i < a.factor; ++i) {
      for (int j = 0; j < a.factor; ++j) {
        sum += x[i * width + j];
      }
    }
    a.y[row * a.width + column] = sum / static_cast<T>(a.factor * a.factor);
  }
};

template <class T>
struct BlockMeanBackward {
  BlockMeanBackwardArgs<T> a;
  __device__ void operator()(std::int64_t row, std::int64_t column) const {
    const T dy = a.dy[row / a.factor * a.width + static_cast<int>(column) / a.factor];
    store(a.dx[row * a.width * a.factor + column], dy / static_cast<T>(a.factor * a.factor),
          a.dx_store);
  }
};

}  // namespace

template <class T>
void copy_blocks(Launcher& launcher, const CopyBlocksArgs<T>& args) {
  map_planes(launcher, args.blocks, args.length, CopyBlocks<T>{args});
}

template <class T>
void pixel_shuffle(Launcher& launcher, const PixelShuffleArgs<T>& args) {
  map_planes(launcher, args.batch * args.channels * args.height * args.factor,
             args.width * args.factor, PixelShuffle<T>{args});
}

template <class T>
void pixel_shuffle_backward(Launcher& launcher, const PixelShuffleBackwardArgs<T>& args) {
  map_planes(launcher, args.batch * args.channels * args.height * args.factor,
             args.width * args.factor, PixelShuffleBackward<T>{args});
}

template <class T>
void block_mean(Launcher& launcher, const BlockMeanArgs<T>& args) {
  map_planes(launcher, args.planes * args.height, args.width, BlockMean<T>{args});
}

template <class T>
void block_mean_backward(Launcher& launcher, const BlockMeanBackwardArgs<T>& args) {
  map_planes(launcher, args.planes * args.height * args.factor, args.width * args.factor,
             BlockMeanBackward<T>{args});
}

PISR_INSTANTIATE(copy_blocks, CopyBlocksArgs)
PISR_INSTANTIATE(pixel_shuffle, PixelShuffleArgs)
PISR_INSTANTIATE(pixel_shuffle_backward, PixelShuffleBackwardArgs)
PISR_INSTANTIATE(block_mean, BlockMeanArgs)
PISR_INSTANTIATE(block_mean_backward, BlockMeanBackwardArgs)

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
