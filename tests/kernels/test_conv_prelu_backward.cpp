// The gradients of a convolution with a PReLU behind it, by one kernel or two, against those of the
// two one after the other.
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "kernels/fallbacks.h"
#include "kernels/table.h"
#include "tests/catch.h"
#include "tests/devices.h"
#include "tests/kernels/conv_cases.h"
#include "tests/kernels/device_launcher.h"
#include "tests/kernels/emulated.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/random_values.h"
#include "tests/kernels/test_launcher.h"

namespace pisr::kernels {
namespace {

using emulator::EmulatedDevice;

template <class T>
struct Inputs {
  std::vector<T> x, dy, before, slope;
};

template <class T>
Inputs<T> random_inputs(const ConvSizes& s, std::int64_t slopes) {
  Inputs<T> in{uniform<T>(x_count(s), -1, 1, 1), uniform<T>(y_count(s), -1, 1, 2),
               uniform<T>(y_count(s), -1, 1, 3),
               uniform<T>(static_cast<std::size_t>(slopes), -1, 1, 4)};
  in.before[0] = 0;  // the slope's side
  return in;
}

constexpr float kStart = 0.75F;

/// What a caller may ask for.
struct Wanted {
  bool dz = true, dweight = true, dbias = true, dslope = true;
  bool in_place = false;  ///< dz over dy
  Store store = Store::write;
};

template <class T>
struct Outputs {
  std::vector<T> dz, dweight, dbias, dslope;
};

template <class T>
using Kernel = void (*)(Launcher&, const ConvPreluBackwardArgs<T>&);

/// On the host where `device` is null. Results are written over NaN or added to kStart.
template <class T>
Outputs<T> run(Kernel<T> kernel, const ConvSizes& s, const Inputs<T>& in, const Wanted& wanted,
               Device* device = nullptr) {
  constexpr T kNan = std::numeric_limits<T>::quiet_NaN();
  const T start = wanted.store == Store::add ? T{kStart} : kNan;
  GuardedArray<T> x(in.x, device), dy(in.dy, device), before(in.before, device);
  GuardedArray<T> slope(in.slope, device), dz(in.dy.size(), kNan, device);
  GuardedArray<T> dweight(weight_count(s), start, device);
  GuardedArray<T> dbias(static_cast<std::size_t>(s.out_channels), start, device);
  GuardedArray<T> dslope(in.slope.size(), start, device);
  GuardedArray<T>& place = wanted.in_place ? dy : dz;
  const ConvPreluBackwardArgs<T> args{
      {s, x.data(), dy.data(), wanted.dweight ? dweight.data() : nullptr,
       wanted.dbias ? dbias.data() : nullptr, wanted.store, wanted.store},
      static_cast<std::int64_t>(in.slope.size()),
      before.data(),
      slope.data(),
      wanted.dz || wanted.dweight ? place.data() : nullptr,
      wanted.dz,
      wanted.dslope ? dslope.data() : nullptr,
      wanted.store};
  if (device != nullptr) {
    DeviceLauncher launcher(*device);
    kernel(launcher, args);
    REQUIRE(launcher.guards_intact());
  } else {
    TestLauncher launcher(2);
    kernel(launcher, args);
    REQUIRE(launcher.guards_intact());
  }
  for (GuardedArray<T>* array : {&x, &dy, &before, &slope, &dz, &dweight, &dbias, &dslope}) {
    REQUIRE(array->guards_intact());
  }
  Outputs<T> out;
  out.dz = wanted.dz ? place.values() : std::vector<T>();
  out.dweight = wanted.dweight ? dweight.values() : std::vector<T>();
  out.dbias = wanted.dbias ? dbias.values() : std::vector<T>();
  out.dslope = wanted.dslope ? dslope.values() : std::vector<T>();
  return out;
}

/// The elements that are not within 4 eps (float) or 1e-12 (double) of the sum of magnitudes, all
/// added to `start`.
template <class T>
int failures(const std::vector<T>& got, const std::vector<double>& truth,
             const std::vector<double>& magnitudes, double start) {
  const double tolerated = sizeof(T) == sizeof(float) ? std::ldexp(4.0, -23) : 1e-12;
  int count = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double error = std::abs(got[i] - (start + truth[i]));
    count += error <= tolerated * (start + std::abs(magnitudes[i])) ? 0 : 1;
  }
  return count;
}

template <class T>
std::vector<double> widened(const std::vector<T>& values, bool to_magnitudes = false) {
  std::vector<double> wide(values.begin(), values.end());
  for (double& value : wide) {
    value = to_magnitudes ? std::abs(value) : value;
  }
  return wide;
}

const std::vector<Wanted> kAllWanted = {
    {},
    {.store = Store::add},
    {.in_place = true},
    {.dz = false, .in_place = true},
    {.dz = false},
    {.dbias = false, .dslope = false},
    {.dz = false, .dweight = false},
    {.dweight = false, .in_place = true, .store = Store::add},
};

/// dz and dweight have the bits of `first`, the two kernels one after the other; the other two are
/// sums in another order.
template <class T>
void check_case(Kernel<T> kernel, Kernel<T> first, const ConvCase& test,
                const std::vector<Wanted>& all_wanted) {
  const ConvSizes& s = test.sizes;
  for (const std::int64_t slopes : {std::int64_t{1}, std::int64_t{s.out_channels}}) {
    const Inputs<T> in = random_inputs<T>(s, slopes);
    const auto naive = naive_kernels<double>().conv2d_prelu_backward_weight;
    Inputs<double> wide{widened(in.x), widened(in.dy), widened(in.before), widened(in.slope)};
    const Outputs<double> truth = run(naive, s, wide, {});
    wide.dy = widened(in.dy, true);
    wide.slope = widened(in.slope, true);
    const Outputs<double> magnitudes = run(naive, s, wide, {});
    for (const Wanted& wanted : all_wanted) {
      CAPTURE(test.name, sizeof(T), slopes, wanted.dz, wanted.dweight, wanted.in_place);
      const Outputs<T> got = run(kernel, s, in, wanted);
      const Outputs<T> expected = run(first, s, in, wanted);
      CHECK(same_bits(got.dz, expected.dz));
      CHECK(same_bits(got.dweight, expected.dweight));
      const double start = wanted.store == Store::add ? kStart : 0;
      CHECK(failures(got.dbias, truth.dbias, magnitudes.dbias, start) == 0);
      CHECK(failures(got.dslope, truth.dslope, magnitudes.dslope, start) == 0);
    }
  }
}

/// The kernels of a table one after the other, as a kernel.
template <class T, const KernelTable<T>& (*kTable)()>
void prelu_first(Launcher& launcher, const ConvPreluBackwardArgs<T>& args) {
  fallback_conv2d_prelu_backward_weight(launcher, args, kTable().prelu_backward,
                                        kTable().conv2d_backward_weight);
}

const KernelTable<float>& emulated_floats() {
  return emulated_cuda::kernel_table<float>();
}
const KernelTable<double>& emulated_doubles() {
  return emulated_cuda::kernel_table<double>();
}
const KernelTable<float>& emulated_tf32() {
  return emulated_cuda::kernel_table(Precision::tf32);
}

/// The networks' layers with a PReLU, on small images.
std::vector<ConvCase> by_one_kernel() {
  return {conv("feature", 2, 1, 56, 19, 17, {5, 1, 2}),
          conv("shrink", 2, 56, 12, 17, 19, {1}),
          conv("mapping", 2, 12, 12, 23, 24, {3, 1, 1}),
          conv("expand", 2, 12, 56, 17, 19, {1}),
          conv("several parts", 1, 1, 5, 40, 50, {5, 1, 2}),
          conv("few filters", 2, 3, 4, 6, 5, {3, 1, 1}),
          conv("groups, several blocks", 1, 4, 140, 9, 8, {3, 2, 1, 2, PaddingMode::replicate})};
}
std::vector<ConvCase> by_two_kernels() {
  return {conv("downscale", 1, 56, 56, 8, 9, {5, 2, 2}),
          conv("the encoder's shrink", 1, 56, 12, 6, 5, {3, 1, 1}),
          conv("many channels", 1, 56, 56, 9, 17, {1}),
          conv("few filters and groups", 2, 6, 8, 6, 5, {3, 1, 1, 2})};
}

/// The same bits over dy and elsewhere. The sums are those of the definition; those of the weight
/// where `within_bound`, as TF32 rounds its operands.
template <class T>
void check_on_device(Device& device, const ConvCase& test, bool within_bound) {
  CAPTURE(test.name, sizeof(T));
  const ConvSizes& s = test.sizes;
  const Inputs<T> in = random_inputs<T>(s, s.out_channels);
  const auto kernel = device.kernels<T>().conv2d_prelu_backward_weight;
  const Outputs<T> first = run(kernel, s, in, {.in_place = true}, &device);
  const Outputs<T> second = run(kernel, s, in, {}, &device);
  CHECK(same_bits(first.dz, second.dz));
  CHECK(same_bits(first.dweight, second.dweight));
  CHECK(same_bits(first.dbias, second.dbias));
  CHECK(same_bits(first.dslope, second.dslope));
  const auto naive = naive_kernels<double>().conv2d_prelu_backward_weight;
  Inputs<double> wide{widened(in.x), widened(in.dy), widened(in.before), widened(in.slope)};
  const Outputs<double> truth = run(naive, s, wide, {});
  wide = {widened(in.x, true), widened(in.dy, true), widened(in.before), widened(in.slope, true)};
  const Outputs<double> magnitudes = run(naive, s, wide, {});
  CHECK(failures(first.dbias, truth.dbias, magnitudes.dbias, 0) == 0);
  CHECK(failures(first.dslope, truth.dslope, magnitudes.dslope, 0) == 0);
  if (within_bound) {
    CHECK(failures(first.dweight, truth.dweight, magnitudes.dweight, 0) == 0);
  }
}

long launches(EmulatedDevice& device, const ConvSizes& s) {
  const long before = device.launches();
  run(device.floats().conv2d_prelu_backward_weight, s, random_inputs<float>(s, 1), {}, &device);
  return device.launches() - before;
}

}  // namespace

TEST_CASE("convolution and PReLU: gradients on the CPU") {
  for (const ConvCase& test : conv_cases()) {
    check_case<float>(cpu_kernels<float>().conv2d_prelu_backward_weight,
                      prelu_first<float, cpu_kernels<float>>, test, kAllWanted);
  }
}

TEST_CASE("convolution and PReLU: gradients by Eigen", "[eigen]") {
  for (const ConvCase& test : conv_cases()) {
    check_case<float>(eigen_kernels<float>().conv2d_prelu_backward_weight,
                      prelu_first<float, eigen_kernels<float>>, test, kAllWanted);
    check_case<double>(eigen_kernels<double>().conv2d_prelu_backward_weight,
                       prelu_first<double, eigen_kernels<double>>, test, kAllWanted);
  }
}

TEST_CASE("convolution and PReLU: gradients by emulated CUDA kernels") {
  const auto check_floats = [](const ConvCase& test, const std::vector<Wanted>& wanted) {
    check_case<float>(emulated_floats().conv2d_prelu_backward_weight,
                      prelu_first<float, emulated_floats>, test, wanted);
    check_case<float>(emulated_tf32().conv2d_prelu_backward_weight,
                      prelu_first<float, emulated_tf32>, test, wanted);
  };
  for (const ConvCase& test : by_one_kernel()) {
    check_floats(test, kAllWanted);
    check_case<double>(emulated_doubles().conv2d_prelu_backward_weight,
                       prelu_first<double, emulated_doubles>, test, {{}, {.store = Store::add}});
  }
  for (const auto& cases : {conv_cases(), by_two_kernels()}) {
    for (const ConvCase& test : cases) {
      if (y_count(test.sizes) <= 5000) {  // an emulator computes them
        check_floats(test, {{.in_place = true}});
      }
    }
  }
}

// What ThreadSanitizer watches, in little time.
TEST_CASE("convolution and PReLU: emulated gradients have no races", "[threads]") {
  for (const ConvCase& test : {conv("", 2, 1, 17, 4, 3, {3, 1, 1}), conv("", 1, 2, 5, 3, 5, {1})}) {
    check_case<float>(emulated_floats().conv2d_prelu_backward_weight,
                      prelu_first<float, emulated_floats>, test, {{.in_place = true}});
    check_case<float>(emulated_tf32().conv2d_prelu_backward_weight,
                      prelu_first<float, emulated_tf32>, test, {{.in_place = true}});
  }
}

TEST_CASE("convolution and PReLU: gradients do not depend on the order of warps", "[order]") {
  for (const ConvCase& test : by_one_kernel()) {
    CAPTURE(test.name);
    const Inputs<float> in = random_inputs<float>(test.sizes, test.sizes.out_channels);
    for (const KernelTable<float>* table : {&emulated_floats(), &emulated_tf32()}) {
      std::vector<Outputs<float>> results;
      for_each_emulated_order([&] {
        results.push_back(
            run(table->conv2d_prelu_backward_weight, test.sizes, in, {.in_place = true}));
      });
      for (const Outputs<float>& result : results) {
        CHECK(same_bits(result.dz, results[0].dz));
        CHECK(same_bits(result.dweight, results[0].dweight));
        CHECK(same_bits(result.dbias, results[0].dbias));
        CHECK(same_bits(result.dslope, results[0].dslope));
      }
    }
  }
}

TEST_CASE("convolution and PReLU: gradients on a device", "[device]") {
  for (const Precision precision : {Precision::fp32, Precision::tf32}) {
    for_each_device(
        [precision](Device& device, CaseSize) {
          for (const auto& cases : {by_one_kernel(), by_two_kernels()}) {
            for (const ConvCase& test : cases) {
              check_on_device<float>(device, test, precision == Precision::fp32);
            }
          }
          if (precision == Precision::fp32) {
            for (const ConvCase& test : by_one_kernel()) {
              check_on_device<double>(device, test, true);
            }
          }
        },
        precision);
  }
}

TEST_CASE("convolution and PReLU: how many kernels the gradients are") {
  for (const Precision precision : {Precision::fp32, Precision::tf32}) {
    EmulatedDevice device(std::size_t{1} << 28, precision);
    for (const ConvCase& test : by_one_kernel()) {
      CAPTURE(test.name);
      CHECK(launches(device, test.sizes) == 2);  // the second adds up the parts
    }
    for (const ConvCase& test : by_two_kernels()) {
      CAPTURE(test.name);
      CHECK(launches(device, test.sizes) == 4);
    }
  }
}

}  // namespace pisr::kernels
