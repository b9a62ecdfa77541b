// Tensors, contexts and every operation on a device, by the emulated one.

#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>
#include <vector>

#include "core/safetensors.h"
#include "kernels/emulator/emulated_device.h"
#include "tests/catch.h"
#include "tests/core/op_cases.h"
#include "tests/devices.h"
#include "tests/worse.h"

namespace pisr {
namespace {

using kernels::emulator::EmulatedDevice;

// The value of an operation, and the gradients of the sum of its squares by each input, in the
// host's memory.
std::vector<Tensor> results(Context& context, const OpCase& op_case, DType dtype) {
  Tape tape(context);
  std::vector<Variable> inputs;
  for (const Tensor& input : sample_inputs(op_case)) {
    inputs.push_back(tape.leaf(input.to(dtype).to(context.device())));
  }
  const Variable y = op_case.function(inputs);
  tape.backward(sum(y * y));
  std::vector<Tensor> all{y.value().clone().to(nullptr)};
  for (const Variable& input : inputs) {
    all.push_back(tape.gradient(input).clone().to(nullptr));
  }
  tape.reset();
  return all;
}

// Largest difference, relative to the largest number.
double difference(const Tensor& a, const Tensor& b) {
  const Tensor wide = a.to(DType::f64), reference = b.to(DType::f64);
  double largest = 1e-30, worst = 0;
  for (std::int64_t i = 0; i < wide.count(); ++i) {
    largest = std::max(largest, std::abs(reference.data<double>()[i]));
    const double error = std::abs(wide.data<double>()[i] - reference.data<double>()[i]);
    worst = worse(worst, error);
  }
  return worst / largest;
}

std::vector<float> host_values(const Tensor& tensor) {
  const Tensor here = tensor.to(nullptr);
  return {here.data<float>(), here.data<float>() + here.count()};
}

ErrorKind kind_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.kind();
  }
  throw std::logic_error("no error");
}

}  // namespace

TEST_CASE("device: every operation, forward and backward, as on the CPU", "[device]") {
  Context cpu;
  for_each_device([&](kernels::Device& device, CaseSize) {
    Context context(device);
    for (const OpCase& op_case : op_cases()) {
      const std::vector<Tensor> expected = results(cpu, op_case, DType::f64);
      for (const DType dtype : {DType::f32, DType::f64}) {
        const std::vector<Tensor> got = results(context, op_case, dtype);
        REQUIRE(got.size() == expected.size());
        for (std::size_t i = 0; i < got.size(); ++i) {
          const double error = difference(got[i], expected[i]);
          CAPTURE(op_case.name, dtype == DType::f64, i, error);
          CHECK(error <= (dtype == DType::f32 ? 2e-6 : 1e-14));
        }
      }
    }
  });
}

namespace {

/// Parameters of a small network and where their gradients go in a flat one.
struct SmallNetwork {
  explicit SmallNetwork(kernels::Device* device) {
    const std::vector<Shape> shapes{{4, 1, 3, 3}, {4}, {4}, {4, 4, 3, 3}, {1}, {4, 1, 9, 9}, {1}};
    for (const Shape& shape : shapes) {
      std::vector<float> values(static_cast<std::size_t>(shape.count()));
      for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = 0.0625F * static_cast<float>((i * 7 + values.size()) % 13) - 0.375F;
      }
      parameters.push_back({Tensor::from(values, shape).to(device)});
      parameters.back().offset = count;
      count += shape.count();
    }
  }

  /// The gradient of the sum of squares of its output, computed in `context`. `repeats`: how often
  /// the layer in the middle is applied.
  std::vector<float> gradient(Context& context, bool as_leaves, int repeats) {
    Tape tape(context);
    std::vector<Variable> p;
    for (const Parameter& parameter : parameters) {
      p.push_back(as_leaves ? tape.leaf(parameter.value) : tape.parameter(parameter));
    }
    std::vector<float> image(70);
    for (std::size_t i = 0; i < image.size(); ++i) {
      image[i] = 0.125F * static_cast<float>(i * 5 % 17) - 1;
    }
    Variable x = tape.constant(Tensor::from(image, {2, 1, 5, 7}).to(context.device()));
    x = conv2d_prelu(x, p[0], p[1], p[2], {1, 1});
    for (int i = 0; i < repeats; ++i) {
      x = conv2d_prelu(x, p[3], p[1], p[4], {1, 1});
    }
    x = conv_transpose2d(x, p[5], p[6], {2, 4, 1});
    const Tensor flat = Tensor::zeros({count}, DType::f32, context.device());
    tape.backward(sum(x * x), flat);
    for (std::size_t i = 0; as_leaves && i < p.size(); ++i) {
      flat.slice_flat(parameters[i].offset, p[i].shape()).copy_from(tape.gradient(p[i]));
    }
    return host_values(flat);
  }

  std::vector<Parameter> parameters;
  std::int64_t count = 0;
};

}  // namespace

TEST_CASE("device: sums that are left for later have the bits of those finished at once",
          "[device]") {
  for_each_device([](kernels::Device& device, CaseSize) {
    SmallNetwork network(&device);
    Context context(device);
    const auto* const emulated = dynamic_cast<EmulatedDevice*>(&device);
    const auto launches = [&] { return emulated == nullptr ? 0 : emulated->launches(); };
    const long start = launches();
    const std::vector<float> at_once = network.gradient(context, true, 0);
    const long between = launches();
    CHECK(network.gradient(context, false, 0) == at_once);
    if (emulated != nullptr) {
      // A weight with its bias and slope, a weight, and a bias: three second passes are one.
      CHECK((between - start) - (launches() - between) == 2);
    }
  });
}

TEST_CASE("device: the gradient of a parameter that is used several times", "[device]") {
  Context cpu;
  for_each_device([&](kernels::Device& device, CaseSize) {
    SmallNetwork here(nullptr), there(&device);
    Context context(device);
    const std::vector<float> wanted = here.gradient(cpu, false, 3);
    const std::vector<float> got = there.gradient(context, false, 3);
    CHECK(there.gradient(context, false, 3) == got);
    double largest = 0, worst = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      largest = std::max<double>(largest, std::abs(wanted[i]));
      worst = std::max<double>(worst, std::abs(got[i] - wanted[i]));
    }
    CAPTURE(worst, largest);
    CHECK(std::isfinite(largest));
    CHECK(worst <= 2e-6 * largest);
  });
}

TEST_CASE("device: a weighted loss has its gradients at once", "[device]") {
  Context cpu;
  // The loss, and what the backward pass leaves at its inputs and at itself.
  const auto gradients = [](Context& context, double seed, bool reused, int passes) {
    Tape tape(context);
    const auto leaf = [&](double first) {
      return tape.leaf(Tensor::from(std::vector<float>{static_cast<float>(first), 2, 0.25F}, {3})
                           .to(context.device()));
    };
    const Variable x = leaf(0.5), y = leaf(1.5), spread = leaf(0.75);
    const WeightedLoss loss =
        weighted_loss(l1_term(x, detach(y)), laplace_term(detach(x), y, spread), 0.5);
    tape.keep_gradient(loss.total);
    const Variable root = reused ? loss.total + sum(spread * x) : loss.total;
    for (int i = 0; i < passes; ++i) {
      tape.backward(root, {}, seed);
    }
    std::vector<float> all;
    for (const Variable& variable : {x, y, spread, loss.total}) {
      const std::vector<float> values = host_values(tape.gradient(variable));
      all.insert(all.end(), values.begin(), values.end());
    }
    for (const Variable& value : {loss.total, loss.first, loss.second}) {
      all.push_back(static_cast<float>(value.value().item()));
    }
    CHECK(!loss.first.requires_gradient());
    return all;
  };
  for_each_device([&](kernels::Device& device, CaseSize) {
    Context context(device);
    for (const double seed : {1.0, 0.5}) {
      for (const bool reused : {false, true}) {
        for (const int passes : {1, 2}) {
          CAPTURE(seed, reused, passes);
          const std::vector<float> wanted = gradients(cpu, seed, reused, passes);
          const std::vector<float> got = gradients(context, seed, reused, passes);
          REQUIRE(got.size() == wanted.size());
          for (std::size_t i = 0; i < wanted.size(); ++i) {
            CAPTURE(i);
            CHECK(got[i] == Approx(wanted[i]).epsilon(1e-6));
          }
        }
      }
    }
    if (const auto* const emulated = dynamic_cast<EmulatedDevice*>(&device)) {
      const auto launches = [&](double seed, bool reused) {
        const long before = emulated->launches();
        gradients(context, seed, reused, 1);
        return emulated->launches() - before;
      };
      // Two for the loss and one for its own gradient, which is asked for here only; with another
      // seed one for each of three inputs.
      CHECK(launches(1, false) == 3);
      CHECK(launches(0.5, false) == 6);
    }
  });
}

TEST_CASE("device: numbers go there and back", "[device]") {
  EmulatedDevice device, other;
  const Tensor here = Tensor::from(std::vector<float>{1, 2, 3, 4}, {2, 2});
  const Tensor there = here.to(&device);
  CHECK(there.device() == &device);
  CHECK(device.used() == 16);
  CHECK(here.to(nullptr).data<float>() == here.data<float>());
  CHECK(there.to(&device).data<float>() == there.data<float>());
  CHECK(host_values(there) == std::vector<float>{1, 2, 3, 4});
  CHECK(there.clone().device() == &device);
  CHECK(there.slice_outer(1, 1).slice_flat(0, {1}).item() == 3);
  CHECK(there.to(DType::f64).to(nullptr).values<double>()[3] == 4);
  there.slice_outer(1, 1).copy_from(there.slice_outer(0, 1));
  CHECK(host_values(there) == std::vector<float>{1, 2, 1, 2});
  there.copy_from(Tensor::full({2, 2}, 0.5, DType::f64));
  here.copy_from(there);
  CHECK(host_values(here) == std::vector<float>(4, 0.5F));
  CHECK(host_values(here.to(&other).to(&device)) == std::vector<float>(4, 0.5F));
  CHECK(host_values(Tensor::zeros({3}, DType::f32, &device)) == std::vector<float>(3));
  there.set_zero();
  CHECK(host_values(there) == std::vector<float>(4));
  SafeTensors file;
  file.tensors["x"] = there;
  CHECK(host_values(parse_safetensors(serialise_safetensors(file), "x").tensors.at("x")) ==
        std::vector<float>(4));
}

TEST_CASE("device: memory comes back and its end is an error", "[device]") {
  EmulatedDevice device(std::size_t{1} << 16);
  {
    const Tensor tensor = Tensor::empty({4096}, DType::f32, &device);
    const Tensor view = tensor.slice_flat(5, {2});
    CHECK_THROWS_WITH(Tensor::empty({20000}, DType::f32, &device),
                      "tensor: no memory on emulated CUDA device for 80000 bytes (f32[20000])");
    CHECK(kind_of([&] { Tensor::empty({20000}, DType::f64, &device); }) == ErrorKind::memory);
  }
  CHECK(device.used() == 0);
  Context context(device);
  CHECK_THROWS_WITH(context.arena().tensor({20000}, DType::f32),
                    Catch::Contains("arena: no memory on emulated CUDA device for 80000 bytes"));
}

TEST_CASE("device: the host does not touch its numbers", "[device]") {
  EmulatedDevice device;
  const Tensor there = Tensor::zeros({2, 3}, DType::f32, &device);
  CHECK_THROWS_AS(there.values<float>(), ShapeError);
  CHECK_THROWS_WITH(there.values<float>(),
                    "values: f32[2,3] is on emulated CUDA device, wanted on cpu; to(nullptr) "
                    "copies it");
}

TEST_CASE("device: operands at other places are refused", "[device][errors]") {
  EmulatedDevice device, other;
  Context cpu, context(device);
  Tape here(cpu), there(context);
  const Tensor x = Tensor::zeros({1, 1, 4, 4}), weight = Tensor::zeros({1, 1, 3, 3});
  const Tensor far_x = x.to(&device), far_weight = weight.to(&device);
  CHECK_THROWS_AS(conv2d(there.leaf(far_x), there.leaf(weight), {}), ShapeError);
  CHECK_THROWS_WITH(conv2d(there.leaf(far_x), there.leaf(weight), {}),
                    "conv2d: operands on different devices, wanted on emulated CUDA device (input "
                    "f32[1,1,4,4] emulated CUDA device, weight f32[1,1,3,3] cpu)");
  CHECK_THROWS_WITH(conv2d(here.leaf(x), here.leaf(far_weight), {}),
                    Catch::Contains("conv2d: operands on different devices, wanted on cpu"));
  CHECK_THROWS_AS(relu(there.leaf(x)), ShapeError);
  CHECK_THROWS_AS(relu(there.leaf(x.to(&other))), ShapeError);

  const Parameter parameter{far_weight, 0};
  const Variable loss = sum(conv2d(there.constant(far_x), there.parameter(parameter), {}));
  CHECK_THROWS_WITH(there.backward(loss, Tensor::zeros({9})),
                    "backward: the flat gradient f32[9] is on cpu, the tape runs on emulated CUDA "
                    "device");
  const Tensor gradient = Tensor::zeros({9}, DType::f32, &device);
  CHECK_NOTHROW(there.backward(loss, gradient, 3));
}

TEST_CASE("device: seed and zero gradients", "[device]") {
  EmulatedDevice device;
  Context context(device);
  Tape tape(context);
  const Variable x = tape.leaf(Tensor::full({3}, 2).to(&device));
  const Variable unused = tape.leaf(Tensor::full({2}, 2).to(&device));
  tape.backward(sum(x), {}, 0.75);
  CHECK(host_values(tape.gradient(x)) == std::vector<float>(3, 0.75F));
  CHECK(host_values(tape.gradient(unused)) == std::vector<float>(2));
}

TEST_CASE("device: a step is captured and repeated", "[device]") {
  for_each_device([](kernels::Device& device, CaseSize) {
    Context context(device);
    Tape tape(context);
    const Tensor x = Tensor::full({1, 2, 9, 9}, 0.5).to(&device);
    const Parameter weight{Tensor::full({2, 2, 3, 3}, 0.1).to(&device), 0};
    const Tensor gradient = Tensor::zeros({36}, DType::f32, &device);
    const Tensor loss = Tensor::zeros({1}, DType::f32, &device);
    const auto step = [&] {
      tape.reset();
      gradient.set_zero();
      const Variable y = mean(conv2d(tape.constant(x), tape.parameter(weight), {}));
      tape.backward(y, gradient);
      loss.copy_from(y.value());
    };
    step();
    const double first_loss = loss.item();
    const std::vector<float> first_gradient = host_values(gradient);
    CHECK(first_loss == Approx(0.9));
    tape.reset();
    CapturedStep captured = context.capture(step);

    // Larger work in between takes other memory, for kernels too; the captured step keeps its own.
    tape.reset();
    for (int i = 0; i < 2; ++i) {
      const Variable large = tape.constant(Tensor::full({1, 40, 9, 30}, 1).to(&device));
      const Variable filters = tape.leaf(Tensor::full({40, 40, 5, 5}, 1).to(&device));
      tape.backward(sum(conv2d(large, filters, {})));
      tape.reset();
    }
    x.copy_from(Tensor::full({1, 2, 9, 9}, 1));
    captured.replay();
    CHECK(loss.item() == Approx(2 * first_loss));
    CHECK(host_values(gradient)[7] == Approx(2 * first_gradient[7]));
  });
}

TEST_CASE("device: a step that did not run before cannot be captured, and the next one can",
          "[device]") {
  for_each_device([](kernels::Device& device, CaseSize) {
    Context context(device);
    Tape tape(context);
    const Tensor x = Tensor::zeros({1, 100, 90, 90}, DType::f32, &device);
    const auto allocates = [&] { Tensor::empty({5}, DType::f32, &device); };
    CHECK(kind_of([&] { context.capture(allocates); }) == ErrorKind::device);
    const auto waits = [&] { x.to(nullptr); };
    CHECK(kind_of([&] { context.capture(waits); }) == ErrorKind::device);
    const auto step = [&] {
      tape.reset();
      sum(tape.constant(x) * 2.0);
    };
    CHECK_THROWS_WITH(context.capture(step), Catch::Contains("arena: the captured work needs"));
    CHECK(!device.is_capturing());
    step();
    CHECK_NOTHROW(context.capture(step).replay());
  });
  CHECK(kind_of([] { Context().capture([] {}); }) == ErrorKind::usage);
}

TEST_CASE("device: what fails there is Error(device)", "[device]") {
  EmulatedDevice device;
  Context context(device);
  Tape tape(context);
  const Tensor tensor = Tensor::zeros({4}, DType::f32, &device);
  const Variable x = tape.leaf(tensor);
  device.fail_after(0);
  CHECK(kind_of([&] { relu(x); }) == ErrorKind::device);
  CHECK(kind_of([&] { tensor.item(); }) == ErrorKind::usage);  // four elements
  CHECK(kind_of([&] { tensor.to(nullptr); }) == ErrorKind::device);
  CHECK(kind_of([&] { tensor.set_zero(); }) == ErrorKind::device);
  CHECK(kind_of([&] { Tensor::empty({4}, DType::f32, &device); }) == ErrorKind::device);
}

TEST_CASE("device: sizes beyond the numbers of its kernels are Error(memory), and it goes on",
          "[device]") {
  EmulatedDevice device;
  Context context(device);
  // Nothing of these arrays is touched before the sizes are refused.
  const Tensor tensor = Tensor::zeros({4}, DType::f32, &device);
  float* const data = tensor.data<float>();
  constexpr std::int64_t kCount = std::int64_t{1} << 45;
  CHECK(kind_of([&] {
          context.launch<float>(&kernels::KernelTable<float>::affine,
                                {kCount, 1, 0, data, data, kernels::Store::write});
        }) == ErrorKind::memory);
  kernels::ConvSizes sizes;
  sizes.in_height = sizes.in_width = sizes.out_height = sizes.out_width = 50'000;
  CHECK(kind_of([&] {
          context.launch<float>(&kernels::KernelTable<float>::conv2d,
                                {sizes, data, data, nullptr, data});
        }) == ErrorKind::memory);
  CHECK(kind_of([&] {
          context.launch<float>(&kernels::KernelTable<float>::conv2d_backward_data,
                                {sizes, data, data, data, kernels::Store::write});
        }) == ErrorKind::memory);
  tensor.set_zero();
  CHECK(host_values(tensor) == std::vector<float>(4));
}

TEST_CASE("device: a context launches on its own device, whatever the thread used before",
          "[device]") {
  EmulatedDevice first, second;
  Context on_first(first), on_second(second);
  for (Context* context : {&on_first, &on_second, &on_first}) {
    Tape tape(*context);
    const Variable x = tape.leaf(Tensor::zeros({4}, DType::f32, context->device()));
    CHECK(host_values(relu(x).value()) == std::vector<float>(4));
  }
}

}  // namespace pisr
