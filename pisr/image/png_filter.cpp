#include "pisr/image/png_filter.h"

#include <algorithm>
#include <cstdint>

// The loops are written so that compilers vectorise them: no branch, no index but i.

namespace pisr {
namespace {

using Byte = std::uint8_t;

struct Rows {
  const Byte* row;
  const Byte* above;
  std::size_t size;
  std::size_t pixel;
};

void filter_none(Rows rows, Byte* to) {
  std::copy_n(rows.row, rows.size, to);
}

// Left of the first pixel all samples are 0.

void filter_sub(Rows rows, Byte* to) {
  const Byte* row = rows.row;
  std::copy_n(row, rows.pixel, to);
  const Byte* left = row - rows.pixel;
  for (std::size_t i = rows.pixel; i < rows.size; ++i) {
    to[i] = static_cast<Byte>(row[i] - left[i]);
  }
}

void filter_up(Rows rows, Byte* to) {
  const Byte* row = rows.row;
  const Byte* above = rows.above;
  for (std::size_t i = 0; i < rows.size; ++i) {
    to[i] = static_cast<Byte>(row[i] - above[i]);
  }
}

void filter_average(Rows rows, Byte* to) {
  const Byte* row = rows.row;
  const Byte* above = rows.above;
  for (std::size_t i = 0; i < rows.pixel; ++i) {
    to[i] = static_cast<Byte>(row[i] - above[i] / 2);
  }
  const Byte* left = row - rows.pixel;
  for (std::size_t i = rows.pixel; i < rows.size; ++i) {
    to[i] = static_cast<Byte>(row[i] - (left[i] + above[i]) / 2);
  }
}

void filter_paeth(Rows rows, Byte* to) {
  const Byte* row = rows.row;
  const Byte* above = rows.above;
  for (std::size_t i = 0; i < rows.pixel; ++i) {
    to[i] = static_cast<Byte>(row[i] - above[i]);
  }
  const Byte* left_row = row - rows.pixel;
  const Byte* corner_row = above - rows.pixel;
  // In 16 bits, twice as many lanes as in int.
  const auto magnitude = [](std::int16_t v) { return static_cast<std::int16_t>(v < 0 ? -v : v); };
  for (std::size_t i = rows.pixel; i < rows.size; ++i) {
    const std::int16_t left = left_row[i];
    const std::int16_t up = above[i];
    const std::int16_t corner = corner_row[i];
    const auto from_left = static_cast<std::int16_t>(up - corner);
    const auto from_up = static_cast<std::int16_t>(left - corner);
    const std::int16_t of_left = magnitude(from_left);
    const std::int16_t of_up = magnitude(from_up);
    const std::int16_t of_corner = magnitude(static_cast<std::int16_t>(from_left + from_up));
    const std::int16_t second = of_up <= of_corner ? up : corner;
    const std::int16_t nearest = of_left <= of_up && of_left <= of_corner ? left : second;
    to[i] = static_cast<Byte>(row[i] - nearest);
  }
}

/// The sum of the bytes' absolute values, taken as signed.
std::uint64_t cost(const Byte* bytes, std::size_t size) {
  constexpr std::size_t kBlock = std::size_t{1} << 20;  // whose sum fits 32 bits
  std::uint64_t sum = 0;
  for (std::size_t from = 0; from < size; from += kBlock) {
    const std::size_t end = std::min(size, from + kBlock);
    std::uint32_t part = 0;
    for (std::size_t i = from; i < end; ++i) {
      const Byte negated = static_cast<Byte>(-bytes[i]);
      part += std::min(bytes[i], negated);
    }
    sum += part;
  }
  return sum;
}

}  // namespace

void filter_png_row(std::span<const std::byte> row, std::span<const std::byte> above,
                    std::size_t pixel, std::span<std::byte> to, std::span<std::byte> scratch) {
  // In the order of their numbers in the file.
  static constexpr void (*kFilters[])(Rows, Byte*) = {filter_none, filter_sub, filter_up,
                                                      filter_average, filter_paeth};
  const Rows rows = {reinterpret_cast<const Byte*>(row.data()),
                     reinterpret_cast<const Byte*>(above.data()), row.size(), pixel};
  auto* best = reinterpret_cast<Byte*>(to.data()) + 1;
  auto* trial = reinterpret_cast<Byte*>(scratch.data());
  // Of photographs it is the best in nearly all rows: the others are seldom copied.
  constexpr int kPaeth = 4;
  filter_paeth(rows, best);
  std::uint64_t least = cost(best, row.size());
  to[0] = std::byte{kPaeth};
  for (int filter = 0; filter < kPaeth; ++filter) {
    kFilters[filter](rows, trial);
    const std::uint64_t sum = cost(trial, row.size());
    if (sum < least) {
      least = sum;
      to[0] = static_cast<std::byte>(filter);
      std::copy_n(trial, row.size(), best);
    }
  }
}

void keep_png_row(std::span<const std::byte> row, std::span<std::byte> to) {
  to[0] = std::byte{0};
  std::copy(row.begin(), row.end(), to.begin() + 1);
}

}  // namespace pisr
