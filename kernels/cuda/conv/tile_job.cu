// How a convolution is divided into tiles.

#include <algorithm>

#include "kernels/cuda/conv/conv_primitives.h"
#include "kernels/cuda/conv/stride_residue.h"
#include "kernels/cuda/conv/tile_job.h"
#include "kernels/cuda/conv/tile_loads.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {

TileJob forward_job(const ConvSizes& sizes) {
  TileJob job = {};
  job.residue_count = 1;
  TileResidue& residue = job.residues[0];
  residue.rows = sizes.out_height;
  residue.columns = sizes.out_width;
  residue.first_y = residue.first_x = -sizes.padding;
  residue.taps_y = sizes.kernel_height;
  residue.taps_x = sizes.kernel_width;
  job.channels = sizes.in_channels;
  job.source_height = sizes.in_height;
  job.source_width = sizes.in_width;
  job.step = sizes.stride;
  job.replicate = sizes.padding_mode == PaddingMode::replicate;
  job.filters = sizes.out_channels;
  job.target_step = 1;
  job.target_channels = sizes.out_channels;
  job.target_height = sizes.out_height;
  job.target_width = sizes.out_width;
  job.kernel_height = sizes.kernel_height;
  job.kernel_width = sizes.kernel_width;
  job.weight_step = 1;
  job.weight_of_channel = sizes.kernel_height * sizes.kernel_width;
  job.weight_of_filter =
      count_32(std::int64_t{job.weight_of_channel} * sizes.in_channels, "weights");
  return job;
}

namespace {

// What transpose_job and merged_transpose_job share.
TileJob common_transpose_job(const ConvSizes& sizes) {
  TileJob job = {};
  job.channels = sizes.out_channels;
  job.source_height = sizes.out_height;
  job.source_width = sizes.out_width;
  job.target_channels = sizes.in_channels;
  job.target_height = sizes.in_height;
  job.target_width = sizes.in_width;
  job.kernel_height = sizes.kernel_height;
  job.kernel_width = sizes.kernel_width;
  job.weight_step = -sizes.stride;
  job.weight_of_filter = sizes.kernel_height * sizes.kernel_width;
  job.weight_of_channel =
      count_32(std::int64_t{job.weight_of_filter} * sizes.in_channels, "weights");
  return job;
}

// The rows, or the columns, of the small image that contribute to a cell of the large one.
struct Window {
  int first, taps;

  Window(int side, int kernel, int stride, int padding) {
    const int lowest = padding - (kernel - 1);  // stride * first is at least this
    first = lowest > 0 ? (lowest + stride - 1) / stride : lowest / stride;
    taps = (side - 1 + padding) / stride - first + 1;
  }
};

}  // namespace

TileJob transpose_job(const ConvSizes& sizes) {
  TileJob job = common_transpose_job(sizes);
  const int stride = sizes.stride;
  job.residue_count = stride * stride;
  for (int i = 0; i < job.residue_count; ++i) {
    const StrideResidue rows(i / stride, sizes.in_height, sizes.kernel_height, stride,
                             sizes.padding);
    const StrideResidue columns(i % stride, sizes.in_width, sizes.kernel_width, stride,
                                sizes.padding);
    TileResidue& residue = job.residues[i];
    residue.rows = rows.count;
    residue.columns = columns.count;
    // TileResidue counts taps in the direction of the source: from the kernel's last.
    residue.first_y = rows.first - (rows.taps - 1);
    residue.first_x = columns.first - (columns.taps - 1);
    residue.taps_y = rows.taps;
    residue.taps_x = columns.taps;
    residue.offset_y = rows.offset;
    residue.offset_x = columns.offset;
    residue.weight_row = rows.first_tap + (rows.taps - 1) * stride;
    residue.weight_column = columns.first_tap + (columns.taps - 1) * stride;
  }
  job.step = 1;
  job.filters = sizes.in_channels;
  job.target_step = stride;
  return job;
}

TileJob merged_transpose_job(const ConvSizes& sizes, int merged) {
  TileJob job = common_transpose_job(sizes);
  const int side = sizes.stride * merged;
  const Window rows(side, sizes.kernel_height, sizes.stride, sizes.padding);
  const Window columns(side, sizes.kernel_width, sizes.stride, sizes.padding);
  job.residue_count = 1;
  TileResidue& residue = job.residues[0];
  residue.rows = (sizes.in_height + side - 1) / side;
  residue.columns = (sizes.in_width + side - 1) / side;
  residue.first_y = rows.first;
  residue.first_x = columns.first;
  residue.taps_y = rows.taps;
  residue.taps_x = columns.taps;
  residue.weight_row = sizes.padding - sizes.stride * rows.first;
  residue.weight_column = sizes.padding - sizes.stride * columns.first;
  job.step = merged;
  job.filters = sizes.in_channels * side * side;
  job.target_step = side;
  job.cell = FastDivide(side * side);
  job.cell_columns = FastDivide(side);
  return job;
}

bool fit_tile(TileJob& job, const TileShape& shape) {
  count_32(std::int64_t{job.target_height} * job.target_width, "pixels");
  int rows = 0, columns = 0, taps_y = 1, taps_x = 1;
  job.most_taps = 1;
  for (int i = 0; i < job.residue_count; ++i) {
    TileResidue& residue = job.residues[i];
    residue.divide_taps = FastDivide(std::max(1, residue.taps()));
    residue.divide_row = FastDivide(std::max(1, residue.taps_x));
    rows = std::max(rows, residue.rows);
    columns = std::max(columns, residue.columns);
    taps_y = std::max(taps_y, residue.taps_y);
    taps_x = std::max(taps_x, residue.taps_x);
    job.most_taps = std::max(job.most_taps, residue.taps());
  }
  job.rows_of_tile = shape.rows;
  job.columns_of_tile = shape.columns;
  job.tiles_x = (columns + shape.columns - 1) / shape.columns;
  job.tiles = count_32(std::int64_t{job.tiles_x} * ((rows + shape.rows - 1) / shape.rows), "tiles");
  job.tile_height = (shape.rows - 1) * job.step + taps_y;
  job.tile_width = FastDivide((shape.columns - 1) * job.step + taps_x);
  job.divide_step = FastDivide(job.step);
  job.columns_of_step = (job.tile_width.divisor() + job.step - 1) / job.step;
  job.row_pitch = std::max(job.columns_of_step * job.step, shape.row_pitch);
  job.float4s_of_row = FastDivide(std::max(1, job.row_pitch / 4));
  const int plane = job.tile_height * job.row_pitch;
  job.plane_pitch =
      (plane - shape.plane_rest + shape.plane_unit - 1) / shape.plane_unit * shape.plane_unit +
      shape.plane_rest;
  job.filters_of_block = shape.filters;
  job.filter_pitch = shape.filter_pitch == 0 ? shape.filters : shape.filter_pitch;
  job.blocks_of_filters = (job.filters + shape.filters - 1) / shape.filters;
  const int groups = (job.channels + shape.channels - 1) / shape.channels;
  job.padded_channels = groups * shape.channels;
  const std::size_t bytes_of_group =
      (static_cast<std::size_t>(job.most_taps) * job.filter_pitch + job.plane_pitch) *
      shape.channels * sizeof(float);
  const auto fitting =
      static_cast<int>(std::min<std::size_t>(shape.most_shared / bytes_of_group, groups));
  job.chunk = fitting * shape.channels;
  job.shared_bytes = fitting * bytes_of_group;
  return fitting > 0;
}

bool can_load_float4(const TileJob& job) {
  bool can = job.step == 1 && !job.replicate && job.source_width % 4 == 0 &&
             job.row_pitch % 4 == 0 && job.plane_pitch % 4 == 0 &&
             reinterpret_cast<std::uintptr_t>(job.source) % sizeof(float4) == 0;
  for (int i = 0; i < job.residue_count; ++i) {
    const TileResidue& residue = job.residues[i];
    can = can && lead_of(residue) + job.columns_of_tile - 1 + residue.taps_x <= job.row_pitch;
  }
  return can;
}

dim3 tile_blocks(const TileJob& job, std::int64_t batch) {
  return {block_count(batch * job.tiles, 1), static_cast<unsigned>(job.blocks_of_filters),
          static_cast<unsigned>(job.residue_count)};
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
