#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "kernels/export.h"

namespace pisr {

/// A safetensors file in memory: named tensors and string metadata. Types F32 and F64 are tensors;
/// others are refused.
struct SafeTensors {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// Limits and checks: header at most 100 MB, no holes, overlaps or duplicate keys, sizes computed
/// without overflow. Throws Error(weights), naming the file and what is wrong.
PISR_CORE_API SafeTensors read_safetensors(const std::filesystem::path& path);
PISR_CORE_API SafeTensors parse_safetensors(std::span<const std::byte> bytes,
                                            const std::string& name);

PISR_CORE_API std::vector<std::byte> serialise_safetensors(const SafeTensors& file);
/// Written to a temporary name beside `path`, synced, renamed, folder synced: after a crash either
/// the old file or the new one is there. Throws Error(output) and leaves the old file.
PISR_CORE_API void write_safetensors(const std::filesystem::path& path, const SafeTensors& file);

}  // namespace pisr
