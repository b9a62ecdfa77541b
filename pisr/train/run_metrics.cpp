#include "pisr/train/run_metrics.h"

#include <algorithm>
#include <fstream>
#include <limits>

#include "core/error.h"
#include "core/number_text.h"

namespace pisr {
namespace {

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> cells(1);
  for (const char character : line) {
    if (character == ',') {
      cells.emplace_back();
    } else if (character != '\r') {
      cells.back() += character;
    }
  }
  return cells;
}

double number(const std::string& cell) {
  return parse_number(cell).value_or(std::numeric_limits<double>::quiet_NaN());
}

}  // namespace

std::vector<MetricsRow> read_metrics(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::vector<MetricsRow> rows;
  std::string line;
  if (!stream || !std::getline(stream, line)) {
    return rows;
  }
  const std::vector<std::string> header = split(line);
  const auto column = [&](const char* name) {
    return static_cast<std::size_t>(std::find(header.begin(), header.end(), name) - header.begin());
  };
  const std::size_t phase = column("phase");
  const std::size_t iteration = column("iteration");
  if (phase == header.size() || iteration == header.size()) {
    throw Error(ErrorKind::input,
                message("'", path.string(), "' has no columns 'phase' and 'iteration'"));
  }
  while (std::getline(stream, line)) {
    const std::vector<std::string> cells = split(line);
    if (stream.eof() || cells.size() != header.size()) {
      continue;
    }
    const auto value = [&](const char* name) {
      const std::size_t at = column(name);
      return number(at < cells.size() ? cells[at] : "");
    };
    const double count = number(cells[iteration]);
    if (!(count >= 0 && count < 9e15)) {
      continue;
    }
    rows.push_back({cells[phase], static_cast<std::int64_t>(count), value("loss"),
                    value("reconstruction"), value("auxiliary"), value("learning_rate"),
                    value("iterations_per_second"), value("psnr"), value("ssim")});
  }
  return rows;
}

}  // namespace pisr
