#include "kernels/instruction_set.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "kernels/cpu/highway_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/instruction_set.cpp"
#include "hwy/foreach_target.h"
// After foreach_target:
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace pisr::kernels {
namespace HWY_NAMESPACE {
namespace {

std::int64_t target_in_use() {
  return HWY_TARGET;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace pisr::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pisr::kernels {
namespace {

HWY_EXPORT(target_in_use);

/// A name and Highway's targets for it.
struct Named {
  const char* name;
  std::int64_t targets;
};
constexpr std::array<Named, 5> kNames = {{{"avx512", HWY_AVX3 | HWY_AVX3_DL},
                                          {"avx2", HWY_AVX2},
                                          {"sse4", HWY_SSE4},
                                          {"neon", HWY_NEON},
                                          {"portable", HWY_EMU128 | HWY_SCALAR}}};

/// The targets that can run here, as a mask.
std::int64_t available_targets() {
  // Where only one is compiled in there is no choice. Highway is not asked then, because it takes
  // ARM processors without AES, such as the Raspberry Pi's, for processors without NEON.
  if constexpr ((HWY_TARGETS & (HWY_TARGETS - 1)) == 0) {
    return HWY_TARGETS;
  }
  std::int64_t mask = 0;
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    mask |= target;
  }
  return mask;
}

}  // namespace

std::vector<std::string> instruction_sets() {
  const std::int64_t available = available_targets();
  std::vector<std::string> names;
  for (const Named& named : kNames) {
    if ((named.targets & available) != 0) {
      names.emplace_back(named.name);
    }
  }
  return names;
}

std::string instruction_set() {
  const std::int64_t target = HWY_DYNAMIC_DISPATCH(target_in_use)();
  for (const Named& named : kNames) {
    if ((named.targets & target) != 0) {
      return named.name;
    }
  }
  return "portable";
}

bool use_instruction_set(const std::string& name) {
  const std::int64_t available = available_targets();
  for (const Named& named : kNames) {
    if (name == named.name && (named.targets & available) != 0) {
      hwy::GetChosenTarget().Update(named.targets & available);
      return true;
    }
  }
  return false;
}

bool is_instruction_set_name(const std::string& name) {
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](const Named& named) { return name == named.name; });
}

}  // namespace pisr::kernels
#endif  // HWY_ONCE
