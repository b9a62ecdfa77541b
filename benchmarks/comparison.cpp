#include "benchmarks/comparison.h"

#include <cmath>
#include <map>
#include <optional>

#include <nlohmann/json.hpp>

#include "core/error.h"

namespace pisr::bench {
namespace {

using nlohmann::json;

/// Times of a row in units of the machine's limit.
struct Row {
  double lower, median, upper;
};

double number(const json& row, const char* key) {
  const auto found = row.find(key);
  return found != row.end() && found->is_number() ? found->get<double>() : std::nan("");
}

/// None for a row that is no measurement: an aggregate, a failed row, or one of another program.
std::optional<Row> read_row(const json& row) {
  if (row.value("run_type", "") != "iteration" || row.value("error_occurred", false)) {
    return std::nullopt;
  }
  const double median = number(row, "median_ms");
  // A percentage of the limit is work over time over limit: the same work cancels in the ratio.
  double percent = number(row, "percent_of_peak");
  if (!(percent > 0)) {
    percent = number(row, "percent_of_bandwidth");
  }
  const Row result = {number(row, "lower_ms") / median / percent, 1 / percent,
                      number(row, "upper_ms") / median / percent};
  if (!std::isfinite(result.lower) || !std::isfinite(result.median) ||
      !std::isfinite(result.upper)) {
    return std::nullopt;
  }
  return result;
}

std::map<std::string, Row> read_run(std::string_view text, const std::string& name) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::input, "cannot compare with '" + name + "': " + what);
  };
  std::map<std::string, Row> rows;
  try {
    const json run = json::parse(text);
    if (!run.is_object() || !run.contains("benchmarks") || !run["benchmarks"].is_array()) {
      fail("it has no list of benchmarks");
    }
    for (const json& row : run["benchmarks"]) {
      if (const std::optional<Row> read = read_row(row)) {
        rows.emplace(row.value("name", ""), *read);
      }
    }
  } catch (const json::exception&) {
    fail("it is not JSON as pisr_bench writes it");
  }
  if (rows.empty()) {
    fail("it has no rows of pisr_bench");
  }
  return rows;
}

}  // namespace

std::vector<RowComparison> compare_runs(std::string_view old_json, const std::string& old_name,
                                        std::string_view new_json, const std::string& new_name,
                                        double tolerance) {
  const std::map<std::string, Row> before = read_run(old_json, old_name);
  std::vector<RowComparison> result;
  for (const auto& [name, now] : read_run(new_json, new_name)) {
    const auto found = before.find(name);
    if (found != before.end()) {
      const Row& then = found->second;
      const double ratio = now.median / then.median;
      result.push_back({name, ratio, ratio > 1 + tolerance && now.lower > then.upper});
    }
  }
  if (result.empty()) {
    throw Error(ErrorKind::input, "cannot compare with '" + old_name + "': no row in common");
  }
  return result;
}

}  // namespace pisr::bench
