// A convolution with an activation against the two one after the other: the same bits.
#include <limits>
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

template <class T>
void check_case(const KernelTable<T>& table, const ConvCase& test, bool is_transpose,
                ActivationKind kind, int slope_count) {
  CAPTURE(test.name, is_transpose, static_cast<int>(kind), slope_count, sizeof(T));
  const ConvSizes& s = test.sizes;
  const std::vector<T> x = uniform<T>(x_count(s), -1, 1, 1);
  const std::vector<T> weight = uniform<T>(weight_count(s), -1, 1, 2);
  const std::vector<T> bias = uniform<T>(s.out_channels, -1, 1, 3);
  const std::vector<T> slopes = uniform<T>(s.out_channels, -1, 1, 4);
  const auto forward = is_transpose ? table.conv_transpose2d : table.conv2d;
  const std::vector<T> unset(y_count(s), std::numeric_limits<T>::quiet_NaN());
  TestLauncher launcher(2);

  std::vector<T> plain = unset;
  forward(launcher, {s, x.data(), weight.data(), bias.data(), plain.data()});
  std::vector<T> expected = plain;
  if (kind == ActivationKind::relu) {
    table.unary(launcher, {UnaryOp::relu, static_cast<std::int64_t>(plain.size()), T{0},
                           plain.data(), expected.data()});
  } else if (kind == ActivationKind::prelu) {
    table.prelu(launcher, {s.batch, s.out_channels, std::int64_t{s.out_height} * s.out_width,
                           slope_count, plain.data(), slopes.data(), expected.data()});
  }

  const Activation<T> activation{kind, slopes.data(), slope_count};
  std::vector<T> y = unset;
  forward(launcher, {s, x.data(), weight.data(), bias.data(), y.data(), activation});
  CHECK(same_bits(y, expected));
  y = unset;
  std::vector<T> before = unset;
  forward(launcher, {s, x.data(), weight.data(), bias.data(), y.data(), activation, before.data()});
  CHECK(same_bits(y, expected));
  CHECK(same_bits(before, plain));
}

template <class T>
void check_all(const KernelTable<T>& table) {
  for (const bool is_transpose : {false, true}) {
    for (const ConvCase& test : is_transpose ? transpose_cases() : conv_cases()) {
      check_case(table, test, is_transpose, ActivationKind::none, 0);
      check_case(table, test, is_transpose, ActivationKind::relu, 0);
      check_case(table, test, is_transpose, ActivationKind::prelu, 1);
      check_case(table, test, is_transpose, ActivationKind::prelu, test.sizes.out_channels);
    }
  }
}

}  // namespace

TEST_CASE("a convolution with an activation: the bits of both, on every instruction set") {
  for_each_instruction_set([] {
    check_all(cpu_kernels<float>());
    check_all(cpu_kernels<double>());
  });
}

TEST_CASE("an Eigen convolution with an activation: the bits of both, on every instruction set",
          "[eigen][order]") {
  for_each_instruction_set([] {
    check_all(eigen_kernels<float>());
    check_all(eigen_kernels<double>());
  });
}

TEST_CASE("an emulated CUDA convolution with an activation: the bits of both") {
  check_all(emulated_cuda::kernel_table<float>());
  const auto& tf32 = emulated_cuda::kernel_table(Precision::tf32);
  check_all(tf32);
  for (const int slopes : {1, 3}) {
    check_case(tf32, transpose("merged residues", 2, 8, 3, 5, 7, {5, 2, 2}, 1), true,
               ActivationKind::prelu, slopes);
    check_case(tf32, conv("tiles", 1, 9, 3 * 8, 5, 7, {3, 1, 1}), false, ActivationKind::prelu,
               slopes == 1 ? 1 : 3 * 8);
  }
}

TEST_CASE("a naive convolution with an activation: the bits of both") {
  check_all(naive_kernels<float>());
  check_all(naive_kernels<double>());
}

}  // namespace pisr::kernels
