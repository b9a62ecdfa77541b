#pragma once

#include <filesystem>

namespace pisr {

/// Processors that the control groups of a process let it use, e.g. 1.5; infinity without a limit.
/// `membership` is its /proc/self/cgroup and `mount` where the groups are mounted (/sys/fs/cgroup).
/// Versions 1 and 2; the smallest limit of a group and those above it counts.
double cgroup_cpu_limit(const std::filesystem::path& membership,
                        const std::filesystem::path& mount);

}  // namespace pisr
