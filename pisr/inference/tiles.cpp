#include "pisr/inference/tiles.h"

#include <algorithm>
#include <limits>

namespace pisr {
namespace {

/// A part of one axis.
struct Span {
  int first, count, read_first, read_count;
};

/// Parts of `count` pixels, the last one of fewer.
std::vector<Span> spans(int extent, int count, int margin) {
  std::vector<Span> parts;
  for (int first = 0; first < extent; first += std::min(count, extent - first)) {
    const int past = first + std::min(count, extent - first);
    const int read_first = std::max(0, first - margin);
    const int read_past =
        static_cast<int>(std::min<std::int64_t>(extent, std::int64_t{past} + margin));
    parts.push_back({first, past - first, read_first, read_past - read_first});
  }
  return parts;
}

int even_part(int extent, int parts) {
  const int part = extent / parts + (extent % parts != 0 ? 1 : 0);
  return part + part % 2;
}

std::int64_t pixels_read(const std::vector<Span>& spans) {
  std::int64_t sum = 0;
  for (const Span& span : spans) {
    sum += span.read_count;
  }
  return sum;
}

std::vector<Tile> tiles_of(const std::vector<Span>& columns, const std::vector<Span>& rows) {
  std::vector<Tile> tiles;
  for (const Span& row : rows) {
    for (const Span& column : columns) {
      tiles.push_back({column.first, row.first, column.count, row.count, column.read_first,
                       row.read_first, column.read_count, row.read_count});
    }
  }
  return tiles;
}

}  // namespace

int margin_of_tiles(int halo) {
  // Beyond what the network sees, as far as bits go: rows are computed two at a time from an even
  // one on, and those at a border one at a time (kernels/cpu/conv/winograd.h), which reaches one
  // row further than the first convolution does.
  return (halo + 2) / 2 * 2;
}

std::vector<Tile> tiles_of_side(int width, int height, int margin, int side) {
  const int even = side + side % 2;
  return tiles_of(spans(width, even, margin), spans(height, even, margin));
}

std::vector<Tile> cut_into_tiles(int width, int height, int margin, std::int64_t most_pixels) {
  // Smaller pieces would read little else than their margin.
  const int least = std::max(16, margin);
  std::vector<Span> columns = spans(width, least, margin);
  std::vector<Span> rows = spans(height, least, margin);
  std::int64_t fewest = std::numeric_limits<std::int64_t>::max();
  for (int parts = 1; parts == 1 || even_part(width, parts) >= least; ++parts) {
    const std::vector<Span> wide = spans(width, even_part(width, parts), margin);
    const std::int64_t rows_read =
        most_pixels / std::ranges::max(wide, {}, &Span::read_count).read_count;
    const std::int64_t most_rows =
        rows_read >= height ? height + height % 2 : (rows_read - 2 * std::int64_t{margin}) / 2 * 2;
    if (most_rows < std::min(least, height)) {
      continue;
    }
    const int count = static_cast<int>((height + most_rows - 1) / most_rows);
    const std::vector<Span> high = spans(height, even_part(height, count), margin);
    const std::int64_t read = pixels_read(wide) * pixels_read(high);
    if (read < fewest) {
      fewest = read;
      columns = wide;
      rows = high;
    }
  }
  return tiles_of(columns, rows);
}

}  // namespace pisr
