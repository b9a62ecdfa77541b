#pragma once

#include <cstddef>
#include <span>

namespace pisr {

/// Filters a row for PNG by the one of its five filters whose result has the smallest sum of
/// absolute values. `row` and `above` have the bytes of a row, 16 bit samples with the high byte
/// first; above the first row all are 0. `pixel`: bytes of a pixel. `to`: one byte more, the first
/// for the filter. `scratch` has room for a row. No two overlap.
void filter_png_row(std::span<const std::byte> row, std::span<const std::byte> above,
                    std::size_t pixel, std::span<std::byte> to, std::span<std::byte> scratch);

/// The row as it is, for files that are not compressed.
void keep_png_row(std::span<const std::byte> row, std::span<std::byte> to);

}  // namespace pisr
