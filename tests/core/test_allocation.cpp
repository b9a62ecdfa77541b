#include <iostream>

#include "core/ops.h"
#include "tests/catch.h"
#include "tests/count_allocations.h"

namespace pisr {
namespace {

// One step of a small network with every kind of operation.
void step(Tape& tape, const std::vector<Parameter>& parameters, const Tensor& input,
          const Tensor& target, const Tensor& flat_gradient) {
  tape.reset();
  const auto parameter = [&](std::size_t index) { return tape.parameter(parameters[index]); };
  const Variable x = tape.constant(input);
  const Variable features = prelu(conv2d(x, parameter(0), parameter(1), {1, 1}), parameter(2)) +
                            conv2d_prelu(x, parameter(0), parameter(1), parameter(2), {1, 1});
  const Variable shuffled = pixel_shuffle(features, 2);
  const Variable y = conv_transpose2d(features, parameter(3), {}, {2, 4, 1});
  const Variable scale = softplus(y) + 0.1;
  const Variable enlarged = downscale_bicubic(upscale_bicubic(clamp(y, -1, 1), 2), 2);
  const Variable both = concat_channels({y, sigmoid(shuffled), enlarged, y, enlarged});
  const Variable wanted = tape.constant(target);
  const Variable loss = l1_loss(y, wanted) + laplace_nll(wanted, y, scale) +
                        mean(block_mean(slice_channels(both, 1, 1), 2)) +
                        mean(global_mean(y * y) / (global_standard_deviation(y) + 1.0)) +
                        mean(reshape(abs(y), {y.shape().count()}));
  tape.backward(loss, flat_gradient);
}

}  // namespace

TEST_CASE("no step after the second allocates", "[allocation]") {
  if (!PISR_COUNTS_ALLOCATIONS) {
    std::cout << "SKIPPED: counting allocations: sanitizers count their own\n";
    return;
  }
  std::vector<Parameter> parameters;
  std::int64_t total = 0;
  for (const Shape& shape : {Shape{4, 1, 3, 3}, Shape{4}, Shape{4}, Shape{4, 1, 9, 9}}) {
    parameters.push_back({Tensor::full(shape, 0.1), total});
    total += shape.count();
  }
  const Tensor input = Tensor::full({2, 1, 24, 30}, 0.5);
  const Tensor target = Tensor::full({2, 1, 48, 60}, 0.7);
  const Tensor flat_gradient = Tensor::zeros({total});

  const long before_any = allocation_count();
  CHECK(Tensor::zeros({5}).count() == 5);
  REQUIRE(allocation_count() > before_any);  // the counter counts

  SECTION("one thread") {
    Context context;
    Tape tape(context);
    for (int i = 0; i < 2; ++i) step(tape, parameters, input, target, flat_gradient);
    const long before = allocation_count();
    for (int i = 0; i < 5; ++i) step(tape, parameters, input, target, flat_gradient);
    CHECK(allocation_count() - before == 0);
  }
  SECTION("two threads") {
    ThreadPool pool(2);
    Context context(pool);
    Tape tape(context);
    for (int i = 0; i < 10; ++i) step(tape, parameters, input, target, flat_gradient);
    const long before = allocation_count();
    for (int i = 0; i < 20; ++i) step(tape, parameters, input, target, flat_gradient);
    // Plain threads allocate nothing. oneTBB keeps the memory of its tasks, but may take some more
    // for a thread that joins late.
    CHECK(allocation_count() - before <= 8);
  }
}

}  // namespace pisr
