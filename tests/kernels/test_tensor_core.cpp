// The meaning the emulator gives to the instructions of tensor cores, against plain matrices and
// against what is known of number formats.

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "kernels/cuda/tensor_core.h"
#include "kernels/emulator/machine/half.h"
#include "tests/catch.h"
#include "tests/kernels/emulated.h"
#include "tests/kernels/test_launcher.h"

namespace pisr::kernels {
namespace {

using namespace emulated_cuda;

// Small integers: every product and sum is exact in every format.
float a_at(int row, int k) {
  return static_cast<float>((row * 7 + k * 3) % 11 - 5);
}
float b_at(int k, int column) {
  return static_cast<float>((k * 5 + column * 2) % 13 - 6);
}

void store_fragment(const float (&sum)[4], float* y) {
  const unsigned g = threadIdx.x / 4, t = threadIdx.x % 4;
  for (unsigned i = 0; i < 4; ++i) {
    y[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = sum[i];
  }
}

void tf32_product(float* y) {
  const int g = static_cast<int>(threadIdx.x) / 4, t = static_cast<int>(threadIdx.x) % 4;
  const float a[4] = {a_at(g, t), a_at(g + 8, t), a_at(g, t + 4), a_at(g + 8, t + 4)};
  const float b[2] = {b_at(t, g), b_at(t + 4, g)};
  float sum[4] = {1, 1, 1, 1};
  multiply_tf32(sum, a, b);
  store_fragment(sum, y);
}

void fp16_product(float* y) {
  PISR_DYNAMIC_SHARED(unsigned, matrix);  // [16, 8] pairs
  const int lane = static_cast<int>(threadIdx.x), g = lane / 4, t = lane % 4;
  for (int i = lane; i < 16 * 8; i += 32) {
    matrix[i] = pack_halves(a_at(i / 8, i % 8 * 2), a_at(i / 8, i % 8 * 2 + 1));
  }
  __syncthreads();
  unsigned a[4];
  load_matrices(a, matrix + lane % 16 * 8 + lane / 16 * 4);
  const unsigned b[2] = {pack_halves(b_at(2 * t, g), b_at(2 * t + 1, g)),
                         pack_halves(b_at(2 * t + 8, g), b_at(2 * t + 9, g))};
  float sum[4] = {1, 1, 1, 1};
  multiply_fp16(sum, a, b);
  store_fragment(sum, y);
}

void without_one_lane(float* y) {
  float sum[4] = {};
  if (threadIdx.x != 5) {
    multiply_tf32(sum, {1, 2, 3, 4}, {1, 2});
  }
  store_fragment(sum, y);
}

void at_different_lines(float* y) {
  float sum[4] = {};
  if (threadIdx.x < 16) {
    multiply_tf32(sum, {1, 2, 3, 4}, {1, 2});
  } else {
    multiply_tf32(sum, {1, 2, 3, 4}, {1, 2});
  }
  store_fragment(sum, y);
}

void unaligned_row(float* y) {
  PISR_DYNAMIC_SHARED(unsigned char, bytes);
  unsigned matrices[4];
  load_matrices(matrices, bytes + 8);
  y[threadIdx.x] = static_cast<float>(matrices[0]);
}

void no_dynamic_shared(float* y) {
  PISR_DYNAMIC_SHARED(float, shared);
  y[threadIdx.x] = shared[threadIdx.x];
}

void reads_unwritten(float* y) {
  PISR_DYNAMIC_SHARED(float, shared);
  shared[threadIdx.x + 32] = 1;
  y[threadIdx.x] = shared[threadIdx.x];
}

std::vector<float> run(void (*kernel)(float*), std::size_t shared_bytes) {
  std::vector<float> y(16 * 8, std::numeric_limits<float>::quiet_NaN());
  TestLauncher launcher;
  launch_with_shared(launcher, kernel, 1, 32, shared_bytes, y.data());
  return y;
}

std::string failure_of(void (*kernel)(float*), std::size_t shared_bytes) {
  try {
    run(kernel, shared_bytes);
  } catch (const emulator::Failure& failure) {
    return failure.what();
  }
  return "no failure";
}

std::size_t wrong(const std::vector<float>& y, int depth) {
  std::size_t count = 0;
  for (int row = 0; row < 16; ++row) {
    for (int column = 0; column < 8; ++column) {
      float sum = 1;
      for (int k = 0; k < depth; ++k) {
        sum += a_at(row, k) * b_at(k, column);
      }
      count += y[static_cast<std::size_t>(row) * 8 + column] == sum ? 0 : 1;
    }
  }
  return count;
}

}  // namespace

TEST_CASE("emulator: tensor cores multiply matrices, in every order") {
  for_each_emulated_order([] {
    CHECK(wrong(run(tf32_product, 0), 8) == 0);
    CHECK(wrong(run(fp16_product, 16 * 32), 16) == 0);
  });
}

TEST_CASE("emulator: broken rules of tensor cores and dynamic shared memory") {
  const auto begins = [](void (*kernel)(float*), std::size_t bytes, const std::string& wanted) {
    CHECK(failure_of(kernel, bytes).substr(0, wanted.size()) == wanted);
  };
  for_each_emulated_order([&] {
    begins(without_one_lane, 0, "a deadlock");
    begins(at_different_lines, 0, "lanes of a warp meet at different operations at ");
    begins(unaligned_row, 1024, "a row of a matrix that is not aligned to 16 bytes");
    begins(no_dynamic_shared, 0, "a kernel uses dynamic shared memory that its launch did not ask");
    begins(tf32_product, (227 << 10) + 1, "232449 bytes of dynamic shared memory for a block");
    CHECK(std::isnan(run(reads_unwritten, 1024)[3]));
  });
  CHECK(failure_of(at_different_lines, 0).find("test_tensor_core.cpp:") != std::string::npos);
  emulator::set_card({99 << 10, 84});
  begins(tf32_product, 100 << 10, "102400 bytes of dynamic shared memory for a block");
  emulator::set_card({});
}

TEST_CASE("emulator: rounding to TF32") {
  const float step = std::ldexp(1.0F, -10);
  CHECK(to_tf32(1 + step) == 1 + step);
  CHECK(to_tf32(1 + step / 2) == 1 + step);  // a tie, away from zero
  CHECK(to_tf32(-1 - step / 2) == -1 - step);
  CHECK(to_tf32(1 + step * 0.49F) == 1);
  CHECK(to_tf32(2 - step / 4) == 2);
  CHECK(std::isinf(to_tf32(std::numeric_limits<float>::infinity())));
  CHECK(std::isnan(to_tf32(std::numeric_limits<float>::quiet_NaN())));
  // A tensor core itself does not round.
  const auto kernel = [](float* y) {
    float sum[4] = {};
    const float value = 1 + std::ldexp(1.0F, -11) + std::ldexp(1.0F, -12);
    multiply_tf32(sum, {value, value, 0, 0}, {1, 0});
    store_fragment(sum, y);
  };
  CHECK(run(kernel, 0)[0] == 4);
}

TEST_CASE("emulator: halves") {
  using emulator::half_bits;
  using emulator::half_value;
  std::size_t wrong_bits = 0, wrong_middles = 0;
  for (unsigned bits = 0; bits < 0x7C00; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const unsigned exponent = bits >> 10, fraction = bits & 1023U;
    const double value = exponent == 0
                             ? std::ldexp(fraction, -24)
                             : std::ldexp(fraction + 1024, static_cast<int>(exponent) - 25);
    wrong_bits += half_value(half) == value && half_bits(static_cast<float>(value)) == bits &&
                          half_bits(static_cast<float>(-value)) == (bits | 0x8000U)
                      ? 0
                      : 1;
    // Half way to the next number: to the even one. The next after the largest would be 65536.
    const double next = bits == 0x7BFF ? 65536 : half_value(static_cast<std::uint16_t>(bits + 1));
    const auto middle = static_cast<float>((value + next) / 2);
    const unsigned even = bits % 2 == 0 ? bits : bits + 1;
    wrong_middles += half_bits(middle) == even && half_bits(std::nextafter(middle, 0.0F)) == bits &&
                             half_bits(std::nextafter(middle, 1e9F)) == bits + 1
                         ? 0
                         : 1;
  }
  CHECK(wrong_bits == 0);
  CHECK(wrong_middles == 0);
  CHECK(std::isinf(half_value(0x7C00)));
  CHECK(std::isnan(half_value(0x7E00)));
  CHECK(half_bits(std::numeric_limits<float>::infinity()) == 0x7C00);
  CHECK((half_bits(std::numeric_limits<float>::quiet_NaN()) & 0x7FFFU) > 0x7C00);
  CHECK(pack_halves(1, -2) == 0xC0003C00U);
}

}  // namespace pisr::kernels
