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

TEST_CASE("protocol rgb: 8 bits in RGB, then luminance that is not rounded") {
  // Given an LR image, it is that; grey is RGB with r = g = b.
  for (const int channels : {3, 1}) {
    CAPTURE(channels);
    const ImagePair image{"a", "a.png", noise<std::uint8_t>(26, 24, channels, 1),
                          noise<std::uint8_t>(13, 12, channels, 2)};
    const EvaluationPair given = evaluation_pair(image, 2, Protocol::rgb);
    CHECK(largest_difference(given.low, to_rgb(image.low)) == 0);
    CHECK(largest_difference(given.high_rgb, to_rgb(image.high)) == 0);
    CHECK(largest_difference(given.high, luma(to_rgb(image.high))) == 0);
    CHECK(std::isinf(score(given.high_rgb, given.high, 2).psnr));
    const EvaluationPair made = evaluation_pair(image.high, 2, Protocol::rgb);
    CHECK(largest_difference(made.low, to_rgb(downscale(image.high, 2))) == 0);
    CHECK(made.low.channels == 3);
  }
  CHECK(evaluation_pair(noise<std::uint8_t>(8, 8, 3), 2, Protocol::pisr).high_rgb.samples.empty());
}

TEST_CASE("protocol rgb: an output is rounded in each channel, and half a step counts") {
  constexpr int kSide = 20;
  Plane high_rgb(kSide, kSide, 3);
  for (std::size_t i = 0; i < high_rgb.samples.size(); ++i) {
    high_rgb.samples[i] = 60 + static_cast<double>(i % 100);
  }
  const Plane high = luma(high_rgb);
  Plane output = high_rgb;
  output.at(9, 9, 0) += 0.4;
  output.at(9, 9, 2) -= 0.5;
  CHECK(std::isinf(score(output, high, 2).psnr));
  // Two steps of green at one of 16 x 16 pixels: 2 of 128.553 / 255 in luminance.
  output.at(9, 9, 1) += 1.6;
  const double error = 2 * 128.553 / 255;
  CHECK(score(output, high, 2).psnr ==
        Approx(10 * std::log10(255.0 * 255 * 16 * 16 / (error * error))).epsilon(1e-12));
  output.at(5, 5, 0) = -100;
  Plane clamped = high_rgb;
  clamped.at(5, 5, 0) = 0;
  CHECK(score(output, high, 2).psnr < score(clamped, high, 2).psnr);
  CHECK(error_of([&] { score(Plane(kSide, 19, 3), high, 2); }) ==
        "usage: psnr: the planes must be of one size, got 20x19x1 and 20x20x1");
}

TEST_CASE("protocol rgb: the bicubic row of Set5 is that of an independent program") {
  const Score row = bicubic_row("Set5", 2, Protocol::rgb, 1);
  if (row.psnr > 0) {
    CHECK(fixed(row.psnr, 4) == "33.6734");
    CHECK(fixed(row.ssim, 5) == "0.93029");
  }
}

TEST_CASE("protocol rgb: all bicubic rows", "[.long]") {
  struct Row {
    const char *set, *psnr, *ssim;
    int scale;
  };
  // data/check_bicubic.py score SET/HR --domain rgb --gray rgb --y float
  for (const Row& row :
       {Row{"Set5", "33.6734", "0.93029", 2}, Row{"Set5", "30.4033", "0.86891", 3},
        Row{"Set5", "28.4290", "0.81114", 4}, Row{"Set14", "30.3246", "0.86985", 2},
        Row{"Set14", "27.6311", "0.77588", 3}, Row{"Set14", "26.0884", "0.70480", 4},
        Row{"B100", "29.5599", "0.84340", 2}, Row{"B100", "27.2090", "0.73907", 3},
        Row{"B100", "25.9613", "0.66807", 4}}) {
    CAPTURE(row.set, row.scale);
    const Score got = bicubic_row(row.set, row.scale, Protocol::rgb, 1);
    if (got.psnr > 0) {
      CHECK(fixed(got.psnr, 4) == row.psnr);
      CHECK(fixed(got.ssim, 5) == row.ssim);
    }
  }
}

TEST_CASE("protocols: networks on RGB have their own, others the one that is asked for") {
  for (const Protocol wanted : {Protocol::pisr, Protocol::matlab}) {
    CHECK(protocol_for(wanted, 1) == wanted);
    CHECK(protocol_for(wanted, 3) == Protocol::rgb);
  }
  CHECK(protocol_for(Protocol::rgb, 3) == Protocol::rgb);
  CHECK(error_of([] { protocol_for(Protocol::rgb, 1, "'a'"); }) ==
        "usage: protocol rgb is for networks on RGB, 'a' is on luminance");
  CHECK(error_of([] { evaluation_pair(Image8(8, 8, 3), Image8(4, 4, 3), 2, Protocol::matlab); }) ==
        "usage: evaluation: protocol matlab makes its LR image, one was given");
}

TEST_CASE("protocols: names and wrong inputs") {
  CHECK(protocol_from_name("pisr") == Protocol::pisr);
  CHECK(protocol_from_name("matlab") == Protocol::matlab);
  CHECK(protocol_from_name("rgb") == Protocol::rgb);
  CHECK(error_of([] { protocol_from_name("psnr"); }) ==
        "usage: unknown protocol 'psnr': must be pisr, matlab or rgb");
  CHECK(error_of([] { evaluation_pair(Image8(1, 1, 3), 2, Protocol::pisr); }) ==
        "input: evaluation: HR image of 1x1 is smaller than the scale 2");
}

}  // namespace
}  // namespace pisr
