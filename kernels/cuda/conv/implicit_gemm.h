#pragma once

#include <type_traits>

#include "kernels/cuda/language.h"
#include "kernels/cuda/tensor_core.h"
#include "kernels/precision.h"

/// An implicit GEMM: a block computes a tile of the matrix product a b, whose elements are found by
/// functions and not stored as matrices. It takes every shape, in double, in fp32 and in TF32.
namespace pisr::kernels::PISR_CUDA_NAMESPACE {

constexpr int kGemmThreads = 128;
constexpr int kDepth = 16;  ///< of a slice: what of a and b is in shared memory at once

/// A block's tile in fp32 or double. A thread sums the elements at its row(i) and column(j), where
/// i < kThreadRows and j < kThreadColumns. Rows of a slice are padded by kPad against bank
/// conflicts.
template <int kRowsOfTile, int kColumnsOfTile, int kRowsOfThread, int kColumnsOfThread>
struct GemmTile {
  static constexpr int kRows = kRowsOfTile, kColumns = kColumnsOfTile, kPad = 4;
  static constexpr int kThreadRows = kRowsOfThread, kThreadColumns = kColumnsOfThread;
  static_assert(kRows / kThreadRows * (kColumns / kThreadColumns) == kGemmThreads);
  /// So many slices are summed before they are added to the total, which bounds the rounding error.
  static constexpr int kSlicesOfChunk = 2;

  __device__ static int row(int i) {
    return static_cast<int>(threadIdx.x) / (kColumns / kThreadColumns) * kThreadRows + i;
  }
  __device__ static int column(int j) {
    return static_cast<int>(threadIdx.x) % (kColumns / kThreadColumns) * kThreadColumns + j;
  }

  template <class T>
  __device__ __forceinline__ static void multiply_slice(const T (&a)[kDepth][kRows + kPad],
                                                        const T (&b)[kDepth][kColumns + kPad],
                                                        T (&sum)[kThreadRows][kThreadColumns]) {
    const int first_row = row(0), first_column = column(0);
    PISR_UNROLL
    for (int k = 0; k < kDepth; ++k) {
      T left[kThreadRows], right[kThreadColumns];
      PISR_UNROLL
      for (int i = 0; i < kThreadRows; ++i) {
        left[i] = a[k][first_row + i];
      }
      PISR_UNROLL
      for (int j = 0; j < kThreadColumns; ++j) {
        right[j] = b[k][first_column + j];
      }
      PISR_UNROLL
      for (int i = 0; i < kThreadRows; ++i) {
        PISR_UNROLL
        for (int j = 0; j < kThreadColumns; ++j) {
          sum[i][j] += left[i] * right[j];
        }
      }
    }
  }
};

/// The same in TF32 on tensor cores: four warps, kWarpsDown of them one below the other. A thread
/// reads 4 + 2 numbers for a product of 16 x 8 x 8. There are no bank conflicts, because kPad makes
/// rows of a slice 8 modulo 16 floats long.
template <int kRowsOfTile, int kColumnsOfTile, int kWarpsDown>
struct Tf32GemmTile {
  static constexpr int kRows = kRowsOfTile, kColumns = kColumnsOfTile, kPad = 8;
  static constexpr int kWarpsAcross = kGemmThreads / kWarpSize / kWarpsDown;
  static constexpr int kWarpRows = kRows / kWarpsDown, kWarpColumns = kColumns / kWarpsAcross;
  static constexpr int kThreadRows = kWarpRows / 8, kThreadColumns = kWarpColumns / 4;
  static_assert(kWarpRows % 16 == 0 && kWarpColumns % 8 == 0);
  static_assert((kRows + kPad) % 16 == 8 && (kColumns + kPad) % 16 == 8);
  static constexpr int kSlicesOfChunk = 0;  // 0: one total; rounding the operands costs more

  __device__ static int group() { return static_cast<int>(threadIdx.x) % kWarpSize / 4; }
  __device__ static int member() { return static_cast<int>(threadIdx.x) % 4; }
  __device__ static int row(int i) {
    const int warp = static_cast<int>(threadIdx.x) / kWarpSize / kWarpsAcross;
    return warp * kWarpRows + i * 8 + group();
  }
  __device__ static int column(int j) {
    const int warp = static_cast<int>(threadIdx.x) / kWarpSize % kWarpsAcross;
    return warp * kWarpColumns + j / 2 * 8 + member() * 2 + j % 2;
  }

  __device__ __forceinline__ static void multiply_slice(const float (&a)[kDepth][kRows + kPad],
                                                        const float (&b)[kDepth][kColumns + kPad],
                                                        float (&sum)[kThreadRows][kThreadColumns]) {
    const int first_row = row(0), first_column = column(0) - member() * 2 + group();
    PISR_UNROLL
    for (int step = 0; step < kDepth / 8; ++step) {
      const int k = step * 8 + member();
      float left[kThreadRows / 2][4];
      PISR_UNROLL
      for (int i = 0; i < kThreadRows / 2; ++i) {
        PISR_UNROLL
        for (int part = 0; part < 4; ++part) {
          left[i][part] = to_tf32(a[k + part / 2 * 4][first_row + i * 16 + part % 2 * 8]);
        }
      }
      PISR_UNROLL
      for (int j = 0; j < kThreadColumns / 2; ++j) {
        const float right[2] = {to_tf32(b[k][first_column + j * 8]),
                                to_tf32(b[k + 4][first_column + j * 8])};
        PISR_UNROLL
        for (int i = 0; i < kThreadRows / 2; ++i) {
          float(&upper)[kThreadColumns] = sum[2 * i];
          float(&lower)[kThreadColumns] = sum[2 * i + 1];
          float part[4] = {upper[2 * j], upper[2 * j + 1], lower[2 * j], lower[2 * j + 1]};
          multiply_tf32(part, left[i], right);
          upper[2 * j] = part[0];
          upper[2 * j + 1] = part[1];
          lower[2 * j] = part[2];
          lower[2 * j + 1] = part[3];
        }
      }
    }
  }
};

/// Calls body(tile) with the tile for so many rows; the networks have 1, 12 and 56 channels. Up to
/// four rows are multiplied in fp32: they would leave most of a tensor core idle.
template <class T, class Body>
void with_gemm_tile(int rows, Precision precision, const Body& body) {
  if constexpr (std::is_same_v<T, float>) {
    if (precision != Precision::fp32 && rows > 4) {
      if (rows <= 16) {
        body(Tf32GemmTile<16, 128, 1>());
      } else {
        body(Tf32GemmTile<64, 128, 2>());
      }
      return;
    }
  }
  if (rows <= 4) {
    body(GemmTile<4, 128, 4, 1>());
  } else if (rows <= 16) {
    body(GemmTile<16, 128, 4, 4>());
  } else {
    body(GemmTile<64, 64, 8, 4>());
  }
}

/// Starts to copy a slice of an operand into shared memory. kAlongDepth: whether neighbouring
/// threads load along the depth, which is best where that is contiguous in memory.
template <bool kAlongDepth, int kSide, int kPitch, class T, class Find>
__device__ __forceinline__ void load_slice(T (&slice)[kDepth][kPitch], int depth_left,
                                           const Find& find) {
  PISR_UNROLL
  for (int i = threadIdx.x; i < kDepth * kSide; i += kGemmThreads) {
    const int k = kAlongDepth ? i % kDepth : i / kSide;
    const int other = kAlongDepth ? i / kDepth : i % kSide;
    const T* source = k < depth_left ? find(other, k) : nullptr;
    if (source != nullptr) {
      copy_async(&slice[k][other], source);
    } else {
      slice[k][other] = 0;
    }
  }
}

/// sum[i][j] = sum over k in [begin, end) of *a(row, k) *b(k, column), for the rows and columns of
/// this thread, counted from those of the tile. To be called once in a kernel. `Operands` has
///   const T* a(int row, int k), const T* b(int column, int k): null stands for a zero;
///   kADown, kBDown: whether neighbouring threads load along k;
///   kComputesA: whether a is computed instead, each element once: load_a(first, end) loads what
///   this thread needs of the slice [first, first + kDepth), and put_a(slice) computes and stores
///   it, with zeros from `end` on.
/// While one slice is multiplied, the next is being copied.
template <class TileType, class T, class Operands>
__device__ __forceinline__ void implicit_gemm(
    Operands& operands, int begin, int end,
    T (&sum)[TileType::kThreadRows][TileType::kThreadColumns]) {
  constexpr int kRows = TileType::kRows, kColumns = TileType::kColumns;
  constexpr int kSlicesOfChunk = TileType::kSlicesOfChunk;
  PISR_SHARED(T, a, [2][kDepth][kRows + TileType::kPad]);
  PISR_SHARED(T, b, [2][kDepth][kColumns + TileType::kPad]);

  const auto load = [&](int slice) {
    const int k0 = begin + slice * kDepth;
    if constexpr (Operands::kComputesA) {
      operands.load_a(k0, end);
    } else {
      load_slice<Operands::kADown, kRows>(
          a[slice % 2], end - k0, [&](int other, int k) { return operands.a(other, k0 + k); });
    }
    load_slice<Operands::kBDown, kColumns>(
        b[slice % 2], end - k0, [&](int other, int k) { return operands.b(other, k0 + k); });
  };

  const auto finish_load = [&](int slice) {
    if constexpr (Operands::kComputesA) {
      operands.put_a(a[slice % 2]);
    }
  };

  const int slices = (end - begin + kDepth - 1) / kDepth;
  T chunk[TileType::kThreadRows][TileType::kThreadColumns] = {};
  if (slices > 0) {
    load(0);
    finish_load(0);
  }
  for (int slice = 0; slice < slices; ++slice) {
    copy_wait();
    __syncthreads();  // this slice has arrived, and no thread still reads the previous one
    if (slice + 1 < slices) {
      load(slice + 1);
    }
    if constexpr (kSlicesOfChunk == 0) {
      TileType::multiply_slice(a[slice % 2], b[slice % 2], sum);
    } else {
      TileType::multiply_slice(a[slice % 2], b[slice % 2], chunk);
      if ((slice + 1) % kSlicesOfChunk == 0 || slice + 1 == slices) {
        PISR_UNROLL
        for (int i = 0; i < TileType::kThreadRows; ++i) {
          PISR_UNROLL
          for (int j = 0; j < TileType::kThreadColumns; ++j) {
            sum[i][j] += chunk[i][j];
            chunk[i][j] = 0;
          }
        }
      }
    }
    if (slice + 1 < slices) {
      finish_load(slice + 1);
    }
  }
}

/// Calls body(row, column, value) for each element of `sum`, with its row and column in the tile.
template <class TileType, class T, class Body>
__device__ __forceinline__ void for_each_sum(
    const T (&sum)[TileType::kThreadRows][TileType::kThreadColumns], const Body& body) {
  PISR_UNROLL
  for (int i = 0; i < TileType::kThreadRows; ++i) {
    PISR_UNROLL
    for (int j = 0; j < TileType::kThreadColumns; ++j) {
      body(TileType::row(i), TileType::column(j), sum[i][j]);
    }
  }
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
