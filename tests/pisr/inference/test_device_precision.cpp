// What TF32 and half precision on a device cost in PSNR.

#include <cmath>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <string>

#include "core/parallel.h"
#include "pisr/eval/evaluate.h"
#include "pisr/model/fsrcnn.h"
#include "pisr/model/weights.h"
#include "tests/catch.h"
#include "tests/devices.h"
#include "tests/shared_data.h"

namespace pisr {
namespace {

EvaluationResult evaluate_on(kernels::Device* device, Fsrcnn& network, const EvaluationSet& set) {
  ThreadPool pool(1);
  Context context(pool, device);
  network.move_to(device);
  EvaluationResult result = evaluate(context, pool, set, Protocol::pisr, "", network);
  network.move_to(nullptr);
  return result;
}

// The bounds are twice what the emulated device reaches, or more: tensor cores may round their sums
// otherwise.
void compare_with_fp32(kernels::Precision precision, const std::string& name, int scale,
                       const std::filesystem::path& weights) {
  const auto images = shared_data("data/benchmark/Set5");
  if (!images) {
    return;
  }
  const auto network = load_network(weights, scale);
  const EvaluationSet set = load_evaluation_set(*images, scale);
  const double most_of_image = scale == 2 ? 0.016 : 0.004;
  const double most_of_mean = scale == 2 ? 0.008 : 0.001;
  const EvaluationResult reference = evaluate_on(nullptr, *network, set);
  for_each_device(
      [&](kernels::Device& device, CaseSize) {
        const EvaluationResult result = evaluate_on(&device, *network, set);
        const auto compare = [&](const std::string& image, double psnr, double fp32, double most) {
          const double difference = psnr - fp32;
          std::cout << "[report] " << device.name() << ", x" << scale << ' ' << image << std::fixed
                    << std::setprecision(4) << ": fp32 " << fp32 << " dB, " << name << ' ' << psnr
                    << " dB, difference " << difference << std::defaultfloat << std::endl;
          CAPTURE(scale, image);
          CHECK(difference != 0);
          CHECK(std::abs(difference) <= most);
        };
        REQUIRE(result.images.size() == 5);
        for (std::size_t i = 0; i < result.images.size(); ++i) {
          compare(result.images[i].name, result.images[i].score.psnr,
                  reference.images[i].score.psnr, most_of_image);
        }
        compare("mean", result.mean.psnr, reference.mean.psnr, most_of_mean);
      },
      precision);
}

// Published weights for x2, our own for x3 and x4 (tests/weights).
void compare_with_fp32(kernels::Precision precision, const std::string& name) {
#if defined(__SANITIZE_ADDRESS__)
  WARN("skipped: minutes of emulation; the kernels' own tests run under the sanitizer");
  return;
#endif
  if (const auto weights = shared_data("weights/fsrcnn_x2_yjn870.safetensors")) {
    compare_with_fp32(precision, name, 2, *weights);
  }
  for (const int scale : {3, 4}) {
    compare_with_fp32(precision, name, scale,
                      std::filesystem::path(PISR_SOURCE_DIR) / "tests/weights" /
                          ("fsrcnn_x" + std::to_string(scale) + ".safetensors"));
  }
}

}  // namespace

TEST_CASE("device: PSNR in half precision", "[device][report]") {
  compare_with_fp32(kernels::Precision::fp16, "fp16");
}

TEST_CASE("device: PSNR in TF32", "[device][report]") {
  compare_with_fp32(kernels::Precision::tf32, "tf32");
}

}  // namespace pisr
