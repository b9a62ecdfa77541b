// A chain of convolutions in one pass over the image. The chain is cut into runs of stages that can
// hand rows on. A run is computed in tiles of columns, each from the top down in strips of a few
// rows, and each stage keeps only the rows that the kernel of the next one covers (a line buffer).
// The next stage reads that buffer as its window, so only the rows that two strips share are
// copied.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/conv/conv_geometry.h"
#include "kernels/cpu/conv/conv_vector_ops.h"
#include "kernels/cpu/conv/conv_window.h"
#include "kernels/cpu/conv/packed_filter.h"
#include "kernels/cpu/conv/rounding.h"
#include "kernels/cpu/conv/row_convolver.h"
#include "kernels/cpu/conv/winograd.h"
#include "kernels/cpu/cpu.h"
#include "kernels/instantiate.h"

namespace pisr::kernels::cpu {
namespace {

/// How much of the level-2 cache the windows of a run may take.
constexpr std::int64_t kRunBytes = std::int64_t{640} * 1024;
constexpr std::int64_t kMostColumns = 192;
constexpr std::int64_t kMostRows = 8;
/// The image is cut into bands of rows only to keep threads busy: two bands both compute the rows
/// between them.
constexpr std::int64_t kTasksPerWorker = 4;
constexpr std::int64_t kLeastBandRows = 48;
/// Rows that a stage may be ahead, because Winograd computes two at a time.
constexpr std::int64_t kRowsAhead = 1;

/// One convolution of a run.
template <class T>
struct Stage {
  ConvGeometry geometry;
  Window window;
  std::int64_t window_begin;  ///< in the memory of a worker
  InputTransform transform;
  ConvFilters<T> filters;

  /// Rows of the window above those of its last row of positions.
  std::int64_t rows_above() const { return geometry.kernel_height - 1; }
};

template <class T>
ConvGeometry geometry_of(const ChainStage<T>& stage) {
  return stage.transposed ? conv_transpose_geometry(transposed(stage.sizes))
                          : conv_forward_geometry(stage.sizes);
}

/// Whether `next` can read the rows of `previous` from a line buffer: these must be rows of pixels,
/// and `next` must have stride 1 and zeros outside the image.
bool can_follow(const ConvGeometry& previous, const ConvGeometry& next) {
  return previous.upscale == 1 && next.stride == 1 && next.padding_mode == PaddingMode::zero;
}

/// Where a task is in one stage.
struct Progress {
  std::int64_t next_row;               ///< of positions: the first that is not computed yet
  std::int64_t first_column, columns;  ///< of positions of the task's tile
};

template <class T>
struct Run {
  const Stage<T>* stages;
  int count;
  const T* source;
  T* target;
  std::int64_t strip_rows, tile_columns;
  /// Of the memory of a worker: where transformed rows and depth rows begin, and how much it is.
  std::int64_t transformed_begin, depth_begin, worker_size;
};

/// Computes one tile of columns of one band of rows.
template <class T>
class RunTask {
 public:
  RunTask(const Run<T>& run, T* memory, Progress* progress, std::int64_t image)
      : run_(run), memory_(memory), progress_(progress), image_(image) {}

  void compute(std::int64_t first_row, std::int64_t past_row, std::int64_t first_column,
               std::int64_t columns) {
    start(first_row, first_column, columns);
    advance(run_.count - 1, past_row);
  }

 private:
  /// The part of each stage that the tile needs.
  void start(std::int64_t row, std::int64_t column, std::int64_t columns) {
    for (int i = run_.count - 1; i >= 0; --i) {
      progress_[i] = {row, column, columns};
      const ConvGeometry& p = run_.stages[i].geometry;
      row = std::max<std::int64_t>(0, p.top + row);
      const std::int64_t past =
          std::min<std::int64_t>(p.width, p.left + column + columns + p.kernel_width - 1);
      column = std::max<std::int64_t>(0, p.left + column);
      columns = past - column;
      if (i > 0) {
        // Only what is inside the image is written later; the rest stays zero.
        T* const window = window_of(i);
        std::fill_n(window, run_.stages[i].window.size(), T{0});
      }
    }
  }

  T* window_of(int i) const { return memory_ + run_.stages[i].window_begin; }

  /// Computes the positions of stage i up to `past_row`.
  void advance(int i, std::int64_t past_row) {
    const Stage<T>& stage = run_.stages[i];
    Progress& at = progress_[i];
    while (at.next_row < past_row) {
      const std::int64_t rows = std::min(run_.strip_rows, past_row - at.next_row);
      if (i == 0) {
        read(stage, at);
      } else {
        fetch(i, rows);
      }
      for (int group = 0; group < stage.geometry.groups; ++group) {
        if (i + 1 < run_.count) {
          hand_on(i, group, rows);
        } else {
          write(stage, at, group, rows);
        }
      }
      at.next_row += rows;
      if (i > 0) {
        keep_shared_rows(i, rows);
      }
    }
  }

  void read(const Stage<T>& stage, const Progress& at) const {
    const ConvGeometry& p = stage.geometry;
    const std::int64_t channels = std::int64_t{p.groups} * p.channels;
    const T* const image = run_.source + image_ * channels * p.height * p.width;
    stage.window.fill(conv_vector_ops<T>(), Planes<T>{image, p.height, p.width, p.padding_mode},
                      static_cast<int>(channels), p.top + at.next_row * p.stride,
                      p.left + at.first_column * p.stride, window_of(0));
  }

  /// Has the stage before compute what the next `rows` rows of stage i read.
  void fetch(int i, std::int64_t rows) {
    const Stage<T>& stage = run_.stages[i];
    const ConvGeometry& p = stage.geometry;
    const std::int64_t first = p.top + progress_[i].next_row;
    const std::int64_t past = first + rows + stage.rows_above();
    // To an even row, as Winograd computes two at a time; the window keeps the row too many.
    advance(i - 1, std::min<std::int64_t>(p.height, round_up(past, 2)));
    // Zeros below the image, in place of what an earlier strip left there.
    for (std::int64_t row = std::max<std::int64_t>(p.height, first); row < past; ++row) {
      for (int c = 0; c < p.groups * p.channels; ++c) {
        std::fill_n(
            window_of(i) + stage.window.offset(c, 0, 0) + (row - first) * stage.window.pitch(),
            stage.window.pitch(), T{0});
      }
    }
  }

  void keep_shared_rows(int i, std::int64_t rows) const {
    const Stage<T>& stage = run_.stages[i];
    const std::int64_t kept = stage.rows_above() + kRowsAhead;
    for (int c = 0; c < stage.geometry.groups * stage.geometry.channels; ++c) {
      T* const plane = window_of(i) + stage.window.offset(c, 0, 0);
      const T* const shared = plane + rows * stage.window.pitch();
      std::copy(shared, shared + kept * stage.window.pitch(), plane);
    }
  }

  /// The window of a group of a stage.
  const T* input_of(const Stage<T>& stage, int group) const {
    return memory_ + stage.window_begin +
           stage.window.offset(group * stage.geometry.channels, 0, 0);
  }

  /// What the next rows of a stage read.
  auto source_of(const Stage<T>& stage, const Progress& at, int group) const {
    const T* const window = input_of(stage, group);
    T* const transformed = memory_ + run_.transformed_begin;
    return RowSource{stage.window.pitch(),
                     [&stage, &at, window](std::int64_t y) {
                       return window + (y - at.next_row) * stage.window.pitch();
                     },
                     [&stage, &at, window, transformed](std::int64_t y) -> const T* {
                       stage.transform.apply(conv_vector_ops<T>(), window, y - at.next_row,
                                             -(at.first_column % 2), transformed);
                       return transformed;
                     }};
  }

  RowConvolver<T> convolver_of(const Stage<T>& stage, int group) const {
    return {stage.geometry,   stage.transform, stage.filters, group, memory_ + run_.depth_begin,
            run_.tile_columns};
  }

  /// Computes rows of stage i into the window of the next.
  void hand_on(int i, int group, std::int64_t rows) const {
    const Stage<T>& stage = run_.stages[i];
    const Stage<T>& next = run_.stages[i + 1];
    const Progress& at = progress_[i];
    const std::int64_t row = at.next_row - (next.geometry.top + progress_[i + 1].next_row);
    const std::int64_t column =
        at.first_column - (next.geometry.left + progress_[i + 1].first_column);
    T* const window =
        window_of(i + 1) + next.window.offset(group * stage.geometry.out_channels, 0, 0);
    convolver_of(stage, group)
        .to_pixels(source_of(stage, at, group), {at.next_row, rows, at.first_column, at.columns},
                   {window + row * next.window.pitch() + column, nullptr, next.window.pitch(),
                    next.window.channel_stride(), Store::write});
  }

  /// Computes rows of the last stage into the result.
  void write(const Stage<T>& stage, const Progress& at, int group, std::int64_t rows) const {
    const ConvGeometry& geometry = stage.geometry;
    const std::int64_t plane = geometry.out_height * geometry.out_width;
    T* const target =
        run_.target + (image_ * geometry.groups + group) * geometry.out_channels * plane;
    const RowConvolver<T> convolver = convolver_of(stage, group);
    const auto source = source_of(stage, at, group);
    const PositionTile tile{at.next_row, rows, at.first_column, at.columns};
    if (geometry.upscale > 1) {
      convolver.to_image(source, tile, target, nullptr, Store::write);
    } else {
      convolver.to_pixels(source, tile,
                          {target + at.next_row * geometry.out_width + at.first_column, nullptr,
                           geometry.out_width, plane, Store::write});
    }
  }

  const Run<T>& run_;
  T* memory_;
  Progress* progress_;
  std::int64_t image_;
};

/// Sets the windows of all stages for strips of `rows` rows and tiles of `columns` columns, and
/// where they begin in the memory of a worker; returns how many elements they have.
template <class T>
std::int64_t place_windows(Stage<T>* stages, int count, std::int64_t rows, std::int64_t columns) {
  std::int64_t size = 0;
  for (int i = count - 1; i >= 0; --i) {
    const ConvGeometry& p = stages[i].geometry;
    stages[i].window =
        Window(p.groups * p.channels, p.kernel_height, p.kernel_width, p.stride,
               rows + (i == 0 ? 0 : kRowsAhead), columns, conv_vector_ops<T>().lanes);
    stages[i].window_begin = size;
    size +=
        round_up(static_cast<std::int64_t>(stages[i].window.size()), conv_vector_ops<T>().lanes);
    columns = std::min<std::int64_t>(columns + p.kernel_width - 1, p.width);
  }
  return size;
}

/// Rows [first, past).
struct RowRange {
  std::int64_t first, past;
};

/// The rows of positions, from an even one on, that have the rows `wanted` of the image.
RowRange positions_of(const ConvGeometry& geometry, RowRange wanted) {
  return {(wanted.first + geometry.crop) / geometry.upscale / 2 * 2,
          std::min(geometry.rows, ceil_divide(wanted.past + geometry.crop, geometry.upscale))};
}

/// Computes the rows `wanted` of the image and perhaps others.
template <class T>
void compute_run(Launcher& launcher, const ChainStage<T>* chain, int count, const T* source,
                 T* target, RowRange wanted) {
  auto* const stages = launcher.scratch_array<Stage<T>>(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    stages[i].geometry = geometry_of(chain[i]);
  }
  const ConvGeometry& last = stages[count - 1].geometry;
  Run<T> run{};
  run.stages = stages;
  run.count = count;
  run.source = source;
  run.target = target;
  const std::int64_t lanes = conv_vector_ops<T>().lanes;
  run.tile_columns = round_up(even_share(last.columns, kMostColumns), lanes);
  run.strip_rows = std::min(last.rows, kMostRows);
  run.transformed_begin = place_windows(stages, count, run.strip_rows, run.tile_columns);
  while (run.strip_rows > 2 &&
         run.transformed_begin * static_cast<std::int64_t>(sizeof(T)) > kRunBytes) {
    run.strip_rows = (run.strip_rows - 1) / 2 * 2;
    run.transformed_begin = place_windows(stages, count, run.strip_rows, run.tile_columns);
  }
  std::int64_t transformed_size = 0;
  for (int i = 0; i < count; ++i) {
    Stage<T>& stage = stages[i];
    // A tile may begin with the odd column of a pair.
    stage.transform = input_transform(launcher, stage.geometry, stage.window,
                                      stage.window.columns() + 1, conv_vector_ops<T>().lanes);
    transformed_size =
        std::max(transformed_size, static_cast<std::int64_t>(stage.transform.size()));
    const auto offset = [&](int c, int y, int x) { return stage.window.offset(c, y, x); };
    const TapSource taps{offset, stage.transform};
    const Epilogue<T> epilogue{chain[i].bias, chain[i].activation};
    stage.filters =
        chain[i].transposed
            ? conv_transpose_filters(launcher, transposed(chain[i].sizes), chain[i].weight,
                                     epilogue, taps)
            : conv_forward_filters(launcher, chain[i].sizes, chain[i].weight, epilogue, taps);
  }
  run.depth_begin = run.transformed_begin + transformed_size;
  run.worker_size = run.depth_begin + 4 * depth_row_size(last, run.tile_columns);

  const RowRange rows = positions_of(last, wanted);
  const std::int64_t row_count = rows.past - rows.first;
  const std::int64_t workers = launcher.workers();
  const std::int64_t column_tasks = ceil_divide(last.columns, run.tile_columns);
  const std::int64_t most_bands = std::max<std::int64_t>(1, row_count / kLeastBandRows);
  const std::int64_t wanted_bands =
      workers == 1 ? 1 : ceil_divide(kTasksPerWorker * workers, last.batch * column_tasks);
  const std::int64_t bands = std::min(most_bands, wanted_bands);
  T* const memory = launcher.scratch_array<T>(static_cast<std::size_t>(run.worker_size * workers));
  auto* const progress =
      launcher.scratch_array<Progress>(static_cast<std::size_t>(count * workers));
  launcher.parallel_for(last.batch * column_tasks * bands, [&](std::int64_t task, int worker) {
    const std::int64_t band = task % bands;
    const std::int64_t column = task / bands % column_tasks * run.tile_columns;
    RunTask<T> part(run, memory + worker * run.worker_size,
                    progress + std::ptrdiff_t{worker} * count, task / bands / column_tasks);
    const auto begin = [&](std::int64_t b) {
      return b == bands ? rows.past : rows.first + row_count * b / bands / 2 * 2;
    };
    part.compute(begin(band), begin(band + 1), column,
                 std::min(run.tile_columns, last.columns - column));
  });
}

}  // namespace

template <class T>
void conv_chain(Launcher& launcher, const ConvChainArgs<T>& args) {
  const T* source = args.x;
  for (int first = 0; first < args.count;) {
    int past = first + 1;
    while (past < args.count &&
           can_follow(geometry_of(args.stages[past - 1]), geometry_of(args.stages[past]))) {
      ++past;
    }
    T* target = args.y;
    const std::int64_t height = args.stages[past - 1].sizes.out_height;
    RowRange wanted{0, height};
    if (past == args.count && args.past_row > 0) {
      wanted = {args.first_row, args.past_row};
    } else if (past < args.count) {
      target = launcher.scratch_array<T>(output_count(args.stages[past - 1].sizes));
    }
    compute_run(launcher, args.stages + first, past - first, source, target, wanted);
    source = target;
    first = past;
  }
}

PISR_INSTANTIATE(conv_chain, ConvChainArgs)

}  // namespace pisr::kernels::cpu
