#include "core/cgroup.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

namespace pisr {
namespace {

namespace fs = std::filesystem;
constexpr double kNoLimit = std::numeric_limits<double>::infinity();

std::optional<double> read_number(const fs::path& path) {
  std::ifstream file(path);
  double number = 0;
  return file >> number ? std::optional(number) : std::nullopt;
}

double limit_of(double quota, double period) {
  return quota > 0 && period > 0 ? quota / period : kNoLimit;
}

// "max 100000" or "150000 100000"
double cpu_limit_version_2(const fs::path& group) {
  std::ifstream file(group / "cpu.max");
  double quota = 0;
  double period = 0;
  return file >> quota >> period ? limit_of(quota, period) : kNoLimit;
}

// A quota of -1 means none.
double cpu_limit_version_1(const fs::path& group) {
  const auto quota = read_number(group / "cpu.cfs_quota_us");
  const auto period = read_number(group / "cpu.cfs_period_us");
  return quota && period ? limit_of(*quota, *period) : kNoLimit;
}

// A number of bytes, or "max".
double memory_limit_version_2(const fs::path& group) {
  return read_number(group / "memory.max").value_or(kNoLimit);
}

double memory_limit_version_1(const fs::path& group) {
  return read_number(group / "memory.limit_in_bytes").value_or(kNoLimit);
}

// The smallest limit of `group` and all groups above it. In a container the group may have the
// host's name and not exist here; then only the groups above it count.
double smallest_limit(const fs::path& root, const std::string& group,
                      double (*limit)(const fs::path&)) {
  double smallest = limit(root);
  fs::path path = root;
  for (const fs::path& part : fs::path(group).relative_path()) {
    path /= part;
    smallest = std::min(smallest, limit(path));
  }
  return smallest;
}

bool names_controller(const std::string& controllers, const std::string& controller) {
  return ("," + controllers + ",").find("," + controller + ",") != std::string::npos;
}

// What limits a resource, which `controller` hands out, in both versions.
struct Limits {
  std::string controller;
  double (*version_1)(const fs::path& group);
  double (*version_2)(const fs::path& group);
};

double smallest_limit(const fs::path& membership, const fs::path& mount, const Limits& limits) {
  double smallest = kNoLimit;
  std::ifstream file(membership);
  // Lines are hierarchy:controllers:group; version 2 has hierarchy 0 and no controllers.
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) {
      continue;
    }
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) {
      smallest = std::min(smallest, smallest_limit(mount, group, limits.version_2));
    } else if (names_controller(controllers, limits.controller)) {
      for (const std::string& folder : {controllers, limits.controller}) {
        smallest = std::min(smallest, smallest_limit(mount / folder, group, limits.version_1));
      }
    }
  }
  return smallest;
}

}  // namespace

double cgroup_cpu_limit(const fs::path& membership, const fs::path& mount) {
  return smallest_limit(membership, mount, {"cpu", cpu_limit_version_1, cpu_limit_version_2});
}

double cgroup_memory_limit(const fs::path& membership, const fs::path& mount) {
  return smallest_limit(membership, mount,
                        {"memory", memory_limit_version_1, memory_limit_version_2});
}

}  // namespace pisr
