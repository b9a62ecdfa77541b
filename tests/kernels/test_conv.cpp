// The convolutions against their definition in double: each element within 4 eps sum |w| |x|
// (float), 1e-12 sum |w| |x| (double) or, where both factors are rounded to TF32, (2 2^-11 + 2^-14)
// sum |w| |x|, of which the last term is for sums in float; gradients as well.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kernels/table.h"
#include "tests/catch.h"
#include "tests/kernels/conv_cases.h"
#include "tests/kernels/conv_comparison.h"
#include "tests/kernels/emulated.h"
#include "tests/kernels/instruction_sets.h"

namespace pisr::kernels {

TEST_CASE("convolutions equal their definition, float, results written over NaN") {
  for_each_instruction_set(
      [] { compare_conv_cases<float>(cpu_kernels<float>(), -1, Store::write); });
}

TEST_CASE("convolutions equal their definition, float, results added, no cancellation") {
  compare_conv_cases<float>(cpu_kernels<float>(), 0, Store::add);
}

TEST_CASE("convolutions equal their definition, double, results written over NaN") {
  for_each_instruction_set(
      [] { compare_conv_cases<double>(cpu_kernels<double>(), -1, Store::write); });
}

TEST_CASE("convolutions equal their definition, double, results added") {
  compare_conv_cases<double>(cpu_kernels<double>(), -1, Store::add);
}

TEST_CASE("long sums stay accurate") {
  // 400,000 products of one sign in each element of the weight's gradient.
  compare_conv<float>(cpu_kernels<float>(), conv("large image", 1, 4, 4, 640, 640, {1}), false, 0,
                      Store::write);
  compare_conv<float>(cpu_kernels<float>(),
                      conv("large image, padded", 1, 1, 2, 300, 2700, {3, 1, 1}), false, 0,
                      Store::write);
}

namespace {

void compare_threads(const KernelTable<float>& table) {
  const auto check = [&table](const ConvCase& test, bool is_transpose) {
    const ConvInputs<float> inputs(test.sizes, -1);
    const ConvKind<float> kernels = conv_kind(table, is_transpose);
    const ConvOutputs<float> one =
        run_conv<float>(kernels, test.sizes, inputs, {}, Store::add, 0.75F);
    for (const int threads : {2, 3, 8}) {
      CAPTURE(test.name, is_transpose, threads);
      const ConvOutputs<float> many =
          run_conv<float>(kernels, test.sizes, inputs, {threads}, Store::add, 0.75F);
      CHECK(same_bits(one.y, many.y));
      CHECK(same_bits(one.dx, many.dx));
      CHECK(same_bits(one.dweight, many.dweight));
      CHECK(same_bits(one.dbias, many.dbias));
    }
  };
  for (const ConvCase& test : conv_cases()) {
    check(test, false);
  }
  for (const ConvCase& test : transpose_cases()) {
    check(test, true);
  }
}

}  // namespace

TEST_CASE("convolutions do not depend on the number of threads") {
  compare_threads(cpu_kernels<float>());
}

TEST_CASE("Eigen's convolutions equal their definition", "[eigen]") {
  for_each_instruction_set([] {
    compare_conv_cases<float>(eigen_kernels<float>(), -1, Store::write);
    compare_conv_cases<float>(eigen_kernels<float>(), 0, Store::add);
    compare_conv_cases<double>(eigen_kernels<double>(), -1, Store::write);
    compare_conv_cases<double>(eigen_kernels<double>(), -1, Store::add);
  });
}

TEST_CASE("Eigen's long sums stay accurate", "[eigen][order]") {
  for_each_instruction_set([] {
    compare_conv<float>(eigen_kernels<float>(), conv("large image", 1, 4, 4, 640, 640, {1}), false,
                        0, Store::write);
    compare_conv<float>(eigen_kernels<float>(),
                        conv("large image, padded", 1, 1, 2, 300, 2700, {3, 1, 1}), false, 0,
                        Store::write);
    // 4,000 products and more in each element of the output.
    compare_conv<float>(eigen_kernels<float>(), conv("many channels", 1, 999, 9, 10, 12, {3, 1, 1}),
                        false, 0, Store::write);
    compare_conv<float>(eigen_kernels<float>(),
                        transpose("many channels", 1, 999, 9, 7, 7, {4, 2, 1}), true, 0,
                        Store::write);
  });
}

TEST_CASE("Eigen's convolutions do not depend on the number of threads", "[eigen][order]") {
  for_each_instruction_set([] { compare_threads(eigen_kernels<float>()); });
}

TEST_CASE("emulated CUDA convolutions equal their definition") {
  const auto& floats = emulated_cuda::kernel_table<float>();
  const auto& doubles = emulated_cuda::kernel_table<double>();
  compare_conv_cases<float>(floats, -1, Store::write);
  compare_conv_cases<float>(floats, 0, Store::add);
  compare_conv_cases<double>(doubles, -1, Store::add);
  compare_conv<float>(floats, conv("large image", 1, 4, 4, 640, 640, {1}), false, 0, Store::write);
}

TEST_CASE("emulated CUDA convolutions in TF32 equal their definition") {
  const auto& table = emulated_cuda::kernel_table(Precision::tf32);
  compare_conv_cases<float>(table, -1, Store::write, {}, kTf32Tolerance);
  compare_conv_cases<float>(table, 0, Store::add, {}, kTf32Tolerance);
}

TEST_CASE("emulated CUDA convolutions in TF32 round their operands to nearest") {
  // Each product is one of these values with 1 or with 0.
  const float step = std::ldexp(1.0F, -10);
  const std::vector<float> values = {1 + step * 0.75F, 1 + step * 0.25F, 1 + step * 0.5F,
                                     1 - step / 8};
  const std::vector<float> rounded = {1 + step, 1, 1 + step, 1};
  for (const int channels : {1, 8}) {
    const ConvSizes sizes = conv("", 1, channels, 8, 1, 4, {1}).sizes;
    std::vector<float> x(x_count(sizes), 7), weight(weight_count(sizes), 0);
    std::copy(values.begin(), values.end(), x.begin());
    for (std::size_t i = 0; i < weight.size(); i += channels) {
      weight[i] = 1;
    }
    for (const auto& [precision, wanted] :
         {std::pair{Precision::fp32, values}, {Precision::tf32, rounded}}) {
      std::vector<float> y(y_count(sizes), std::numeric_limits<float>::quiet_NaN());
      TestLauncher launcher;
      emulated_cuda::kernel_table(precision).conv2d(
          launcher, {sizes, x.data(), weight.data(), nullptr, y.data()});
      for (std::size_t i = 0; i < y.size(); ++i) {
        CHECK(y[i] == wanted[i % 4]);
      }
    }
  }
}

// What ThreadSanitizer watches, in little time.
TEST_CASE("emulated CUDA convolutions have no races", "[threads]") {
  for (const auto& [precision, tolerated] :
       {std::pair{Precision::fp32, tolerance<float>()}, {Precision::tf32, kTf32Tolerance}}) {
    const auto& table = emulated_cuda::kernel_table(precision);
    for (const ConvCase& test :
         {conv("", 1, 1, 5, 3, 3, {3, 2, 1}), conv("", 1, 100, 8, 1, 2, {3, 1, 1}),
          conv("", 2, 8, 17, 2, 2, {5, 1, 2}), conv("", 1, 17, 18, 2, 3, {3, 1, 1}),
          conv("", 1, 1, 2, 27, 27, {1, 1, 2, 1, PaddingMode::replicate})}) {
      compare_conv<float>(table, test, false, -1, Store::add, {}, tolerated);
    }
    for (const int channels : {6, 9}) {
      compare_conv<float>(table, transpose("", 1, channels, 2, 2, 3, {9, 2, 4}, 1), true, -1,
                          Store::add, {}, tolerated);
    }
  }
}

TEST_CASE("emulated CUDA convolutions do not depend on the order of blocks and threads",
          "[order]") {
  for (const Precision precision : {Precision::fp32, Precision::tf32}) {
    std::vector<ConvOutputs<float>> first;
    for_each_emulated_order([&] {
      std::size_t done = 0;
      for (const bool is_transpose : {false, true}) {
        for (const ConvCase& test : is_transpose ? transpose_cases() : conv_cases()) {
          CAPTURE(static_cast<int>(precision), test.name, is_transpose);
          const ConvInputs<float> inputs(test.sizes, -1);
          const ConvOutputs<float> got =
              run_conv<float>(conv_kind(emulated_cuda::kernel_table(precision), is_transpose),
                              test.sizes, inputs, {}, Store::add, 0.75F);
          if (done == first.size()) {
            first.push_back(got);
          }
          const ConvOutputs<float>& wanted = first[done++];
          CHECK(same_bits(got.y, wanted.y));
          CHECK(same_bits(got.dx, wanted.dx));
          CHECK(same_bits(got.dweight, wanted.dweight));
          CHECK(same_bits(got.dbias, wanted.dbias));
        }
      }
    });
  }
}

TEST_CASE("convolutions without bias, and gradients nobody asks for") {
  const ConvSizes sizes = conv("", 2, 3, 4, 6, 9, {3, 2, 1}).sizes;
  const ConvSizes deconvolution = transpose("", 2, 3, 4, 6, 9, {3, 2, 1}, 1).sizes;
  for (const auto& [table, is_transpose] : std::vector<std::pair<const KernelTable<double>*, bool>>{
           {&cpu_kernels<double>(), false},
           {&cpu_kernels<double>(), true},
           {&eigen_kernels<double>(), false},
           {&eigen_kernels<double>(), true},
           {&emulated_cuda::kernel_table<double>(), false},
           {&emulated_cuda::kernel_table<double>(), true}}) {
    const ConvSizes& s = is_transpose ? deconvolution : sizes;
    ConvInputs<double> inputs(s, -1);
    const ConvKind<double> kernels = conv_kind(*table, is_transpose);
    const ConvOutputs<double> with_bias = run_conv<double>(kernels, s, inputs, {}, Store::write, 0);
    TestLauncher launcher;
    GuardedArray<double> y(y_count(s), std::numeric_limits<double>::quiet_NaN());
    kernels.forward(launcher, {s, inputs.x.data(), inputs.weight.data(), nullptr, y.data()});
    const std::size_t plane = static_cast<std::size_t>(s.out_height) * s.out_width;
    std::vector<double> expected = with_bias.y;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      expected[i] -= inputs.bias[i / plane % s.out_channels];
    }
    CHECK(failures(y.values(), expected, std::vector<double>(expected.size(), 10)) == 0);

    GuardedArray<double> dweight(weight_count(s), std::numeric_limits<double>::quiet_NaN());
    GuardedArray<double> dbias(s.out_channels, std::numeric_limits<double>::quiet_NaN());
    kernels.backward_weight(launcher, {s, inputs.x.data(), inputs.dy.data(), dweight.data(),
                                       nullptr, Store::write, Store::write});
    kernels.backward_weight(launcher, {s, inputs.x.data(), inputs.dy.data(), nullptr, dbias.data(),
                                       Store::write, Store::write});
    CHECK(same_bits(dweight.values(), with_bias.dweight));
    CHECK(same_bits(dbias.values(), with_bias.dbias));
  }
}

}  // namespace pisr::kernels
