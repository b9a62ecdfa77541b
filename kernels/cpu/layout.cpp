#include <algorithm>
#include <cstdint>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/segments.h"
#include "kernels/instantiate.h"

// These kernels only move memory, which the compiler vectorises as well as we could.
namespace pisr::kernels::cpu {

template <class T>
void copy_blocks(Launcher& launcher, const CopyBlocksArgs<T>& a) {
  Segments(a.blocks, a.length).for_each(launcher, [&](const Segment& s) {
    const std::int64_t offset = s.begin - s.plane * a.length;
    const T* source = a.source + s.plane * a.source_stride + offset;
    T* target = a.target + s.plane * a.target_stride + offset;
    if (a.target_store == Store::write) {
      std::copy_n(source, s.count, target);
    } else {
      for (std::int64_t i = 0; i < s.count; ++i) {
        target[i] += source[i];
      }
    }
  });
}

namespace {

// Calls visit(small, large, count) for each run of `count` neighbours of the small image, whose
// places in the large one lie `factor` apart. `small` and `large` are the offsets of the first.
template <class Args, class Visit>
void for_each_run(Launcher& launcher, const Args& a, const Visit& visit) {
  const std::int64_t factor = a.factor;
  const Segments rows(a.batch * a.channels * factor * factor * a.height, a.width);
  rows.for_each(launcher, [&](const Segment& s) {
    const std::int64_t row = s.plane % a.height, small_plane = s.plane / a.height;
    const std::int64_t j = small_plane % factor, i = small_plane / factor % factor;
    const std::int64_t plane = small_plane / (factor * factor);
    const std::int64_t column = s.begin - s.plane * a.width;
    const std::int64_t large_row = (plane * a.height + row) * factor + i;
    visit(s.begin, (large_row * a.width + column) * factor + j, s.count);
  });
}

}  // namespace

template <class T>
void pixel_shuffle(Launcher& launcher, const PixelShuffleArgs<T>& a) {
  for_each_run(launcher, a, [&](std::int64_t small, std::int64_t large, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      a.y[large + i * a.factor] = a.x[small + i];
    }
  });
}

template <class T>
void pixel_shuffle_backward(Launcher& launcher, const PixelShuffleBackwardArgs<T>& a) {
  for_each_run(launcher, a, [&](std::int64_t small, std::int64_t large, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      const T dy = a.dy[large + i * a.factor];
      a.dx[small + i] = a.dx_store == Store::add ? a.dx[small + i] + dy : dy;
    }
  });
}

PISR_INSTANTIATE(copy_blocks, CopyBlocksArgs)
PISR_INSTANTIATE(pixel_shuffle, PixelShuffleArgs)
PISR_INSTANTIATE(pixel_shuffle_backward, PixelShuffleBackwardArgs)

}  // namespace pisr::kernels::cpu
