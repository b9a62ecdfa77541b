#pragma once

#include "kernels/cuda/language.h"

// Tensor cores: a warp multiplies small matrices that are spread over its 32 lanes. Lane 4 g + t
// ("group" g, "member" t) holds:
//
//            a [16, depth]                           b [depth, 8]            sum [16, 8]
//   tf32, 8  a0 (g, t)      a1 (g + 8, t)            b0 (t, g)               s0 (g, 2 t)
//            a2 (g, t + 4)  a3 (g + 8, t + 4)        b1 (t + 4, g)           s1 (g, 2 t + 1)
//   fp16, 16 a0 (g, 2 t)      a1 (g + 8, 2 t)        b0 (2 t, g)             s2 (g + 8, 2 t)
//            a2 (g, 2 t + 8)  a3 (g + 8, 2 t + 8)    b1 (2 t + 8, g)         s3 (g + 8, 2 t + 1)
//
// An operand of fp16 is a pair of halves, neighbours along the depth, the first in the low bits.
// Sums are in float. What a lane holds of a matrix is called a fragment. (PTX ISA, "Matrix
// fragments for mma.m16n8k8" and "mma.m16n8k16".)
//
// Cards older than sm_80 lack these instructions: kernels that use them must not be launched there.

#if defined(__CUDACC__)

#include <cuda_fp16.h>

namespace pisr::kernels::cuda {

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
#define PISR_TENSOR_CORE(...) asm volatile(__VA_ARGS__)
#else
#define PISR_TENSOR_CORE(...) __trap()
#endif

/// sum += a b, where only the first 10 bits of the fractions of a and b are read.
__device__ __forceinline__ void multiply_tf32(float (&sum)[4], const float (&a)[4],
                                              const float (&b)[2]) {
  PISR_TENSOR_CORE(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(__float_as_uint(a[0])), "r"(__float_as_uint(a[1])), "r"(__float_as_uint(a[2])),
        "r"(__float_as_uint(a[3])), "r"(__float_as_uint(b[0])), "r"(__float_as_uint(b[1])));
}

/// sum += a b
__device__ __forceinline__ void multiply_fp16(float (&sum)[4], const unsigned (&a)[4],
                                              const unsigned (&b)[2]) {
  PISR_TENSOR_CORE(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/// Loads four matrices [8, 8] of halves from shared memory. Lane 8 i + r passes row r of matrix i,
/// 16 bytes aligned to 16. It receives the pair (g, 2 t) of each matrix. Upper left, lower left,
/// upper right and lower right quarter together make an operand a.
__device__ __forceinline__ void load_matrices(unsigned (&matrices)[4], const void* row) {
  PISR_TENSOR_CORE("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                   : "=r"(matrices[0]), "=r"(matrices[1]), "=r"(matrices[2]), "=r"(matrices[3])
                   : "r"(static_cast<unsigned>(__cvta_generic_to_shared(row)))
                   : "memory");
}

/// Rounds to TF32: the nearest number with a fraction of 10 bits, ties away from zero.
__device__ __forceinline__ float to_tf32(float value) {
  unsigned bits = 0;
  PISR_TENSOR_CORE("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
  return __uint_as_float(bits);
}

/// Both numbers rounded to half precision, ties to even, infinite beyond 65504; `low` in the low
/// bits.
__device__ __forceinline__ unsigned pack_halves(float low, float high) {
  const __half2 pair = __floats2half2_rn(low, high);
  return __half_as_ushort(pair.x) | static_cast<unsigned>(__half_as_ushort(pair.y)) << 16;
}

#undef PISR_TENSOR_CORE

}  // namespace pisr::kernels::cuda

#else

#include "kernels/emulator/machine/tensor_core.h"

namespace pisr::kernels::emulated_cuda {

using emulator::pack_halves;
using emulator::Place;
using emulator::to_tf32;

inline void multiply_tf32(float (&sum)[4], const float (&a)[4], const float (&b)[2],
                          Place place = {__builtin_FILE(), __builtin_LINE()}) {
  emulator::multiply_tf32(sum, a, b, place);
}
inline void multiply_fp16(float (&sum)[4], const unsigned (&a)[4], const unsigned (&b)[2],
                          Place place = {__builtin_FILE(), __builtin_LINE()}) {
  emulator::multiply_fp16(sum, a, b, place);
}
inline void load_matrices(unsigned (&matrices)[4], const void* row,
                          Place place = {__builtin_FILE(), __builtin_LINE()}) {
  emulator::load_matrices(matrices, row, place);
}

}  // namespace pisr::kernels::emulated_cuda

#endif
