// The kernel that makes batches where the images are in the memory of a device: the same bits as
// the sampler of the CPU.

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "core/philox.h"
#include "pisr/data/patch_layout.h"
#include "pisr/data/sampler.h"
#include "pisr/train/device_batches.h"
#include "tests/catch.h"
#include "tests/devices.h"
#include "tests/kernels/emulated.h"
#include "tests/kernels/test_launcher.h"

namespace pisr {
namespace {

Image8 noise(int width, int height, int channels, Random& random) {
  Image8 image(width, height, channels);
  for (std::uint8_t& sample : image.samples) {
    sample = static_cast<std::uint8_t>(random.below(256));
  }
  return image;
}

/// Images of several sizes, odd ones, one as small as the patch, and one that is grey.
Dataset noise_data(int scale) {
  Random random(5, RandomUse::test, static_cast<std::uint64_t>(scale));
  Dataset data;
  data.scale = scale;
  for (const auto& [width, height, channels] :
       {std::array{9, 17, 3}, std::array{7, 7, 3}, std::array{23, 11, 1}, std::array{8, 31, 3}}) {
    ImagePair pair;
    pair.high = noise(scale * width, scale * height, channels, random);
    pair.low = noise(width, height, channels, random);
    data.images.push_back(pair);
  }
  return data;
}

struct Batch {
  std::vector<float> high, low;
};

/// `batch` images of side `low_size` * `scale`, full of NaN.
Batch empty_batch(int batch, int low_size, int scale, int channels) {
  const auto low = static_cast<std::size_t>(batch) * channels * low_size * low_size;
  return {std::vector<float>(low * scale * scale, NAN), std::vector<float>(low, NAN)};
}

Batch of_sampler(const BatchSampler& sampler, std::int64_t iteration, int batch, int scale,
                 int channels) {
  Batch result = empty_batch(batch, sampler.low_size(), scale, channels);
  const std::size_t high = result.high.size() / batch, low = result.low.size() / batch;
  for (int i = 0; i < batch; ++i) {
    sampler.sample(iteration * batch + i, result.high.data() + i * high,
                   result.low.data() + i * low);
  }
  return result;
}

bool equal_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

std::vector<float> values(const Tensor& tensor) {
  const Tensor here = tensor.to(nullptr);
  return {here.data<float>(), here.data<float>() + here.count()};
}

}  // namespace

TEST_CASE("batches of the CPU and of CUDA (emulated) have the same bits", "[sampler]") {
  constexpr int kBatch = 5, kLowSize = 7;
  constexpr std::uint64_t kSeed = 0xFEDC'BA98'7654'3210;
  for (const auto& [scale, channels] : {std::pair{2, 1}, {3, 1}, {4, 1}, {2, 3}, {3, 3}}) {
    const Dataset data = noise_data(scale);
    const BatchSampler sampler(data, kSeed, scale * kLowSize, channels);
    const PatchLayout layout = patch_layout(data);
    std::vector<std::uint8_t> bytes;
    for (const ImagePair& pair : data.images) {
      bytes.insert(bytes.end(), pair.high.samples.begin(), pair.high.samples.end());
      bytes.insert(bytes.end(), pair.low.samples.begin(), pair.low.samples.end());
    }
    REQUIRE(static_cast<std::int64_t>(bytes.size()) == layout.bytes);
    for (const std::int64_t iteration : {std::int64_t{0}, std::int64_t{1}, std::int64_t{2},
                                         std::int64_t{999'999}, std::int64_t{1} << 40}) {
      INFO("scale " << scale << ", channels " << channels << ", iteration " << iteration);
      const Batch wanted = of_sampler(sampler, iteration, kBatch, scale, channels);
      const auto check = [&, scale = scale,
                          channels = channels](const kernels::KernelTable<float>& table) {
        Batch got = empty_batch(kBatch, kLowSize, scale, channels);
        kernels::TestLauncher launcher(2);
        table.random_patches(
            launcher, {kBatch, kLowSize, scale, channels, random_key(kSeed, RandomUse::batch),
                       &iteration, static_cast<std::int64_t>(layout.sources.size()),
                       layout.sources.data(), bytes.data(), got.high.data(), got.low.data()});
        CHECK(equal_bits(got.high, wanted.high));
        CHECK(equal_bits(got.low, wanted.low));
      };
      check(kernels::naive_kernels<float>());
      check(kernels::cpu_kernels<float>());
      kernels::for_each_emulated_order(
          [&] { check(kernels::emulated_cuda::kernel_table<float>()); });
    }
  }
}

TEST_CASE("batches in the memory of a device have the bits of the sampler's", "[sampler][device]") {
  for_each_device([](kernels::Device& device, CaseSize) {
    constexpr int kBatch = 5, kLowSize = 7, kScale = 3;
    const Dataset data = noise_data(kScale);
    const StepOptions options{kBatch, kScale * kLowSize, 0xFEDC'BA98'7654'3210, 0};
    for (const int channels : {1, 3}) {
      CAPTURE(channels);
      const BatchSampler sampler(data, options.seed, options.gt_size, channels);
      const DeviceBatches batches(device, data, options, channels);
      DeviceArray<std::int64_t> iteration(device, 1);
      Context context(device);
      for (const std::int64_t number : {std::int64_t{0}, std::int64_t{7}, std::int64_t{1} << 40}) {
        iteration.upload(&number, 1);
        batches.make(context, iteration.data());
        const Batch wanted = of_sampler(sampler, number, kBatch, kScale, channels);
        CHECK(equal_bits(values(batches.high()), wanted.high));
        CHECK(equal_bits(values(batches.low()), wanted.low));
      }
    }
  });
}

TEST_CASE("the luminance of a patch is that of the formula for every colour", "[sampler]") {
  int wrong = 0;
  for (int red = 0; red < 256; ++red) {
    for (int green = 0; green < 256; ++green) {
      for (int blue = 0; blue < 256; ++blue) {
        const std::uint8_t pixel[] = {static_cast<std::uint8_t>(red),
                                      static_cast<std::uint8_t>(green),
                                      static_cast<std::uint8_t>(blue)};
        const double sum = 65.481 * red + 128.553 * green + 24.966 * blue;
        wrong += kernels::patch_luminance(pixel, 3) != static_cast<float>((16 + sum / 255) / 255);
      }
    }
  }
  CHECK(wrong == 0);
}

}  // namespace pisr
