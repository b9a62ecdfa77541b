#include "core/available_memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

#include "core/cgroup.h"

namespace pisr {

double available_memory(const std::filesystem::path& meminfo,
                        const std::filesystem::path& membership,
                        const std::filesystem::path& mount) {
  double available = cgroup_memory_limit(membership, mount);
  std::ifstream file(meminfo);
  for (std::string line; std::getline(file, line);) {
    constexpr double kKibibyte = 1024;
    std::istringstream words(line);
    std::string name;
    double number = 0;
    if (words >> name >> number && name == "MemAvailable:") {
      available = std::min(available, kKibibyte * number);
    }
  }
  return available;
}

double available_memory() {
  return available_memory("/proc/meminfo", "/proc/self/cgroup", "/sys/fs/cgroup");
}

}  // namespace pisr
