// What an evaluation counts: which samples, which images, and in which units.

#include <chrono>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include "core/parallel.h"
#include "nn/init.h"
#include "pisr/eval/evaluate.h"
#include "pisr/image/imresize.h"
#include "pisr/image/luma.h"
#include "pisr/image/metrics.h"
#include "pisr/inference/inference.h"
#include "pisr/model/architectures.h"
#include "pisr/model/plain.h"
#include "pisr/model/teacher.h"
#include "tests/catch.h"
#include "tests/pisr/image/images.h"

namespace pisr {
namespace {

/// Images of noise: two sizes, three channels or one.
EvaluationSet noisy_set(int scale) {
  EvaluationSet set{"noise", {}};
  set.data.scale = scale;
  for (unsigned i = 0; i < 3; ++i) {
    ImagePair pair;
    pair.name = std::string(1, static_cast<char>('a' + i));
    pair.high = noise<std::uint8_t>(24 + 12 * static_cast<int>(i), 24, i == 1 ? 1 : 3, i);
    pair.low = noise<std::uint8_t>(pair.high.width / scale, 24 / scale, pair.high.channels, 9 + i);
    set.data.images.push_back(pair);
  }
  return set;
}

TEST_CASE("evaluation: just `scale` samples at each side do not count", "[evaluate]") {
  constexpr int kWidth = 27;
  constexpr int kHeight = 25;
  Plane high(kWidth, kHeight, 1);
  for (std::size_t i = 0; i < high.samples.size(); ++i) {
    high.samples[i] = 100 + static_cast<double>(i % 7);
  }
  for (const int scale : {2, 3, 4}) {
    for (int side = 0; side < 4; ++side) {
      CAPTURE(scale, side);
      const auto score_with_error_at = [&](int depth) {
        Plane output = high;
        const int x = side == 0 ? depth : side == 1 ? kWidth - 1 - depth : kWidth / 2;
        const int y = side == 2 ? depth : side == 3 ? kHeight - 1 - depth : kHeight / 2;
        output.at(x, y) += 50;
        return score(output, high, scale);
      };
      const Score outside = score_with_error_at(scale - 1);
      CHECK(std::isinf(outside.psnr));
      CHECK(outside.ssim == Approx(1).epsilon(1e-12));
      const Score inside = score_with_error_at(scale);
      const double counted = (kWidth - 2.0 * scale) * (kHeight - 2.0 * scale);
      CHECK(inside.psnr == Approx(10 * std::log10(255.0 * 255 * counted / 2500)).epsilon(1e-12));
      CHECK(inside.ssim < 1 - 1e-6);
    }
  }
}

TEST_CASE("evaluation: the LR image of the set is that of protocol pisr, matlab makes its own",
          "[evaluate]") {
  const EvaluationSet set = noisy_set(2);
  for (const ImagePair& image : set.data.images) {
    const EvaluationPair given = evaluation_pair(image, 2, Protocol::pisr);
    CHECK(largest_difference(given.low, luma(image.low)) == 0);
    CHECK(largest_difference(given.high, luma(image.high)) == 0);
    const EvaluationPair made = evaluation_pair(image, 2, Protocol::matlab);
    const Plane high = round_to_8_bit(luma(image.high));
    CHECK(largest_difference(made.low, downscale(high, 2)) == 0);
    CHECK(largest_difference(made.high, high) == 0);
  }
}

TEST_CASE("evaluation: scores are those of each image's own output, means those of all",
          "[evaluate]") {
  NetworkSpec spec = default_spec("fsrcnn");
  spec.options["feature_channels"] = 4;
  spec.options["shrink_channels"] = 3;
  spec.options["mapping_layers"] = 1;
  for (const int threads : {1, 2}) {
    for (const Protocol protocol : {Protocol::pisr, Protocol::matlab}) {
      for (const int scale : {2, 3}) {
        CAPTURE(threads, name(protocol), scale);
        spec.scale = scale;
        const EvaluationSet set = noisy_set(scale);
        const auto network = make_network(spec);
        initialise(*network, 1);
        Teacher teacher(spec);
        initialise(teacher, 2);
        ThreadPool pool(threads);
        Context context(pool);
        const EvaluationResult results[] = {
            evaluate(context, pool, set, protocol, "network", *network),
            evaluate(context, pool, set, protocol, "teacher", teacher),
            evaluate_bicubic(pool, set, protocol)};
        for (int kind = 0; kind < 3; ++kind) {
          const EvaluationResult& result = results[kind];
          CHECK(result.set == "noise");
          CHECK(result.model == (kind == 0 ? "network" : kind == 1 ? "teacher" : "bicubic"));
          REQUIRE(result.images.size() == 3);
          Score mean;
          for (std::size_t i = 0; i < 3; ++i) {
            const ImagePair& image = set.data.images[i];
            const EvaluationPair pair = evaluation_pair(image, scale, protocol);
            const Score wanted =
                kind == 0   ? score(infer(context, *network, pair.low), pair.high, scale)
                : kind == 1 ? score(infer(context, teacher, pair.high), pair.high, scale)
                            : score_bicubic(pair, scale);
            CHECK(result.images[i].name == image.name);
            CHECK(result.images[i].score.psnr == wanted.psnr);
            CHECK(result.images[i].score.ssim == wanted.ssim);
            mean.psnr += wanted.psnr / 3;
            mean.ssim += wanted.ssim / 3;
          }
          CHECK(result.mean.psnr == Approx(mean.psnr).epsilon(1e-12));
          CHECK(result.mean.ssim == Approx(mean.ssim).epsilon(1e-12));
        }
      }
    }
  }
}

TEST_CASE("evaluation: a network on RGB is measured under protocol rgb, as is its teacher",
          "[evaluate]") {
  for (const int scale : {2, 3}) {
    CAPTURE(scale);
    const EvaluationSet set = noisy_set(scale);
    // Of zeros it repeats each pixel.
    const Plain network({.feature_channels = 2, .layers = 0, .scale = scale, .channels = 3});
    Teacher teacher(network.spec());
    initialise(teacher, 2);
    ThreadPool pool(1);
    Context context(pool);
    const EvaluationResult result =
        evaluate(context, pool, set, Protocol::matlab, "network", network);
    const EvaluationResult taught =
        evaluate(context, pool, set, Protocol::pisr, "teacher", teacher);
    const EvaluationResult bicubic = evaluate_bicubic(pool, set, Protocol::rgb);
    CHECK(result.protocol == Protocol::rgb);
    CHECK(taught.protocol == Protocol::rgb);
    CHECK(bicubic.protocol == Protocol::rgb);
    CHECK(evaluate_bicubic(pool, set, Protocol::matlab).protocol == Protocol::matlab);
    for (std::size_t i = 0; i < 3; ++i) {
      const ImagePair& image = set.data.images[i];
      Plane repeated(image.high.width, image.high.height, 1);
      for (int y = 0; y < repeated.height; ++y) {
        for (int x = 0; x < repeated.width; ++x) {
          const std::uint8_t* const pixel = &image.low.at(x / scale, y / scale);
          const int step = image.low.channels == 1 ? 0 : 1;
          repeated.at(x, y) =
              16 + (65.481 * pixel[0] + 128.553 * pixel[step] + 24.966 * pixel[2 * step]) / 255;
        }
      }
      const Plane truth = luma(to_rgb(image.high));
      CHECK(result.images[i].score.psnr == Approx(psnr(repeated, truth, scale)).epsilon(1e-12));
      CHECK(result.images[i].score.ssim == Approx(ssim(repeated, truth, scale)).epsilon(1e-12));
      const Score seen = score(infer(context, teacher, to_rgb(image.high)), truth, scale);
      CHECK(taught.images[i].score.psnr == seen.psnr);
      // 8 bits all the way.
      const Plane enlarged = luma(to_rgb(upscale(image.low, scale)));
      CHECK(bicubic.images[i].score.psnr == Approx(psnr(enlarged, truth, scale)).epsilon(1e-12));
    }
    const auto on_luminance = make_network(default_spec("fsrcnn"));
    if (scale == 2) {
      CHECK_THROWS_WITH(evaluate(context, pool, set, Protocol::rgb, "mine", *on_luminance),
                        "protocol rgb is for networks on RGB, 'mine' is on luminance");
    }
  }
}

TEST_CASE("evaluation: times are in milliseconds", "[evaluate]") {
  const EvaluationSet set = noisy_set(2);
  ThreadPool pool(1);
  int calls = 0;
  const EvaluationResult result =
      evaluate(pool, set, Protocol::pisr, "slow", [&](const EvaluationPair& pair) {
        std::this_thread::sleep_for(std::chrono::milliseconds(++calls == 2 ? 8 : 0));
        return pair.high;
      });
  const std::vector<ImageResult>& images = result.images;
  CHECK(images[1].milliseconds >= 8);
  CHECK(images[1].milliseconds < 8000);
  CHECK(result.mean_milliseconds() ==
        Approx((images[0].milliseconds + images[1].milliseconds + images[2].milliseconds) / 3));
}

TEST_CASE("evaluation: known bicubic figures, all of them", "[evaluate]") {
  struct Known {
    const char* set;
    std::size_t images;
    int scale;
    double psnr, ssim;
  };
  // To two and four decimals, as tables print them.
  for (const Known& row :
       {Known{"Set5", 5, 2, 33.66, 0.9299}, Known{"Set14", 14, 2, 30.23, 0.8687},
        Known{"B100", 100, 2, 29.56, 0.8431}, Known{"Set5", 5, 3, 30.39, 0.8682},
        Known{"Set14", 14, 3, 27.54, 0.7736}, Known{"B100", 100, 3, 27.21, 0.7384},
        Known{"Set5", 5, 4, 28.42, 0.8104}, Known{"Set14", 14, 4, 26.00, 0.7019},
        Known{"B100", 100, 4, 25.96, 0.6674}}) {
    CAPTURE(row.set, row.scale);
    const auto matlab = known_bicubic(row.set, row.images, row.scale, Protocol::matlab);
    const auto pisr = known_bicubic(row.set, row.images, row.scale, Protocol::pisr);
    const auto rgb = known_bicubic(row.set, row.images, row.scale, Protocol::rgb);
    REQUIRE(matlab.has_value());
    REQUIRE(pisr.has_value());
    REQUIRE(rgb.has_value());
    // Its grey image of Set14 has another luminance.
    CHECK(std::abs(rgb->psnr - row.psnr) <= (row.images == 14 ? 0.1 : 0.02));
    CHECK(std::abs(rgb->ssim - row.ssim) <= (row.images == 14 ? 0.005 : 0.001));
    CHECK(rgb->psnr != pisr->psnr);
    CHECK(std::abs(matlab->psnr - row.psnr) <= 0.0051);
    CHECK(matlab->ssim == row.ssim);
    CHECK(std::abs(pisr->psnr - row.psnr) <= 0.02);
    CHECK(std::abs(pisr->ssim - row.ssim) <= 0.0005);
    CHECK(pisr->psnr != matlab->psnr);
  }
}

}  // namespace
}  // namespace pisr
