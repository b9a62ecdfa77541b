#pragma once

#include <cstdint>

#include "kernels/cuda/language.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// Division of n in [0, 2^31) by an invariant divisor d in [1, 2^31), as a multiplication:
/// n / d = n m >> (31 + s) with 2^s >= d and m = ceil(2^(31 + s) / d). The product exceeds n / d by
/// less than 1 / d (Granlund and Montgomery, PLDI 1994).
class FastDivide {
 public:
  __host__ __device__ FastDivide() : FastDivide(1) {}
  __host__ __device__ explicit FastDivide(int divisor) : divisor_(divisor) {
    while ((1U << shift_) < static_cast<unsigned>(divisor)) {
      ++shift_;
    }
    const auto d = static_cast<std::uint64_t>(divisor);
    multiplier_ = static_cast<std::uint32_t>(((std::uint64_t{1} << (31 + shift_)) + d - 1) / d);
  }

  // 2 n fits into 32 bits, so this is the upper half of a 32-bit product, and a shift.
  __host__ __device__ int quotient(int n) const {
    const std::uint64_t product = std::uint64_t{static_cast<std::uint32_t>(n) * 2} * multiplier_;
    return static_cast<int>(static_cast<std::uint32_t>(product >> 32) >> shift_);
  }

  __host__ __device__ int divisor() const { return divisor_; }

 private:
  int divisor_;
  unsigned shift_ = 0;
  std::uint32_t multiplier_ = 0;
};

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
