#include <cstdint>

#include "kernels/instantiate.h"
#include "kernels/naive/naive.h"
#include "kernels/naive/store.h"

namespace pisr::kernels::naive {
namespace {

// Calls visit(large, small) for each element, with its offsets in the large image [batch, channels,
// height factor, width factor] and in the small one [batch, channels factor^2, height, width].
template <class Args, class Visit>
void for_each_pixel(const Args& a, Visit visit) {
  const std::int64_t factor = a.factor;
  std::int64_t large = 0;
  for (std::int64_t plane = 0; plane < a.batch * a.channels; ++plane) {
    for (std::int64_t row = 0; row < a.height * factor; ++row) {
      for (std::int64_t column = 0; column < a.width * factor; ++column, ++large) {
        const std::int64_t channel = (plane * factor + row % factor) * factor + column % factor;
        visit(large, (channel * a.height + row / factor) * a.width + column / factor);
      }
    }
  }
}

}  // namespace

template <class T>
void copy_blocks(Launcher&, const CopyBlocksArgs<T>& a) {
  for (std::int64_t block = 0; block < a.blocks; ++block) {
    for (std::int64_t i = 0; i < a.length; ++i) {
      store(a.target[block * a.target_stride + i], a.source[block * a.source_stride + i],
            a.target_store);
    }
  }
}

template <class T>
void pixel_shuffle(Launcher&, const PixelShuffleArgs<T>& a) {
  for_each_pixel(a, [&](std::int64_t large, std::int64_t small) { a.y[large] = a.x[small]; });
}

template <class T>
void pixel_shuffle_backward(Launcher&, const PixelShuffleBackwardArgs<T>& a) {
  for_each_pixel(a, [&](std::int64_t large, std::int64_t small) {
    store(a.dx[small], a.dy[large], a.dx_store);
  });
}

PISR_INSTANTIATE(copy_blocks, CopyBlocksArgs)
PISR_INSTANTIATE(pixel_shuffle, PixelShuffleArgs)
PISR_INSTANTIATE(pixel_shuffle_backward, PixelShuffleBackwardArgs)

}  // namespace pisr::kernels::naive
