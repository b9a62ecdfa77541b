#include "kernels/emulator/machine/tensor_core.h"

#include <cstdint>
#include <cstring>

#include "kernels/emulator/machine/half.h"
#include "kernels/emulator/machine/thread_sanitizer.h"

namespace pisr::kernels::emulator {
namespace {

constexpr unsigned kAll = 0xFFFFFFFFU;

// sum += a b, with a [16, kDepth] and b [kDepth, 8] spread over the lanes. Of a row of a, or a
// column of b, a lane holds kNeighbours elements, and as many again kDepth / 2 further on. `mine`
// is this lane's share: of its two rows of a by turns, then of its column of b.
template <unsigned kDepth>
void multiply(float (&sum)[4], const float (&mine)[kDepth / 4 * 3], Place place) {
  constexpr unsigned kNeighbours = kDepth / 8;
  const Slots& slots = exchange(kAll, mine, sizeof mine, place);
  const unsigned group = lane() / 4, member = lane() % 4;
  // Row `row` of a, or column `row - 16` of b.
  const auto gather = [&](unsigned row, float(&line)[kDepth]) {
    for (unsigned k = 0; k < kDepth; k += kNeighbours) {
      const unsigned holder = row % 8 * 4 + k % (kDepth / 2) / kNeighbours;
      const unsigned part = row < 16 ? row / 8 + k / (kDepth / 2) * 2 : 4 + k / (kDepth / 2);
      std::memcpy(line + k, slots[holder] + part * kNeighbours * sizeof(float),
                  kNeighbours * sizeof(float));
    }
  };
  float rows[2][kDepth], columns[2][kDepth];
  for (unsigned i = 0; i < 2; ++i) {
    gather(group + i * 8, rows[i]);
    gather(16 + 2 * member + i, columns[i]);
  }
  for (unsigned i = 0; i < 4; ++i) {
    for (unsigned k = 0; k < kDepth; ++k) {
      sum[i] += rows[i / 2][k] * columns[i % 2][k];
    }
  }
}

std::uint32_t bits_of(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

float float_of(std::uint32_t bits) {
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// A tensor core ignores the lower bits.
float seen_by_tf32(float value) {
  return float_of(bits_of(value) & 0xFFFFE000U);
}

}  // namespace

void multiply_tf32(float (&sum)[4], const float (&a)[4], const float (&b)[2], Place place) {
  float mine[6];
  for (int i = 0; i < 6; ++i) {
    mine[i] = seen_by_tf32(i < 4 ? a[i] : b[i - 4]);
  }
  multiply<8>(sum, mine, place);
}

void multiply_fp16(float (&sum)[4], const unsigned (&a)[4], const unsigned (&b)[2], Place place) {
  float mine[12];
  for (int i = 0; i < 6; ++i) {
    const unsigned pair = i < 4 ? a[i] : b[i - 4];
    mine[2 * i] = half_value(static_cast<std::uint16_t>(pair));
    mine[2 * i + 1] = half_value(static_cast<std::uint16_t>(pair >> 16));
  }
  multiply<16>(sum, mine, place);
}

void load_matrices(unsigned (&matrices)[4], const void* row, Place place) {
  constexpr unsigned kRowBytes = 16;
  if (reinterpret_cast<std::uintptr_t>(row) % kRowBytes != 0) {
    fail("a row of a matrix that is not aligned to 16 bytes", place);
  }
  const Slots& slots = exchange(kAll, &row, sizeof row, place);
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned char* source = nullptr;
    std::memcpy(&source, slots[i * 8 + lane() / 4], sizeof source);
    observe_read(source, kRowBytes);
    std::memcpy(&matrices[i], source + lane() % 4 * sizeof matrices[i], sizeof matrices[i]);
  }
}

float to_tf32(float value) {
  const std::uint32_t bits = bits_of(value);
  if ((bits & 0x7F800000U) == 0x7F800000U) {
    return value;
  }
  return seen_by_tf32(float_of(bits + 0x1000U));
}

unsigned pack_halves(float low, float high) {
  return half_bits(low) | static_cast<unsigned>(half_bits(high)) << 16;
}

}  // namespace pisr::kernels::emulator
