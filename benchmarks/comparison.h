#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pisr::bench {

/// What --compare finds for a row that both runs have.
struct RowComparison {
  std::string name;
  /// New over old time, each in units of what the machine could do when it was measured.
  double ratio;
  bool regression;
};

/// Compares two runs of pisr_bench, Google Benchmark's JSON. A median counts relative to the FMA
/// peak measured at the start of its own run (to the bandwidth, where a row has no multiply-adds),
/// so that a machine that is slower as a whole is no regression. A row is one where the new median
/// is more than `tolerance` (0.1: a tenth) longer AND the new lower quartile lies above the old
/// upper one: a few disturbed samples are not enough.
///
/// Throws Error(input) where one of the texts is not such a run (the names stand for them), or the
/// two have no row in common.
std::vector<RowComparison> compare_runs(std::string_view old_json, const std::string& old_name,
                                        std::string_view new_json, const std::string& new_name,
                                        double tolerance);

}  // namespace pisr::bench
