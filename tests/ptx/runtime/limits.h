#pragma once

#include <cstddef>
#include <cstdint>

// Limits of compute capability 9.0: CUDA C++ Programming Guide, "Technical Specifications per
// Compute Capability".

namespace pisr::ptx {

constexpr int kComputeCapability = 90;
constexpr std::uint32_t kMostBlocksX = 0x7FFFFFFF, kMostBlocksYZ = 65535;
constexpr std::uint32_t kMostThreadsZ = 64;
/// Of every release of CUDA; newer ones allow more.
constexpr std::size_t kMostParameterBytes = 4096;
/// Of a block, those of constant size and dynamic ones together: for every kernel, and after
/// cudaFuncSetAttribute.
constexpr std::size_t kSharedBytesOfAnyBlock = 48 << 10, kMostSharedBytes = 227 << 10;
constexpr int kMultiprocessors = 132;  // of an H200
/// The most that one allocation may have: an H200 has more, the machine of the tests has not.
constexpr std::size_t kMemoryBytes = std::size_t{4} << 30;

}  // namespace pisr::ptx
