#pragma once

#include "kernels/cuda/device.h"

/// The matrix product all convolutions are made of: a block computes a tile of a b, whose operands
/// are not stored as matrices but found by functions (an implicit GEMM).
namespace pisr::kernels::PISR_CUDA_NAMESPACE {

constexpr int kProductThreads = 128;
constexpr int kDepth = 16;  ///< of the slices of a and b that are in shared memory at once

/// The rows and columns of a block's tile and of that part of it that is one thread's.
template <int kRowsOfTile, int kColumnsOfTile, int kRowsOfThread, int kColumnsOfThread>
struct Tile {
  static constexpr int kRows = kRowsOfTile, kColumns = kColumnsOfTile;
  static constexpr int kThreadRows = kRowsOfThread, kThreadColumns = kColumnsOfThread;
  static_assert(kRows / kThreadRows * (kColumns / kThreadColumns) == kProductThreads);

  __device__ static int first_row() {
    return static_cast<int>(threadIdx.x) / (kColumns / kThreadColumns) * kThreadRows;
  }
  __device__ static int first_column() {
    return static_cast<int>(threadIdx.x) % (kColumns / kThreadColumns) * kThreadColumns;
  }
};

/// Calls body(Tile) with the tile for a product of so many rows: 1, 12 and 56 channels are what the
/// networks have.
template <class Body>
void with_tile(int rows, const Body& body) {
  if (rows <= 4) {
    body(Tile<4, 128, 4, 1>());
  } else if (rows <= 16) {
    body(Tile<16, 128, 4, 4>());
  } else {
    body(Tile<64, 64, 8, 4>());
  }
}

/// Starts to bring a slice of an operand into shared memory. Along which of its sides neighbouring
/// threads go is the caller's choice: the one that is contiguous in memory.
template <bool kAlongDepth, int kSide, class T, class Find>
__device__ __forceinline__ void load_slice(T (&slice)[kDepth][kSide + 4], int depth_left,
                                           const Find& find) {
  PISR_UNROLL
  for (int i = threadIdx.x; i < kDepth * kSide; i += kProductThreads) {
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
/// this thread counted from those of the tile. `Operands` has
///   const T* a(int row, int k), const T* b(int column, int k): null stands for a zero;
///   kADown, kBDown: whether neighbouring threads load along k.
/// To be called once in a kernel.
///
/// The next slices are on their way while the current ones are multiplied. Sums of kSlicesOfChunk
/// slices are added to a sum of sums, which keeps the error of long sums small.
template <class TileType, class T, class Operands>
__device__ __forceinline__ void multiply(
    const Operands& operands, int begin, int end,
    T (&sum)[TileType::kThreadRows][TileType::kThreadColumns]) {
  constexpr int kRows = TileType::kRows, kColumns = TileType::kColumns;
  constexpr int kSlicesOfChunk = 2;
  PISR_SHARED(T, a, [2][kDepth][kRows + 4]);
  PISR_SHARED(T, b, [2][kDepth][kColumns + 4]);
  const int row = TileType::first_row(), column = TileType::first_column();

  const auto load = [&](int slice) {
    const int k0 = begin + slice * kDepth;
    load_slice<Operands::kADown, kRows>(
        a[slice % 2], end - k0, [&](int other, int k) { return operands.a(other, k0 + k); });
    load_slice<Operands::kBDown, kColumns>(
        b[slice % 2], end - k0, [&](int other, int k) { return operands.b(other, k0 + k); });
  };

  const int slices = (end - begin + kDepth - 1) / kDepth;
  T chunk[TileType::kThreadRows][TileType::kThreadColumns] = {};
  if (slices > 0) {
    load(0);
  }
  for (int slice = 0; slice < slices; ++slice) {
    copy_wait();
    __syncthreads();  // the slice is there, and everybody has done with the one before
    if (slice + 1 < slices) {
      load(slice + 1);
    }
    PISR_UNROLL
    for (int k = 0; k < kDepth; ++k) {
      T left[TileType::kThreadRows], right[TileType::kThreadColumns];
      PISR_UNROLL
      for (int i = 0; i < TileType::kThreadRows; ++i) {
        left[i] = a[slice % 2][k][row + i];
      }
      PISR_UNROLL
      for (int j = 0; j < TileType::kThreadColumns; ++j) {
        right[j] = b[slice % 2][k][column + j];
      }
      PISR_UNROLL
      for (int i = 0; i < TileType::kThreadRows; ++i) {
        PISR_UNROLL
        for (int j = 0; j < TileType::kThreadColumns; ++j) {
          chunk[i][j] += left[i] * right[j];
        }
      }
    }
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
}

/// Calls body(row, column, value) for each element of `sum`, rows and columns as in `multiply`.
template <class TileType, class T, class Body>
__device__ __forceinline__ void for_each_sum(
    const T (&sum)[TileType::kThreadRows][TileType::kThreadColumns], const Body& body) {
  PISR_UNROLL
  for (int i = 0; i < TileType::kThreadRows; ++i) {
    PISR_UNROLL
    for (int j = 0; j < TileType::kThreadColumns; ++j) {
      body(TileType::first_row() + i, TileType::first_column() + j, sum[i][j]);
    }
  }
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
