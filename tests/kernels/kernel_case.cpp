#include "tests/kernels/kernel_case.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <type_traits>

#include "tests/catch.h"
#include "tests/kernels/device_launcher.h"
#include "tests/kernels/emulated.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/test_launcher.h"

namespace pisr::kernels {
namespace {

using Kind = Array::Kind;

/// How a kernel may be run without its result changing by a bit.
struct Variant {
  int threads = 1;
  emulator::Order order = {};
  Device* device = nullptr;  ///< the kernels are this device's
};

template <class T>
void run(const KernelCase& c, const KernelTable<T>& table, Launcher& launcher,
         const std::vector<T*>& pointers, Store how) {
  if constexpr (std::is_same_v<T, float>) {
    c.run_float(table, launcher, pointers, how);
  } else {
    c.run_double(table, launcher, pointers, how);
  }
}

/// The values after a call; those of an output left out are those before it.
template <class T>
Values call(const KernelCase& c, const KernelTable<T>& table, const Variant& variant,
            const Values& before, const std::vector<bool>& present, Store how) {
  std::vector<GuardedArray<T>> arrays;
  for (const std::vector<double>& values : before) {
    arrays.emplace_back(values, variant.device);
  }
  std::vector<T*> pointers;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    pointers.push_back(present[i] ? arrays[i].data() : nullptr);
  }
  emulator::set_order(variant.order);
  const auto run_in = [&](auto& launcher) {
    run(c, table, launcher, pointers, how);
    CHECK(launcher.guards_intact());
  };
  if (variant.device != nullptr) {
    DeviceLauncher launcher(*variant.device);
    run_in(launcher);
  } else {
    TestLauncher launcher(variant.threads);
    run_in(launcher);
  }
  Values after;
  for (GuardedArray<T>& array : arrays) {
    CHECK(array.guards_intact());
    const std::vector<T> values = array.values();
    after.emplace_back(values.begin(), values.end());
  }
  return after;
}

bool is_output(const Array& array) {
  return array.kind == Kind::output || array.kind == Kind::optional_output;
}

template <class T>
Values values_before(const KernelCase& c, Store how) {
  std::mt19937 generator(20240607);
  Values before;
  for (const Array& array : c.arrays) {
    std::vector<double> values(array.count);
    for (std::size_t i = 0; i < array.count; ++i) {
      if (!is_output(array)) {
        values[i] = static_cast<T>(
            std::uniform_real_distribution<double>(array.low, array.high)(generator));
      } else {
        values[i] = how == Store::write ? std::numeric_limits<double>::quiet_NaN()
                                        : static_cast<double>(i % 7) - 3;
      }
    }
    before.push_back(std::move(values));
  }
  return before;
}

/// The largest error of array `index` in units of what is accepted; NaN where a result is.
template <class T>
double worst_error(const KernelCase& c, std::size_t index, double rounding, const Values& before,
                   const Values& wanted, const Values& got, bool added) {
  const std::vector<double> own =
      c.magnitudes ? c.magnitudes(index, before, wanted) : std::vector<double>();
  double worst = 0;
  for (std::size_t i = 0; i < wanted[index].size(); ++i) {
    const double right = wanted[index][i], result = got[index][i];
    if (std::isinf(result) && result == static_cast<T>(right)) {
      continue;  // beyond the range of the type
    }
    double magnitude = own.empty() ? std::abs(right) : own[i];
    if (added) {
      magnitude += std::abs(before[index][i]) + (own.empty() ? std::abs(before[index][i]) : 0);
    }
    const double accepted = rounding * magnitude + 2 * std::numeric_limits<float>::denorm_min();
    const double error = std::abs(result - right) / accepted;
    if (!(error <= worst)) {
      worst = error;
    }
  }
  return worst;
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

template <class T>
void check_one(const KernelCase& c, const KernelTable<T>& table, const std::vector<bool>& present,
               Store how, const std::vector<Variant>& variants) {
  const Values before = values_before<T>(c, how);
  const Values wanted = call<double>(c, naive_kernels<double>(), {}, before, present, how);
  const Values naive = call<T>(c, naive_kernels<T>(), {}, before, present, how);
  const Values first = call<T>(c, table, variants[0], before, present, how);
  // In double the naive running sums themselves are off by a rounding per term.
  const double rounding =
      std::is_same_v<T, float> ? c.roundings * std::ldexp(1.0, -23) : c.roundings * 2.5e-14;
  for (std::size_t i = 0; i < c.arrays.size(); ++i) {
    if (!present[i] || c.arrays[i].kind == Kind::input) {
      CHECK(same_bits(first[i], before[i]));
      continue;
    }
    INFO("array " << i);
    const bool added = how == Store::add && is_output(c.arrays[i]);
    CHECK(worst_error<T>(c, i, rounding, before, wanted, first, added) <= 1.0);
    CHECK(worst_error<T>(c, i, rounding / c.roundings, before, wanted, naive, added) <= 1.0);
  }
  for (std::size_t v = 1; v < variants.size(); ++v) {
    INFO(variants[v].threads << " threads, order " << static_cast<int>(variants[v].order.kind));
    const Values again = call<T>(c, table, variants[v], before, present, how);
    for (std::size_t i = 0; i < c.arrays.size(); ++i) {
      CHECK(same_bits(again[i], first[i]));
    }
  }
}

/// All choices of optional outputs, but none at all.
std::vector<std::vector<bool>> choices_of_outputs(const std::vector<Array>& arrays) {
  std::vector<std::size_t> optional;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    if (arrays[i].kind == Kind::optional_output) {
      optional.push_back(i);
    }
  }
  std::vector<std::vector<bool>> choices;
  for (unsigned bits = optional.empty() ? 0 : 1; bits < 1U << optional.size(); ++bits) {
    std::vector<bool> present(arrays.size(), true);
    for (std::size_t i = 0; i < optional.size(); ++i) {
      present[optional[i]] = (bits >> i & 1U) != 0;
    }
    choices.push_back(std::move(present));
  }
  return choices;
}

void check_all(const KernelCase& c, const KernelTable<float>& floats,
               const KernelTable<double>& doubles, const std::vector<Variant>& variants) {
  INFO(c.name);
  for (const std::vector<bool>& present : choices_of_outputs(c.arrays)) {
    for (const Store how : {Store::write, Store::add}) {
      if (how == Store::add && !c.adds) {
        continue;
      }
      INFO((how == Store::add ? "adding" : "writing"));
      // Leaving out an output changes nothing about the others.
      const bool all = std::find(present.begin(), present.end(), false) == present.end();
      const std::vector<Variant> chosen(variants.begin(),
                                        all ? variants.end() : variants.begin() + 1);
      check_one<float>(c, floats, present, how, chosen);
      check_one<double>(c, doubles, present, how, chosen);
    }
  }
}

/// One thread, and these numbers of threads.
std::vector<Variant> one_and(const std::vector<int>& threads) {
  std::vector<Variant> variants(1);
  for (const int count : threads) {
    variants.push_back({count, {}});
  }
  return variants;
}

}  // namespace

void check(const KernelCase& c, const std::vector<int>& threads) {
  check_all(c, cpu_kernels<float>(), cpu_kernels<double>(), one_and(threads));
}

void check_eigen(const KernelCase& c, const std::vector<int>& threads) {
  check_all(c, eigen_kernels<float>(), eigen_kernels<double>(), one_and(threads));
}

void check_on_device(const KernelCase& c, Device& device) {
  const Variant on_device{.device = &device};
  check_all(c, device.floats(), device.doubles(), {on_device, on_device});
}

void check_emulated(const KernelCase& c) {
  std::vector<Variant> variants;
  for (const emulator::Order& order : emulated_orders()) {
    variants.push_back({1, order});
  }
  check_all(c, emulated_cuda::kernel_table<float>(), emulated_cuda::kernel_table<double>(),
            variants);
  emulator::set_order({});
}

}  // namespace pisr::kernels
