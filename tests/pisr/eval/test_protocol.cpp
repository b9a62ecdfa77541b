#include <cmath>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <limits>
#include <map>
#include <sstream>

#include "pisr/eval/protocol.h"
#include "pisr/image/image_io.h"
#include "pisr/image/imresize.h"
#include "pisr/image/luma.h"
#include "pisr/image/metrics.h"
#include "tests/catch.h"
#include "tests/pisr/image/images.h"
#include "tests/shared_data.h"

namespace pisr {
namespace {

std::string fixed(double value, int digits) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(digits) << value;
  return text.str();
}

Score mean(const std::vector<Score>& scores) {
  Score sum;
  for (const Score& score : scores) {
    sum.psnr += score.psnr / static_cast<double>(scores.size());
    sum.ssim += score.ssim / static_cast<double>(scores.size());
  }
  return sum;
}

/// 8 bits all the way: the RGB image is shrunk and enlarged, luminance rounded and taken last.
Score score_in_rgb(const Image8& hr, int scale) {
  const Image8 truth = crop_to_multiple(hr, scale);
  Plane high = luma(truth);
  Plane output = luma(upscale(downscale(truth, scale), scale));
  // The baseline was made without a tie rule here: round_to_8_bit would differ in a few halves.
  for (Plane* plane : {&high, &output}) {
    for (double& sample : plane->samples) {
      sample = std::floor(sample + 0.5);
    }
  }
  return {psnr(output, high, scale), ssim(output, high, scale)};
}

/// "Set5 2 baby.png yfloat" -> the published pipeline's figures, grey images taken as they are.
std::map<std::string, Score> read_baseline(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::map<std::string, Score> baseline;
  std::string set;
  std::string scale;
  std::string image;
  std::string domain;
  std::string grey;
  std::string psnr;
  std::string ssim;
  while (file >> set >> scale >> image >> domain >> grey >> psnr >> ssim) {
    if (set != "set" && (grey == "asis" || set != "Set14")) {
      baseline[message(set, ' ', scale, ' ', image, ' ', domain)] = {std::stod(psnr),
                                                                     std::stod(ssim)};
    }
  }
  return baseline;
}

/// Measures the bicubic row of every step-th image, each against its known value; the mean where
/// all were measured.
Score bicubic_row(const std::string& set, int scale, Protocol protocol, std::size_t step) {
  const auto folder = shared_data("data/benchmark/" + set + "/HR");
  const auto known = shared_data("data/baseline_per_image.tsv");
  if (!folder || !known) {
    return {};
  }
  const std::map<std::string, Score> baseline = read_baseline(*known);
  const std::vector<std::filesystem::path> files = list_images(*folder);
  std::vector<Score> scores;
  for (std::size_t i = 0; i < files.size(); i += step) {
    const std::string key = set + " " + std::to_string(scale) + " " + files[i].filename().string();
    INFO(key);
    const Image8 hr = read_image8(files[i]);
    scores.push_back(score_bicubic(evaluation_pair(hr, scale, protocol), scale));
    if (protocol == Protocol::matlab) {
      const Score expected = baseline.at(key + " yfloat");
      CHECK(fixed(scores.back().psnr, 4) == fixed(expected.psnr, 4));
      CHECK(fixed(scores.back().ssim, 4) == fixed(expected.ssim, 4));
      const Score in_rgb = score_in_rgb(hr, scale);
      const Score expected_in_rgb = baseline.at(key + " rgb");
      CHECK(fixed(in_rgb.psnr, 4) == fixed(expected_in_rgb.psnr, 4));
      CHECK(fixed(in_rgb.ssim, 4) == fixed(expected_in_rgb.ssim, 4));
    }
  }
  const Score row = mean(scores);
  if (step == 1) {
    std::cout << "bicubic " << set << " x" << scale << ", protocol " << name(protocol) << ": "
              << fixed(row.psnr, 3) << "/" << fixed(row.ssim, 4) << " (" << scores.size()
              << " images)\n";
  }
  return row;
}

/// psnr is empty where the data is absent.
void check_row(const std::string& set, int scale, const std::string& psnr,
               const std::string& ssim) {
  const Score row = bicubic_row(set, scale, Protocol::matlab, 1);
  if (row.psnr > 0) {
    CHECK(fixed(row.psnr, 3) == psnr);
    CHECK(fixed(row.ssim, 4) == ssim);
  }
}

TEST_CASE("protocol matlab: the bicubic rows of Set5 and Set14, and each image") {
  check_row("Set5", 2, "33.661", "0.9299");
  check_row("Set5", 3, "30.392", "0.8682");
  check_row("Set5", 4, "28.421", "0.8104");
  check_row("Set14", 2, "30.232", "0.8687");
  check_row("Set14", 3, "27.541", "0.7736");
  check_row("Set14", 4, "26.000", "0.7019");
}

TEST_CASE("protocol matlab: some images of B100") {
  for (const int scale : {2, 3, 4}) {
    bicubic_row("B100", scale, Protocol::matlab, 20);
  }
}

TEST_CASE("protocol matlab: the bicubic rows of B100, and each image", "[.long]") {
  check_row("B100", 2, "29.558", "0.8431");
  check_row("B100", 3, "27.207", "0.7384");
  check_row("B100", 4, "25.961", "0.6674");
}

TEST_CASE("protocol pisr: the bicubic row of Set5") {
  const Score row = bicubic_row("Set5", 2, Protocol::pisr, 1);
  if (row.psnr > 0) {
    CHECK(fixed(row.psnr, 2) == "33.67");
  }
}

TEST_CASE("protocol pisr: all bicubic rows", "[.long]") {
  for (const std::string set : {"Set5", "Set14", "B100"}) {
    for (const int scale : {2, 3, 4}) {
      const Score row = bicubic_row(set, scale, Protocol::pisr, 1);
      if (row.psnr > 0 && set == "B100" && scale == 2) {
        CHECK(fixed(row.psnr, 2) == "29.56");
      }
    }
  }
}

TEST_CASE("protocols: what is rounded, and where") {
  const Image8 hr = noise<std::uint8_t>(26, 33, 3);
  const Image8 cropped = crop_to_multiple(hr, 4);
  const auto whole = [](const Plane& plane) {
    for (const double sample : plane.samples) {
      if (sample != std::floor(sample)) {
        return false;
      }
    }
    return true;
  };
  const EvaluationPair trained = evaluation_pair(hr, 4, Protocol::pisr);
  CHECK(trained.low.width == 6);
  CHECK(trained.low.height == 8);
  CHECK(trained.high.width == 24);
  CHECK(trained.high.height == 32);
  CHECK(largest_difference(trained.high, luma(cropped)) == 0);
  CHECK(largest_difference(trained.low, luma(downscale(cropped, 4))) == 0);
  const EvaluationPair published = evaluation_pair(hr, 4, Protocol::matlab);
  CHECK(whole(published.high));
  CHECK(!whole(published.low));
  CHECK(largest_difference(published.low, downscale(published.high, 4)) == 0);
}

TEST_CASE("protocols: the output is clamped and rounded, the border does not count") {
  Plane high(19, 19, 1);
  std::fill(high.samples.begin(), high.samples.end(), 255.0);
  Plane output = high;
  output.at(9, 9) = 254.5;
  output.at(5, 5) = 1000;
  output.at(1, 1) = 0;
  CHECK(std::isinf(score(output, high, 4).psnr));
  CHECK(score(output, high, 4).ssim == Approx(1));
  CHECK(std::isfinite(score(output, high, 1).psnr));
  output.at(9, 9) = std::numeric_limits<double>::quiet_NaN();
  CHECK(error_of([&] { score(output, high, 4); }) ==
        "numeric: round_to_8_bit: value 180 of 361 is not finite");
  CHECK(error_of([&] { score(Plane(18, 19, 1), high, 4); }) ==
        "usage: psnr: the planes must be of one size, got 18x19x1 and 19x19x1");
}

TEST_CASE("protocols: a given LR image takes the place of ours") {
  const Image8 hr = noise<std::uint8_t>(27, 24, 3);
  const Image8 lr = downscale(crop_to_multiple(hr, 2), 2);
  const EvaluationPair given = evaluation_pair(hr, lr, 2);
  const EvaluationPair made = evaluation_pair(hr, 2, Protocol::pisr);
  CHECK(largest_difference(given.low, made.low) == 0);
  CHECK(largest_difference(given.high, made.high) == 0);
  CHECK(error_of([&] { evaluation_pair(hr, hr, 2); }) ==
        "input: evaluation: the LR image must be 13x12 (HR 27x24, scale 2), got 27x24");
}

TEST_CASE("protocols: of a data set's image, pisr takes its LR and matlab makes one from HR") {
  const ImagePair image{"a", "a.png", noise<std::uint8_t>(26, 24, 3, 1),
                        noise<std::uint8_t>(13, 12, 3, 2)};
  const EvaluationPair trained = evaluation_pair(image, 2, Protocol::pisr);
  CHECK(largest_difference(trained.low, luma(image.low)) == 0);
  CHECK(largest_difference(trained.high, luma(image.high)) == 0);
  const EvaluationPair published = evaluation_pair(image, 2, Protocol::matlab);
  const EvaluationPair made = evaluation_pair(image.high, 2, Protocol::matlab);
  CHECK(largest_difference(published.low, made.low) == 0);
  CHECK(largest_difference(published.high, made.high) == 0);
  CHECK(largest_difference(published.low, trained.low) > 1);
}

TEST_CASE("protocols: names and wrong inputs") {
  CHECK(protocol_from_name("pisr") == Protocol::pisr);
  CHECK(protocol_from_name("matlab") == Protocol::matlab);
  CHECK(error_of([] { protocol_from_name("psnr"); }) ==
        "usage: unknown protocol 'psnr': must be pisr or matlab");
  CHECK(error_of([] { evaluation_pair(Image8(1, 1, 3), 2, Protocol::pisr); }) ==
        "input: evaluation: HR image of 1x1 is smaller than the scale 2");
}

}  // namespace
}  // namespace pisr
