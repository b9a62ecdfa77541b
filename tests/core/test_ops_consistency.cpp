#include <cmath>
#include <cstring>
#include <vector>

#include "tests/catch.h"
#include "tests/core/op_cases.h"
#include "tests/worse.h"

namespace pisr {
namespace {

// The value of an operation, and the gradients of the sum of its squares by each input.
std::vector<Tensor> run(Context& context, const OpCase& op_case, DType dtype) {
  Tape tape(context);
  std::vector<Variable> inputs;
  for (const Tensor& input : sample_inputs(op_case)) inputs.push_back(tape.leaf(input.to(dtype)));
  const Variable y = op_case.function(inputs);
  tape.backward(sum(y * y));
  std::vector<Tensor> result{y.value().clone()};
  for (const Variable& input : inputs) result.push_back(tape.gradient(input).clone());
  tape.reset();
  return result;
}

bool same_bits(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::memcmp(a[i].data<float>(), b[i].data<float>(),
                    static_cast<std::size_t>(a[i].count()) * sizeof(float)) != 0) {
      return false;
    }
  }
  return a.size() == b.size();
}

// Largest difference, relative to the largest number.
double difference(const Tensor& a, const Tensor& reference) {
  double largest = 1e-30, worst = 0;
  for (std::int64_t i = 0; i < a.count(); ++i) {
    largest = std::max(largest, std::abs(reference.data<double>()[i]));
    const double error = std::abs(a.data<float>()[i] - reference.data<double>()[i]);
    worst = worse(worst, error);
  }
  return worst / largest;
}

}  // namespace

TEST_CASE("operations give the same bits for any number of threads", "[ops][threads]") {
  ThreadPool two(2), three(3), eight(8);
  for (const Backend backend : {Backend::cpu, Backend::eigen}) {
    Context serial(backend), context2(two, backend), context3(three, backend);
    Context context8(eight, backend);
    for (const OpCase& op_case : op_cases()) {
      CAPTURE(op_case.name, static_cast<int>(backend));
      const std::vector<Tensor> expected = run(serial, op_case, DType::f32);
      CHECK(same_bits(run(context2, op_case, DType::f32), expected));
      CHECK(same_bits(run(context3, op_case, DType::f32), expected));
      CHECK(same_bits(run(context8, op_case, DType::f32), expected));
    }
  }
}

TEST_CASE("operations in f32 agree with f64 on the naive back end", "[ops]") {
  Context truth(Backend::naive);
  for (const Backend backend : {Backend::naive, Backend::cpu, Backend::eigen}) {
    Context context(backend);
    for (const OpCase& op_case : op_cases()) {
      const std::vector<Tensor> expected = run(truth, op_case, DType::f64);
      const std::vector<Tensor> got = run(context, op_case, DType::f32);
      REQUIRE(got.size() == expected.size());
      for (std::size_t i = 0; i < got.size(); ++i) {
        const double error = difference(got[i], expected[i]);
        CAPTURE(op_case.name, static_cast<int>(backend), i, error);
        CHECK(error <= 2e-6);
      }
    }
  }
}

TEST_CASE("detach keeps the value", "[ops]") {
  Context context;
  Tape tape(context);
  const Variable x = tape.leaf(Tensor::full({3}, 2.5));
  CHECK(detach(x).value().data<float>() == x.value().data<float>());
}

}  // namespace pisr
