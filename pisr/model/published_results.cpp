#include "pisr/model/published_results.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <memory>

#include "core/error.h"
#include "pisr/model/architectures.h"

namespace pisr {
namespace {

/// A row for x2, x3 and x4.
struct Row {
  const char* name;
  const char* architecture;  ///< ours, for the exact count
  int channels;
  std::array<double, 3> kilo_parameters;
  std::array<double, 3> giga_multiply_adds;
  std::array<double, 3> psnr;
};

// Parameters and multiply-adds: table 2 of PISR (Lee et al., ECCV 2020) for an output of 1280x720.
// That of the first row are of our network: docs/networks.md.
// PSNR on Set5: FSRCNN (retrained) and PISR from that table; SRCNN, DRCN and DRRN from the results
// that DRRN's authors publish (github.com/tyshiwo/DRRN_CVPR17), IDN's from its authors'
// (github.com/Zheng222/IDN-tensorflow); MemNet (ICCV 2017), CARN (ECCV 2018) and IMDN (ACM MM 2019)
// as later papers quote them.
constexpr std::array<Row, 9> kTable = {{
    {"SRCNN", "srcnn", 1, {57, 57, 57}, {52.7, 52.7, 52.7}, {36.66, 32.75, 30.48}},
    {"FSRCNN", "fsrcnn", 1, {13, 13, 13}, {6.0, 5.0, 4.6}, {37.15, 33.15, 30.89}},
    {"PISR", "fsrcnn", 1, {13, 13, 13}, {6.0, 5.0, 4.6}, {37.33, 33.31, 30.95}},
    {"DRCN", "drcn", 1, {1774, 1774, 1774}, {17974, 17974, 17974}, {37.63, 33.82, 31.53}},
    {"DRRN", "drrn", 1, {297, 297, 297}, {6797, 6797, 6797}, {37.74, 34.03, 31.68}},
    {"CARN", "carn", 3, {1592, 1592, 1592}, {222.8, 118.8, 90.9}, {37.76, 34.29, 32.13}},
    {"MemNet", "memnet", 1, {677, 677, 677}, {2662, 2662, 2662}, {37.78, 34.09, 31.74}},
    {"IDN", "idn", 3, {591, 591, 591}, {136.5, 60.6, 34.1}, {37.83, 34.11, 31.82}},
    {"IMDN", "imdn", 3, {694, 703, 715}, {159.6, 71.7, 41.1}, {38.00, 34.36, 32.21}},
}};

std::int64_t exact_count(const Row& row, int scale) {
  NetworkSpec spec = default_spec(row.architecture);
  spec.scale = scale;
  spec.channels = row.channels;
  return make_network(spec)->multiply_adds(1280, 720).exact;
}

}  // namespace

std::vector<PublishedResult> published_results(int scale) {
  if (scale < 2 || scale > 4) {
    throw Error(ErrorKind::usage,
                message("published results: scale must be 2, 3 or 4, got ", scale));
  }
  const auto column = static_cast<std::size_t>(scale - 2);
  std::vector<PublishedResult> results;
  for (const Row& row : kTable) {
    results.push_back(
        {row.name,
         std::llround(1e3 * row.kilo_parameters[column]),
         {exact_count(row, scale), std::llround(1e9 * row.giga_multiply_adds[column])},
         row.psnr[column]});
  }
  return results;
}

}  // namespace pisr
