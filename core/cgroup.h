#pragma once

#include <filesystem>

namespace pisr {

/// Bytes of memory that the control groups of a process allow it, found like its processors below;
/// infinity without a limit.
double cgroup_memory_limit(const std::filesystem::path& membership,
                           const std::filesystem::path& mount);

/// Number of processors that the control groups of a process allow it, e.g. 1.5; infinity without a
/// limit. `membership` is its /proc/self/cgroup and `mount` where the groups are mounted
/// (/sys/fs/cgroup). Reads versions 1 and 2; the smallest limit of the group and of those above it
/// counts.
double cgroup_cpu_limit(const std::filesystem::path& membership,
                        const std::filesystem::path& mount);

}  // namespace pisr
