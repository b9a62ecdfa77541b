#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/// Tables of text on stdout.
namespace pisr {

/// "33.661"; "inf" and "nan" for what is not finite.
std::string decimal(double value, int digits);
/// 2867712000 -> "2.87 G".
std::string giga(std::int64_t count);

/// Rows of cells, each column as wide as its widest cell. The first `left` columns are aligned to
/// the left, the others to the right.
void print_table(const std::vector<std::vector<std::string>>& rows, std::size_t left);

}  // namespace pisr
