#include "pisr/report/report_comparison.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "pisr/image/image_io.h"
#include "pisr/image/imresize.h"
#include "pisr/image/luma.h"
#include "pisr/inference/inference.h"
#include "pisr/inference/upscaler.h"

namespace pisr {
namespace {

constexpr int kPieceWidth = 120;
constexpr int kPieceHeight = 90;
// Twice the size at which it is shown, for dense screens.
constexpr double kOverviewWidth = 168;
constexpr double kOverviewHeight = 104;

struct Piece {
  int left;
  int top;
  int width;
  int height;

  Image8 of(const Image8& image) const { return crop(image, left, top, width, height); }
};

/// The window with the largest sum of squared differences.
Piece furthest_piece(const Plane& a, const Plane& b) {
  const int width = std::min(kPieceWidth, a.width);
  const int height = std::min(kPieceHeight, a.height);
  // sums(x, y): over all samples left of x and above y.
  Plane sums(a.width + 1, a.height + 1, 1);
  for (int y = 0; y < a.height; ++y) {
    double row = 0;
    for (int x = 0; x < a.width; ++x) {
      const double difference = a.at(x, y) - b.at(x, y);
      row += difference * difference;
      sums.at(x + 1, y + 1) = sums.at(x + 1, y) + row;
    }
  }
  Piece best{0, 0, width, height};
  double largest = -1;
  for (int y = 0; y + height <= a.height; ++y) {
    for (int x = 0; x + width <= a.width; ++x) {
      const double sum = sums.at(x + width, y + height) - sums.at(x, y + height) -
                         sums.at(x + width, y) + sums.at(x, y);
      if (sum > largest) {
        largest = sum;
        best.left = x;
        best.top = y;
      }
    }
  }
  return best;
}

}  // namespace

ReportComparison compare_pictures(Context& context, const ImagePair& image, Protocol protocol,
                                  const std::vector<ComparedNetwork>& networks) {
  const int scale = image.high.width / image.low.width;
  const EvaluationPair pair = evaluation_pair(image, scale, protocol);
  const Image8 high = without_alpha(image.high);
  const Image8 low = without_alpha(image.low);
  const Piece piece = furthest_piece(pair.high, luma(enlarge_bicubic(pair, scale)));

  ReportComparison comparison;
  comparison.name = image.name;
  comparison.left = static_cast<double>(piece.left) / high.width;
  comparison.top = static_cast<double>(piece.top) / high.height;
  comparison.width = static_cast<double>(piece.width) / high.width;
  comparison.height = static_cast<double>(piece.height) / high.height;
  comparison.overview =
      imresize(high, std::min({1.0, kOverviewWidth / high.width, kOverviewHeight / high.height}));
  comparison.pictures.push_back({"HR", piece.of(high), std::nullopt});
  comparison.pictures.push_back(
      {"Bicubic", piece.of(upscale(low, scale)), score_bicubic(pair, scale)});
  for (const ComparedNetwork& compared : networks) {
    const AnyImage enlarged = upscale_image(context, *compared.network, AnyImage{low});
    comparison.pictures.push_back(
        {compared.label, piece.of(to_8_bit(enlarged)),
         score(infer(context, *compared.network, pair.low), pair.high, scale)});
  }
  return comparison;
}

}  // namespace pisr
