#include "tests/kernels/kernel_case.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <type_traits>

#include "tests/catch.h"
#include "tests/kernels/test_queue.h"

namespace pisr::kernels {
namespace {

using Kind = Array::Kind;

/// Memory with guards on both sides, and no better aligned than its type needs.
template <class T>
class GuardedArray {
 public:
  explicit GuardedArray(const std::vector<double>& values)
      : count_(values.size()), memory_((count_ + 1) * sizeof(T) + 2 * kGuard, kByte) {
    for (std::size_t i = 0; i < count_; ++i) {
      data()[i] = static_cast<T>(values[i]);
    }
  }
  T* data() { return reinterpret_cast<T*>(memory_.data() + kGuard) + 1; }
  std::vector<double> values() { return {data(), data() + count_}; }
  bool guards_intact() {
    const auto* begin = memory_.data();
    const auto* data_begin = reinterpret_cast<unsigned char*>(data());
    for (const auto* p = begin; p < begin + memory_.size(); ++p) {
      if ((p < data_begin || p >= data_begin + count_ * sizeof(T)) && *p != kByte) {
        return false;
      }
    }
    return true;
  }

 private:
  static constexpr std::size_t kGuard = 1024;
  static constexpr unsigned char kByte = 0xA5;
  std::size_t count_;
  std::vector<unsigned char> memory_;
};

template <class T>
void run(const KernelCase& c, const KernelTable<T>& table, Queue& queue,
         const std::vector<T*>& pointers, Store how) {
  if constexpr (std::is_same_v<T, float>) {
    c.run_float(table, queue, pointers, how);
  } else {
    c.run_double(table, queue, pointers, how);
  }
}

/// The values after a call; those of an output left out are those before it.
template <class T>
Values call(const KernelCase& c, const KernelTable<T>& table, int threads, const Values& before,
            const std::vector<bool>& present, Store how) {
  std::vector<GuardedArray<T>> arrays(before.begin(), before.end());
  std::vector<T*> pointers;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    pointers.push_back(present[i] ? arrays[i].data() : nullptr);
  }
  TestQueue queue(threads);
  run(c, table, queue, pointers, how);
  CHECK(queue.guards_intact());
  Values after;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    CHECK(arrays[i].guards_intact());
    after.push_back(arrays[i].values());
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
void check_one(const KernelCase& c, const std::vector<bool>& present, Store how,
               const std::vector<int>& threads) {
  const Values before = values_before<T>(c, how);
  const Values wanted = call<double>(c, naive_kernels<double>(), 1, before, present, how);
  const Values naive = call<T>(c, naive_kernels<T>(), 1, before, present, how);
  const Values cpu = call<T>(c, cpu_kernels<T>(), 1, before, present, how);
  // In double the naive running sums themselves are off by a rounding per term.
  const double rounding =
      std::is_same_v<T, float> ? c.roundings * std::ldexp(1.0, -23) : c.roundings * 2.5e-14;
  for (std::size_t i = 0; i < c.arrays.size(); ++i) {
    if (!present[i] || c.arrays[i].kind == Kind::input) {
      CHECK(same_bits(cpu[i], before[i]));
      continue;
    }
    INFO("array " << i);
    const bool added = how == Store::add && is_output(c.arrays[i]);
    CHECK(worst_error<T>(c, i, rounding, before, wanted, cpu, added) <= 1.0);
    CHECK(worst_error<T>(c, i, rounding / c.roundings, before, wanted, naive, added) <= 1.0);
  }
  for (const int count : threads) {
    INFO(count << " threads");
    const Values again = call<T>(c, cpu_kernels<T>(), count, before, present, how);
    for (std::size_t i = 0; i < c.arrays.size(); ++i) {
      CHECK(same_bits(again[i], cpu[i]));
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

}  // namespace

void check(const KernelCase& c, const std::vector<int>& threads) {
  INFO(c.name);
  for (const std::vector<bool>& present : choices_of_outputs(c.arrays)) {
    for (const Store how : {Store::write, Store::add}) {
      if (how == Store::add && !c.adds) {
        continue;
      }
      INFO((how == Store::add ? "adding" : "writing"));
      // Leaving out an output changes nothing about the others.
      const bool all = std::find(present.begin(), present.end(), false) == present.end();
      check_one<float>(c, present, how, all ? threads : std::vector<int>());
      check_one<double>(c, present, how, all ? threads : std::vector<int>());
    }
  }
}

}  // namespace pisr::kernels
