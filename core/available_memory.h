#pragma once

#include <filesystem>

#include "kernels/export.h"

namespace pisr {

/// Bytes of memory that a process could still get without another one's being written out: what
/// `meminfo` (a /proc/meminfo) calls available, at most what its control groups allow in all.
/// Infinity where nothing tells it.
PISR_CORE_API double available_memory(const std::filesystem::path& meminfo,
                                      const std::filesystem::path& membership,
                                      const std::filesystem::path& mount);
/// Of this process.
PISR_CORE_API double available_memory();

}  // namespace pisr
