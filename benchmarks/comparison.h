#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pisr::bench {

/// The result of --compare for a row that both runs have.
struct RowComparison {
  std::string name;
  /// New over old time, each in units of what the machine could do when it was measured.
  double ratio;
  bool regression;
};

/// Compares two runs of pisr_bench, given as Google Benchmark's JSON. Each median is relative to
/// the FMA peak measured at the start of its run, or to the bandwidth for a row without
/// multiply-adds. So a machine that is slower as a whole is no regression. A row is a regression if
/// its median is more than `tolerance` (0.1: a tenth) longer AND its lower quartile lies above the
/// old upper one. So a few disturbed samples are not enough.
///
/// Throws Error(input) where a text is not such a run or the two have no row in common; errors call
/// them by the names.
std::vector<RowComparison> compare_runs(std::string_view old_json, const std::string& old_name,
                                        std::string_view new_json, const std::string& new_name,
                                        double tolerance);

}  // namespace pisr::bench
