// FSRCNN in one kernel, half precision, against the naive kernels in double, emulated.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include "kernels/cuda/fsrcnn/fsrcnn_tiles.h"
#include "kernels/cuda/fsrcnn/fused_fsrcnn.h"
#include "tests/catch.h"
#include "tests/devices.h"
#include "tests/kernels/conv_cases.h"
#include "tests/kernels/device_launcher.h"
#include "tests/kernels/emulated.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/random_values.h"
#include "tests/kernels/test_launcher.h"

namespace pisr::kernels {
namespace {

struct Parameters {
  std::vector<double> weight, bias, slopes;
};

// The network and an input, in double but with values of float.
struct Network {
  std::vector<ConvSizes> sizes;
  std::vector<Parameters> layers;
  std::vector<double> x;
};

std::vector<double> normal(std::size_t count, double deviation, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution(0, static_cast<float>(deviation));
  std::vector<double> values(count);
  for (double& value : values) {
    value = distribution(generator);
  }
  return values;
}

Network random_network(int batch, int height, int width, int scale, bool slope_per_channel) {
  Network network;
  const auto add = [&](const ConvSizes& s) { network.sizes.push_back(s); };
  add(conv("", batch, 1, 56, height, width, {5, 1, 2}).sizes);
  add(conv("", batch, 56, 12, height, width, {1}).sizes);
  for (int i = 0; i < 4; ++i) {
    add(conv("", batch, 12, 12, height, width, {3, 1, 1}).sizes);
  }
  add(conv("", batch, 12, 56, height, width, {1}).sizes);
  add(transpose("", batch, 56, 1, height, width, {9, scale, 4}, scale - 1).sizes);
  unsigned seed = 1;
  for (const ConvSizes& s : network.sizes) {
    const bool last = s.out_channels == 1;
    const double inputs =
        last ? 56 * 81.0 / (scale * scale)
             : static_cast<double>(s.in_channels) * s.kernel_height * s.kernel_width;
    const std::size_t slopes = last ? 0 : slope_per_channel ? s.out_channels : 1;
    network.layers.push_back({normal(weight_count(s), std::sqrt(2 / inputs), seed),
                              uniform<double>(s.out_channels, -0.2F, 0.2F, seed + 1),
                              uniform<double>(slopes, -0.3F, 1, seed + 2)});
    seed += 3;
  }
  network.x = uniform<double>(x_count(network.sizes[0]), 0, 1, seed);
  return network;
}

// Calls body with the arguments of conv_chain for all of the network, in memory of the host or of a
// device.
template <class T>
std::vector<T> with_chain(const Network& network,
                          const std::function<void(const ConvChainArgs<T>&)>& body,
                          Device* device = nullptr) {
  std::vector<GuardedArray<T>> kept;
  const auto as = [&](const std::vector<double>& values) {
    return GuardedArray<T>(values, device);
  };
  std::vector<ChainStage<T>> stages;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const Parameters& layer = network.layers[i];
    kept.push_back(as(layer.weight));
    kept.push_back(as(layer.bias));
    kept.push_back(as(layer.slopes));
    const auto count = static_cast<int>(layer.slopes.size());
    const Activation<T> activation = {count == 0 ? ActivationKind::none : ActivationKind::prelu,
                                      kept[3 * i + 2].data(), count};
    stages.push_back({network.sizes[i], i + 1 == network.layers.size(), kept[3 * i].data(),
                      kept[3 * i + 1].data(), activation});
  }
  GuardedArray<T> x = as(network.x);
  GuardedArray<T> y(y_count(network.sizes.back()), std::numeric_limits<T>::quiet_NaN(), device);
  body({stages.data(), static_cast<int>(stages.size()), x.data(), y.data()});
  REQUIRE(x.guards_intact());
  REQUIRE(y.guards_intact());
  return y.values();
}

std::vector<double> truth_of(const Network& network) {
  return with_chain<double>(network, [](const ConvChainArgs<double>& args) {
    TestLauncher launcher;
    naive_kernels<double>().conv_chain(launcher, args);
  });
}

std::vector<float> fused(const Network& network) {
  return with_chain<float>(network, [](const ConvChainArgs<float>& args) {
    REQUIRE(emulated_cuda::fused_fsrcnn_takes(args));
    TestLauncher launcher;
    emulated_cuda::kernel_table(Precision::fp16).conv_chain(launcher, args);
    REQUIRE(launcher.guards_intact());
  });
}

// What fused_fsrcnn.h bounds the error by, but for its factor. 2^-14: where halves are less exact.
Network magnitudes(Network network) {
  const auto replace = [](std::vector<double>& values) {
    for (double& value : values) {
      value = std::max(std::fabs(value), std::ldexp(1.0, -14));
    }
  };
  replace(network.x);
  for (Parameters& layer : network.layers) {
    replace(layer.weight);
    replace(layer.bias);
    layer.slopes.assign(layer.slopes.size(), 1);
  }
  return network;
}

std::vector<float> fused_on(Device& device, const Network& network) {
  return with_chain<float>(
      network,
      [&](const ConvChainArgs<float>& args) {
        DeviceLauncher launcher(device);
        device.floats().conv_chain(launcher, args);
        REQUIRE(launcher.guards_intact());
      },
      &device);
}

void compare(const std::vector<float>& got, const Network& network) {
  const std::vector<double> truth = truth_of(network), scale = truth_of(magnitudes(network));
  REQUIRE(got.size() == truth.size());
  std::size_t failures = 0;
  double errors = 0, squares = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const double error = got[i] - truth[i];
    failures += std::fabs(error) <= std::ldexp(16.1, -11) * scale[i] ? 0 : 1;
    errors += error * error;
    squares += truth[i] * truth[i];
  }
  CHECK(failures == 0);
  // 16 roundings that have nothing to do with each other: sqrt(16) of one.
  CHECK(std::sqrt(errors / squares) <= std::ldexp(4.0, -11));
}

}  // namespace

TEST_CASE("emulated CUDA: FSRCNN in one kernel equals its definition to half precision") {
  for (const int scale : {2, 3, 4}) {
    for (const auto& [batch, height, width] : std::vector<std::tuple<int, int, int>>{
             {1, 21, 37}, {2, 9, 11}, {1, 1, 1}, {1, 1, 40}, {1, 40, 1}}) {
      CAPTURE(scale, batch, height, width);
      const Network network = random_network(batch, height, width, scale, height % 2 == 0);
      compare(fused(network), network);
    }
  }
  const Network network = random_network(1, 45, 80, 2, true);
  compare(fused(network), network);
}

TEST_CASE("FSRCNN in one kernel of a device equals its definition to half precision, twice",
          "[device]") {
  for_each_device(
      [](Device& device, CaseSize size) {
        std::vector<std::tuple<int, int, int>> cases = {{1, 1, 1}, {2, 9, 11}};
        if (size == CaseSize::all) {
          cases.insert(cases.end(), {{3, 21, 37}, {1, 45, 80}, {1, 130, 150}, {1, 1, 400}});
        }
        for (const int scale : {2, 3, 4}) {
          for (const auto& [batch, height, width] : cases) {
            CAPTURE(scale, batch, height, width);
            const Network network = random_network(batch, height, width, scale, height % 2 == 0);
            const std::vector<float> got = fused_on(device, network);
            compare(got, network);
            CHECK(same_bits(fused_on(device, network), got));
          }
        }
      },
      Precision::fp16);
}

// What ThreadSanitizer watches, in little time: two blocks.
TEST_CASE("emulated CUDA: FSRCNN in one kernel has no races", "[threads]") {
  const Network network = random_network(1, 3, 9, 3, false);
  compare(fused(network), network);
}

TEST_CASE("emulated CUDA: FSRCNN in one kernel has the same bits in every order and tile",
          "[order]") {
  for (const int scale : {2, 3, 4}) {
    const Network network = random_network(1, 21, 37, scale, true);
    const std::vector<float> wanted = fused(network);
    for_each_emulated_order([&] { CHECK(same_bits(fused(network), wanted)); });
    // One multiprocessor: large tiles.
    for (const emulator::Card& card :
         {emulator::Card{99 << 10, 84}, {99 << 10, 1}, {227 << 10, 1}}) {
      emulator::set_card(card);
      CHECK(same_bits(fused(network), wanted));
    }
    emulator::set_card({});
  }
}

TEST_CASE("FSRCNN in one kernel: tiles fit every card and need few rounds of blocks") {
  namespace tiles = emulated_cuda::fsrcnn;
  const emulator::Card sm_80 = {163 << 10, 108}, sm_86 = {99 << 10, 84}, sm_90 = {227 << 10, 132};
  for (const emulator::Card& card : {sm_80, sm_86, sm_90}) {
    for (const int scale : {2, 3, 4}) {
      for (const int side : {1, 9, 100, 1000, 5000}) {
        const tiles::Tile tile = tiles::choose_tile(1, side, side, scale, card);
        CHECK(tiles::Geometry(tile, scale).shared_bytes(scale) <= card.shared_bytes);
      }
    }
  }
  // 360p: 130 tiles, all at once.
  const tiles::Tile tile = tiles::choose_tile(1, 360, 640, 2, sm_90);
  CHECK(tile.width == 64);
  CHECK(tile.height == 28);
}

TEST_CASE("FSRCNN in one kernel: what it does not take goes stage by stage") {
  const Network network = random_network(1, 6, 7, 2, true);
  const auto takes = [&](const std::function<void(std::vector<ChainStage<float>>&)>& change) {
    bool result = false;
    with_chain<float>(network, [&](const ConvChainArgs<float>& args) {
      std::vector<ChainStage<float>> stages(args.stages, args.stages + args.count);
      change(stages);
      result = emulated_cuda::fused_fsrcnn_takes(
          {stages.data(), static_cast<int>(stages.size()), args.x, args.y});
    });
    return result;
  };
  using Stages = std::vector<ChainStage<float>>;
  CHECK(takes([](Stages&) {}));
  CHECK(!takes([](Stages& s) { s.erase(s.begin() + 3); }));
  CHECK(!takes([](Stages& s) { s[0].sizes.out_channels = 48; }));
  CHECK(!takes([](Stages& s) { s[0].sizes.kernel_width = 3; }));
  CHECK(!takes([](Stages& s) { s[0].sizes.batch = 65536; }));
  CHECK(!takes([](Stages& s) { s[1].activation.kind = ActivationKind::relu; }));
  CHECK(!takes([](Stages& s) { s[2].sizes.padding_mode = PaddingMode::replicate; }));
  CHECK(!takes([](Stages& s) { s[3].sizes.groups = 2; }));
  CHECK(!takes([](Stages& s) { s[4].sizes.stride = 2; }));
  CHECK(!takes([](Stages& s) { s[5].sizes.padding = 0; }));
  CHECK(!takes([](Stages& s) { s[6].transposed = true; }));
  CHECK(!takes([](Stages& s) { s[7].sizes.out_height += 1; }));
  CHECK(!takes([](Stages& s) { s[7].sizes.stride = 5; }));
  CHECK(!takes([](Stages& s) { s[7].activation.kind = ActivationKind::prelu; }));

  std::vector<float> y(6);
  const std::vector<float> x = uniform<float>(6, -1, 1, 1), weight = {2};
  const ChainStage<float> stage = {
      conv("", 1, 1, 1, 2, 3, {1}).sizes, false, weight.data(), nullptr, {}};
  TestLauncher launcher;
  emulated_cuda::kernel_table(Precision::fp16)
      .conv_chain(launcher, {&stage, 1, x.data(), y.data()});
  for (std::size_t i = 0; i < y.size(); ++i) {
    CHECK(std::fabs(y[i] - 2 * x[i]) <= std::ldexp(std::fabs(x[i]), -9));
  }
}

}  // namespace pisr::kernels
