// A chain of convolutions in one pass against the same convolutions one after the other: the same
// bits, whatever the shape, the instruction set and the number of threads.
#include <limits>
#include <string>
#include <vector>

#include "kernels/table.h"
#include "tests/catch.h"
#include "tests/kernels/conv_cases.h"
#include "tests/kernels/emulated.h"
#include "tests/kernels/instruction_sets.h"
#include "tests/kernels/random_values.h"
#include "tests/kernels/test_launcher.h"

namespace pisr::kernels {
namespace {

struct ChainLayer {
  int out_channels;
  ConvKernel kernel;
  bool transposed = false;
  ActivationKind activation = ActivationKind::none;
  bool has_bias = true;
};

struct ChainCase {
  const char* name;
  int batch, channels, height, width;
  std::vector<ChainLayer> layers;
};

constexpr auto kPrelu = ActivationKind::prelu;
constexpr auto kRelu = ActivationKind::relu;
constexpr PaddingMode kReplicate = PaddingMode::replicate;

std::vector<ChainLayer> fsrcnn(int scale) {
  return {{56, {5, 1, 2}, false, kPrelu}, {12, {1}, false, kPrelu},
          {12, {3, 1, 1}, false, kPrelu}, {12, {3, 1, 1}, false, kPrelu},
          {12, {3, 1, 1}, false, kPrelu}, {12, {3, 1, 1}, false, kPrelu},
          {56, {1}, false, kPrelu},       {1, {9, scale, 4}, true}};
}

std::vector<ChainCase> chain_cases() {
  return {
      {"FSRCNN x2", 1, 1, 23, 50, fsrcnn(2)},
      {"FSRCNN x2, several tiles and bands", 2, 1, 130, 410, fsrcnn(2)},
      {"FSRCNN x3", 1, 1, 19, 33, fsrcnn(3)},
      {"FSRCNN x4", 1, 1, 17, 16, fsrcnn(4)},
      {"FSRCNN of one pixel", 1, 1, 1, 1, fsrcnn(2)},
      {"FSRCNN of one row", 1, 1, 1, 39, fsrcnn(2)},
      {"FSRCNN of one column", 1, 1, 61, 1, fsrcnn(2)},
      {"one convolution", 1, 3, 9, 20, {{5, {3, 1, 1}, false, kRelu}}},
      {"one transposed convolution", 1, 3, 9, 20, {{2, {4, 2, 1}, true, kPrelu}}},
      {"encoder",
       1,
       1,
       30,
       52,
       {{8, {5, 1, 2}, false, kPrelu},
        {8, {5, 2, 2}, false, kPrelu},
        {4, {3, 1, 1}, false, kPrelu},
        {1, {3, 1, 1}}}},
      {"Winograd in several bands",
       1,
       6,
       157,
       40,
       {{7, {5, 1, 2}, false, kPrelu}, {8, {3, 1, 0}, false, kRelu}, {4, {7, 2, 3}, true}}},
      {"square Winograd, several tiles and bands",
       1,
       2,
       100,
       405,
       {{24, {5, 1, 2}, false, kPrelu},
        {26, {3, 1, 1}, false, kRelu},
        {24, {3, 1, 0}, false, kPrelu},
        {9, {3, 1, 1}},
        {1, {4, 2, 1}, true}}},
      {"no padding", 2, 2, 31, 47, {{5, {3}, false, kRelu}, {3, {5}, false, kPrelu}, {2, {2}}}},
      {"padding beyond the kernel", 1, 2, 7, 5, {{3, {3, 1, 4}}, {2, {3, 1, 3}}, {2, {1, 1, 2}}}},
      {"groups",
       1,
       6,
       13,
       21,
       {{8, {3, 1, 1, 2}, false, kPrelu},
        {12, {3, 1, 1, 4}, false, kRelu},
        {6, {4, 2, 1, 2}, true}}},
      {"replicate",
       1,
       2,
       12,
       18,
       {{4, {3, 1, 1, 1, kReplicate}, false, kPrelu},
        {4, {3, 1, 1, 1, kReplicate}},
        {3, {3, 1, 1}}}},
      {"transposed in the middle",
       1,
       2,
       9,
       14,
       {{4, {3, 1, 1}, false, kPrelu},
        {3, {4, 2, 1}, true, kPrelu},
        {5, {3, 1, 1}, false, kRelu},
        {2, {3, 1, 1}, true}}},
      {"without bias",
       1,
       2,
       9,
       14,
       {{4, {3, 1, 1}, false, kPrelu, false}, {3, {1}, false, kRelu, false}}},
      {"deep", 1, 1, 40, 40, std::vector<ChainLayer>(12, ChainLayer{1, {3, 1, 1}, false, kPrelu})},
      {"wide kernel, few rows", 1, 1, 3, 30, {{2, {7, 1, 3}, false, kRelu}, {1, {9, 1, 4}}}},
  };
}

/// A case with its numbers.
template <class T>
struct Chain {
  explicit Chain(const ChainCase& test) {
    int channels = test.channels;
    int height = test.height;
    int width = test.width;
    unsigned seed = 1;
    for (const ChainLayer& layer : test.layers) {
      const auto make = [&](int output_padding) {
        return layer.transposed ? transpose(test.name, test.batch, channels, layer.out_channels,
                                            height, width, layer.kernel, output_padding)
                                : conv(test.name, test.batch, channels, layer.out_channels, height,
                                       width, layer.kernel);
      };
      const ConvSizes s = make(layer.kernel.stride - 1).sizes;
      weights.push_back(uniform<T>(weight_count(s), -1, 1, ++seed));
      biases.push_back(uniform<T>(s.out_channels, -1, 1, ++seed));
      slopes.push_back(uniform<T>(s.out_channels, -1, 1, ++seed));
      const int slope_count = stages.size() % 2 == 0 ? s.out_channels : 1;
      stages.push_back(
          {s, layer.transposed, nullptr, nullptr, {layer.activation, nullptr, slope_count}});
      channels = layer.out_channels;
      height = s.out_height;
      width = s.out_width;
    }
    for (std::size_t i = 0; i < stages.size(); ++i) {
      stages[i].weight = weights[i].data();
      stages[i].bias = test.layers[i].has_bias ? biases[i].data() : nullptr;
      stages[i].activation.slopes = slopes[i].data();
    }
    x = uniform<T>(x_count(stages.front().sizes), -1, 1, 1);
  }

  std::vector<T> one_by_one(const KernelTable<T>& table) const {
    TestLauncher launcher;
    std::vector<T> from = x;
    for (const ChainStage<T>& stage : stages) {
      std::vector<T> to(y_count(stage.sizes), std::numeric_limits<T>::quiet_NaN());
      (stage.transposed ? table.conv_transpose2d : table.conv2d)(
          launcher,
          {stage.sizes, from.data(), stage.weight, stage.bias, to.data(), stage.activation});
      from = std::move(to);
    }
    return from;
  }

  std::vector<T> at_once(const KernelTable<T>& table, int threads) const {
    constexpr std::size_t kGuard = 64;
    const std::size_t count = y_count(stages.back().sizes);
    std::vector<T> y(count + 2 * kGuard, std::numeric_limits<T>::quiet_NaN());
    std::fill_n(y.begin(), kGuard, T{7});
    std::fill_n(y.end() - kGuard, kGuard, T{7});
    TestLauncher launcher(threads);
    table.conv_chain(launcher,
                     {stages.data(), static_cast<int>(stages.size()), x.data(), y.data() + kGuard});
    REQUIRE(launcher.guards_intact());
    for (std::size_t i = 0; i < kGuard; ++i) {
      REQUIRE(y[i] == T{7});
      REQUIRE(y[y.size() - 1 - i] == T{7});
    }
    return {y.begin() + kGuard, y.end() - kGuard};
  }

  std::vector<std::vector<T>> weights, biases, slopes;
  std::vector<ChainStage<T>> stages;
  std::vector<T> x;
};

template <class T>
void check_all(const KernelTable<T>& table, const std::vector<int>& threads) {
  for (const ChainCase& test : chain_cases()) {
    const Chain<T> chain(test);
    const std::vector<T> expected = chain.one_by_one(table);
    for (const int count : threads) {
      CAPTURE(test.name, count, sizeof(T));
      CHECK(same_bits(chain.at_once(table, count), expected));
    }
  }
}

}  // namespace

TEST_CASE("conv_chain: the bits of its stages one by one, for any number of threads") {
  check_all(cpu_kernels<float>(), {1, 2, 3, 8});
  check_all(cpu_kernels<double>(), {1, 3});
}

TEST_CASE("conv_chain: the bits of its stages one by one, on every instruction set") {
  for_each_instruction_set([] { check_all(cpu_kernels<float>(), {2}); });
}

TEST_CASE("Eigen conv_chain: the bits of its stages one by one, for any number of threads",
          "[eigen]") {
  for_each_instruction_set([] {
    check_all(eigen_kernels<float>(), {1, 2, 3, 8});
    check_all(eigen_kernels<double>(), {1, 3});
  });
}

TEST_CASE("conv_chain: scratch memory does not grow with the image") {
  const auto scratch_bytes = [](int height, int width) {
    const Chain<float> chain({"FSRCNN", 1, 1, height, width, fsrcnn(2)});
    std::vector<float> y(y_count(chain.stages.back().sizes));
    TestLauncher launcher(2);
    cpu_kernels<float>().conv_chain(
        launcher,
        {chain.stages.data(), static_cast<int>(chain.stages.size()), chain.x.data(), y.data()});
    return launcher.scratch_bytes();
  };
  const std::size_t bytes = scratch_bytes(64, 192);
  CHECK(bytes > 0);
  CHECK(bytes < std::size_t{3} << 20);
  CHECK(scratch_bytes(640, 192) == bytes);
  CHECK(scratch_bytes(64, 1920) == scratch_bytes(64, 576));
}

TEST_CASE("emulated CUDA conv_chain") {
  for (const ChainCase& test : chain_cases()) {
    const Chain<float> chain(test);
    if (chain.x.size() < 5000) {
      CAPTURE(test.name);
      const auto& table = emulated_cuda::kernel_table<float>();
      CHECK(same_bits(chain.at_once(table, 1), chain.one_by_one(table)));
    }
  }
}

TEST_CASE("naive conv_chain") {
  for (const ChainCase& test : chain_cases()) {
    const Chain<float> chain(test);
    if (chain.x.size() < 5000) {
      CAPTURE(test.name);
      CHECK(same_bits(chain.at_once(naive_kernels<float>(), 1),
                      chain.one_by_one(naive_kernels<float>())));
    }
  }
}

}  // namespace pisr::kernels
