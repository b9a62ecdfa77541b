// A chain of convolutions in one pass over the image. The chain is cut into runs; a run is computed
// tile of columns by tile of columns, from the top down, and each stage keeps only the few rows
// that the kernel of the next one covers (a line buffer). The next stage reads that buffer as its
// window, so nothing is copied but the rows that two strips share.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/conv/conv_blocks.h"
#include "kernels/cpu/conv/conv_filter.h"
#include "kernels/cpu/conv/conv_pairs.h"
#include "kernels/cpu/conv/conv_tiles.h"
#include "kernels/cpu/conv/conv_window.h"
#include "kernels/cpu/cpu.h"
#include "kernels/instantiate.h"

namespace pisr::kernels::cpu {
namespace {

/// What the windows of a run may take of the level-2 cache.
constexpr std::int64_t kRunBytes = std::int64_t{640} * 1024;
constexpr std::int64_t kMostColumns = 192;
constexpr std::int64_t kMostRows = 8;
/// Bands of rows compute the rows between them twice, so they are made only to keep threads busy.
constexpr std::int64_t kTasksPerWorker = 4;
constexpr std::int64_t kLeastBandRows = 48;
/// Rows that a stage may be ahead, as it computes them in pairs.
constexpr std::int64_t kRowsBeyond = 1;

/// One convolution of a run.
template <class T>
struct Stage {
  ConvGeometry positions;
  Window window;
  std::int64_t window_begin;  ///< in the memory of a worker
  PairRows pairs;
  FilterBanks<T> banks;

  std::int64_t rows_above() const { return positions.kernel_height - 1; }
};

template <class T>
ConvGeometry positions_of(const ChainStage<T>& stage) {
  return stage.transposed ? positions_to_large(transposed(stage.sizes))
                          : positions_to_small(stage.sizes);
}

/// Stages of a run hand rows on: all but the first read them one by one and take zeros outside, and
/// all but the last write them one by one.
bool can_follow(const ConvGeometry& previous, const ConvGeometry& next) {
  return previous.block == 1 && next.stride == 1 && next.padding_mode == PaddingMode::zero;
}

/// Where a task is in one stage.
struct Progress {
  std::int64_t next_row;               ///< position not yet computed
  std::int64_t first_column, columns;  ///< positions of the task's tile
};

template <class T>
struct Run {
  const Stage<T>* stages;
  int count;
  const T* source;
  T* target;
  std::int64_t strip_rows, tile_columns;
  std::int64_t pair_begin, joined_begin, worker_size;
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
      const ConvGeometry& p = run_.stages[i].positions;
      row = std::max<std::int64_t>(0, p.top + row);
      const std::int64_t past =
          std::min<std::int64_t>(p.width, p.left + column + columns + p.kernel_width - 1);
      column = std::max<std::int64_t>(0, p.left + column);
      columns = past - column;
      if (i > 0) {
        // What is outside the image stays zero: only what is inside is written to.
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
      for (int group = 0; group < stage.positions.groups; ++group) {
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
    const ConvGeometry& p = stage.positions;
    const std::int64_t channels = std::int64_t{p.groups} * p.channels;
    const T* const image = run_.source + image_ * channels * p.height * p.width;
    stage.window.fill(conv_tiles<T>(), Planes<T>{image, p.height, p.width, p.padding_mode},
                      static_cast<int>(channels), p.top + at.next_row * p.stride,
                      p.left + at.first_column * p.stride, window_of(0));
  }

  /// Lets the stage before compute what the next `rows` rows of stage i read.
  void fetch(int i, std::int64_t rows) {
    const Stage<T>& stage = run_.stages[i];
    const ConvGeometry& p = stage.positions;
    const std::int64_t first = p.top + progress_[i].next_row;
    const std::int64_t past = first + rows + stage.rows_above();
    // A pair of rows too many is no work lost: the window keeps the second one.
    advance(i - 1, std::min<std::int64_t>(p.height, round_up(past, 2)));
    // Below the image, in place of what an earlier strip left there.
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
    const std::int64_t kept = stage.rows_above() + kRowsBeyond;
    for (int c = 0; c < stage.positions.groups * stage.positions.channels; ++c) {
      T* const plane = window_of(i) + stage.window.offset(c, 0, 0);
      const T* const shared = plane + rows * stage.window.pitch();
      std::copy(shared, shared + kept * stage.window.pitch(), plane);
    }
  }

  /// The window of a group of a stage.
  const T* input_of(const Stage<T>& stage, int group) const {
    return memory_ + stage.window_begin +
           stage.window.offset(group * stage.positions.channels, 0, 0);
  }

  /// Calls compute_row(y) for the next `rows` rows of positions one by one, or compute_pair(y,
  /// wanted) for two of them in one, of which y, even, is the first and both are not always wanted;
  /// what they read is at pair_of_rows() then.
  template <class ComputeRow, class ComputePair>
  void for_each_row(const Stage<T>& stage, const Progress& at, int group, std::int64_t rows,
                    const ComputeRow& compute_row, const ComputePair& compute_pair) const {
    const std::int64_t past = at.next_row + rows;
    for (std::int64_t y = at.next_row; y < past;) {
      const std::int64_t first = y / 2 * 2;
      if (!stage.pairs.empty() && stage.positions.pair_is_inside(first)) {
        stage.pairs.fill(conv_tiles<T>(), input_of(stage, group), first - at.next_row,
                         pair_of_rows());
        compute_pair(first, PairChoice{first == y, first + 1 < past});
        y = first + 2;
      } else {
        compute_row(y++);
      }
    }
  }

  T* pair_of_rows() const { return memory_ + run_.pair_begin; }

  /// For a stage whose positions are pixels: computes rows whose first one is at `out`.
  void convolve(const Stage<T>& stage, const Progress& at, int group, std::int64_t rows, T* out,
                std::int64_t pitch, std::int64_t channel_stride) const {
    const auto run = [&](const FilterBank<T>& bank, const T* input, std::int64_t first,
                         std::int64_t count, const auto& compute) {
      ConvolvePass<T> p = pass_of(bank.filters[0], group);
      p.rows = count;
      p.columns = at.columns;
      p.input = input;
      p.input_pitch = stage.window.pitch();
      p.out = out + (first - at.next_row) * pitch;
      p.out_pitch = pitch;
      p.out_channel_stride = channel_stride;
      p.store = Store::write;
      compute(p);
    };
    const ConvVectorOps<T>& tiles = conv_tiles<T>();
    const T* const window = input_of(stage, group);
    if (stage.pairs.empty()) {
      run(stage.banks.rows, window, at.next_row, rows, tiles.convolve);
      return;
    }
    for_each_row(
        stage, at, group, rows,
        [&](std::int64_t y) {
          run(stage.banks.rows, window + (y - at.next_row) * stage.window.pitch(), y, 1,
              tiles.convolve);
        },
        [&](std::int64_t y, PairChoice wanted) {
          run(stage.banks.pairs, pair_of_rows(), y, 2,
              [&](const ConvolvePass<T>& pass) { tiles.convolve_pair(pass, wanted); });
        });
  }

  /// Computes rows of stage i into the window of the next.
  void hand_on(int i, int group, std::int64_t rows) const {
    const Stage<T>& stage = run_.stages[i];
    const Stage<T>& next = run_.stages[i + 1];
    const Progress& at = progress_[i];
    const std::int64_t row = at.next_row - (next.positions.top + progress_[i + 1].next_row);
    const std::int64_t column =
        at.first_column - (next.positions.left + progress_[i + 1].first_column);
    T* const window =
        window_of(i + 1) + next.window.offset(group * stage.positions.out_channels, 0, 0);
    convolve(stage, at, group, rows, window + row * next.window.pitch() + column,
             next.window.pitch(), next.window.channel_stride());
  }

  /// Computes rows of the last stage into the result.
  void write(const Stage<T>& stage, const Progress& at, int group, std::int64_t rows) const {
    const ConvGeometry& positions = stage.positions;
    const std::int64_t plane = std::int64_t{positions.out_height} * positions.out_width;
    T* const target =
        run_.target + (image_ * positions.groups + group) * positions.out_channels * plane;
    if (positions.block == 1) {
      convolve(stage, at, group, rows, target + at.next_row * positions.out_width + at.first_column,
               positions.out_width, plane);
      return;
    }
    const BlockRows<T> blocks(conv_tiles<T>(), positions, stage.banks, group,
                              memory_ + run_.joined_begin, run_.tile_columns);
    T* const no_before = nullptr;
    for_each_row(
        stage, at, group, rows,
        [&](std::int64_t y) {
          const T* const input = input_of(stage, group) + (y - at.next_row) * stage.window.pitch();
          blocks.compute({input, y, at.first_column, at.columns}, target, no_before, Store::write);
        },
        [&](std::int64_t y, PairChoice wanted) {
          blocks.compute_pair({pair_of_rows(), y, at.first_column, at.columns}, wanted, target,
                              no_before, Store::write);
        });
  }

  const Run<T>& run_;
  T* memory_;
  Progress* progress_;
  std::int64_t image_;
};

/// Sets the windows of all stages for strips of so many rows and tiles of so many columns, and
/// where they stand in the memory of a worker; returns how much that is.
template <class T>
std::int64_t place_windows(Stage<T>* stages, int count, std::int64_t rows, std::int64_t columns) {
  std::int64_t size = 0;
  for (int i = count - 1; i >= 0; --i) {
    const ConvGeometry& p = stages[i].positions;
    stages[i].window = Window(p.groups * p.channels, p.kernel_height, p.kernel_width, p.stride,
                              rows + (i == 0 ? 0 : kRowsBeyond), columns, conv_tiles<T>().lanes);
    stages[i].window_begin = size;
    size += round_up(static_cast<std::int64_t>(stages[i].window.size()), conv_tiles<T>().lanes);
    columns = std::min<std::int64_t>(columns + p.kernel_width - 1, p.width);
  }
  return size;
}

template <class T>
void compute_run(Launcher& launcher, const ChainStage<T>* chain, int count, const T* source,
                 T* target) {
  auto* const stages = launcher.scratch_array<Stage<T>>(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    stages[i].positions = positions_of(chain[i]);
  }
  const ConvGeometry& last = stages[count - 1].positions;
  Run<T> run{};
  run.stages = stages;
  run.count = count;
  run.source = source;
  run.target = target;
  const std::int64_t lanes = conv_tiles<T>().lanes;
  run.tile_columns =
      round_up(ceil_divide(last.columns, ceil_divide(last.columns, kMostColumns)), lanes);
  run.strip_rows = std::min(last.rows, kMostRows);
  run.pair_begin = place_windows(stages, count, run.strip_rows, run.tile_columns);
  while (run.strip_rows > 2 && run.pair_begin * static_cast<std::int64_t>(sizeof(T)) > kRunBytes) {
    run.strip_rows = (run.strip_rows - 1) / 2 * 2;
    run.pair_begin = place_windows(stages, count, run.strip_rows, run.tile_columns);
  }
  std::int64_t pair_size = 0;
  for (int i = 0; i < count; ++i) {
    stages[i].pairs = pair_rows_of(launcher, stages[i].positions, stages[i].window);
    pair_size = std::max(pair_size, static_cast<std::int64_t>(stages[i].pairs.size()));
    const auto offset = [&](int c, int y, int x) { return stages[i].window.offset(c, y, x); };
    const TapSource taps{offset, stages[i].pairs};
    const Epilogue<T> epilogue{chain[i].bias, chain[i].activation};
    stages[i].banks = chain[i].transposed ? filters_to_large(launcher, transposed(chain[i].sizes),
                                                             chain[i].weight, epilogue, taps)
                                          : filters_to_small(launcher, chain[i].sizes,
                                                             chain[i].weight, epilogue, taps);
  }
  run.joined_begin = run.pair_begin + pair_size;
  run.worker_size = run.joined_begin + 4 * joined_size(last, run.tile_columns);

  const std::int64_t workers = launcher.workers();
  const std::int64_t column_tasks = ceil_divide(last.columns, run.tile_columns);
  const std::int64_t most_bands = std::max<std::int64_t>(1, last.rows / kLeastBandRows);
  const std::int64_t wanted_bands =
      workers == 1 ? 1 : ceil_divide(kTasksPerWorker * workers, last.batch * column_tasks);
  const std::int64_t bands = std::min(most_bands, wanted_bands);
  T* const memory = launcher.scratch_array<T>(static_cast<std::size_t>(run.worker_size * workers));
  auto* const progress =
      launcher.scratch_array<Progress>(static_cast<std::size_t>(count * workers));
  launcher.parallel_for(last.batch * column_tasks * bands, [&](std::int64_t task, int worker) {
    const std::int64_t band = task % bands;
    const std::int64_t column = task / bands % column_tasks * run.tile_columns;
    RunTask<T> part(run, memory + worker * run.worker_size, progress + worker * count,
                    task / bands / column_tasks);
    const auto begin = [&](std::int64_t b) {
      return b == bands ? last.rows : last.rows * b / bands / 2 * 2;
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
           can_follow(positions_of(args.stages[past - 1]), positions_of(args.stages[past]))) {
      ++past;
    }
    T* target = args.y;
    if (past < args.count) {
      target = launcher.scratch_array<T>(output_count(args.stages[past - 1].sizes));
    }
    compute_run(launcher, args.stages + first, past - first, source, target);
    source = target;
    first = past;
  }
}

PISR_INSTANTIATE(conv_chain, ConvChainArgs)

}  // namespace pisr::kernels::cpu
