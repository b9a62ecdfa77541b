// pad, crop and upscale_bilinear against loops that follow their definition; what an observer of a
// tape is told.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/ops.h"
#include "core/philox.h"
#include "tests/catch.h"

namespace pisr {
namespace {

Tensor random_tensor(const Shape& shape) {
  Random random(5, RandomUse::test, static_cast<std::uint64_t>(shape.count()));
  Tensor tensor = Tensor::empty(shape, DType::f64);
  for (double& x : tensor.values<double>()) x = random.uniform(-1, 1);
  return tensor;
}

double at(const Tensor& x, std::int64_t plane, std::int64_t row, std::int64_t column) {
  return x.data<double>()[(plane * x.shape()[2] + row) * x.shape()[3] + column];
}

/// Calls function(plane, row, column) for each element of [n, c, h, w].
template <class Function>
void for_each(const Shape& shape, Function function) {
  for (std::int64_t plane = 0; plane < shape[0] * shape[1]; ++plane) {
    for (std::int64_t row = 0; row < shape[2]; ++row) {
      for (std::int64_t column = 0; column < shape[3]; ++column) function(plane, row, column);
    }
  }
}

struct Seen final : TapeObserver {
  void observe(const char* op, std::span<const Variable* const> inputs,
               std::span<const Attribute> attributes, const Variable& result) override {
    std::string text = op + std::string("(");
    for (const Variable* input : inputs) {
      text += input == nullptr || !input->defined() ? "- " : message(input->shape(), ' ');
    }
    for (const Attribute& attribute : attributes) {
      text += message(attribute.name, '=', attribute.value, ' ');
    }
    lines.push_back(text + ") " + message(result.shape()));
  }
  std::vector<std::string> lines;
};

}  // namespace

TEST_CASE("pad puts zeros around, and crop takes them away", "[ops]") {
  Context context;
  Tape tape(context, Tape::Mode::inference);
  for (const Sides& sides : {Sides{1, 2, 3, 4}, Sides{2, 0, 0, 0}, Sides{0, 0, 1, 1}, Sides{}}) {
    const Tensor x = random_tensor({2, 3, 4, 5});
    const Variable y = pad(tape.constant(x), sides);
    REQUIRE(y.shape() == Shape{2, 3, 4 + sides.top + sides.bottom, 5 + sides.left + sides.right});
    for_each(y.shape(), [&](std::int64_t plane, std::int64_t row, std::int64_t column) {
      const std::int64_t i = row - sides.top;
      const std::int64_t j = column - sides.left;
      const bool inside = i >= 0 && j >= 0 && i < 4 && j < 5;
      CHECK(at(y.value(), plane, row, column) == (inside ? at(x, plane, i, j) : 0));
    });
    const Variable back = crop(y, sides);
    REQUIRE(back.shape() == x.shape());
    CHECK(std::ranges::equal(back.value().values<double>(), x.values<double>()));
  }
}

TEST_CASE("upscale_bilinear interpolates between the nearest pixels", "[ops]") {
  Context context;
  Tape tape(context, Tape::Mode::inference);
  for (const int scale : {1, 2, 3, 4}) {
    const Tensor x = random_tensor({1, 2, 3, 5});
    const Variable y = upscale_bilinear(tape.constant(x), scale);
    REQUIRE(y.shape() == Shape{1, 2, 3 * scale, 5 * scale});
    for_each(y.shape(), [&](std::int64_t plane, std::int64_t row, std::int64_t column) {
      const auto inside = [&](double i, double j) {
        return at(x, plane, std::clamp<std::int64_t>(static_cast<std::int64_t>(i), 0, 2),
                  std::clamp<std::int64_t>(static_cast<std::int64_t>(j), 0, 4));
      };
      const double u = (static_cast<double>(row) + 0.5) / scale - 0.5;
      const double v = (static_cast<double>(column) + 0.5) / scale - 0.5;
      const double i = std::floor(u);
      const double j = std::floor(v);
      const double upper = inside(i, j) * (1 - v + j) + inside(i, j + 1) * (v - j);
      const double lower = inside(i + 1, j) * (1 - v + j) + inside(i + 1, j + 1) * (v - j);
      const double wanted = upper * (1 - u + i) + lower * (u - i);
      CHECK(at(y.value(), plane, row, column) == Approx(wanted).margin(1e-14));
    });
  }
}

TEST_CASE("an observer is told of each operation", "[tape]") {
  Context context;
  Tape tape(context, Tape::Mode::inference);
  const Variable x = tape.constant(Tensor::zeros({1, 2, 4, 5}));
  const Variable weight = tape.constant(Tensor::zeros({8, 1, 3, 3}));
  Seen seen;
  tape.set_observer(&seen);
  const Variable y = conv2d_leaky_relu(
      x, weight, {}, 0.5,
      {.stride = 1, .padding = 1, .groups = 2, .padding_mode = PaddingMode::replicate});
  pixel_shuffle(y, 2);
  crop(y, {.bottom = 1});
  2 * x + 1;
  tape.set_observer(nullptr);
  relu(x);
  CHECK(seen.lines ==
        std::vector<std::string>{
            "conv2d_leaky_relu([1,2,4,5] [8,1,3,3] - stride=1 padding=1 output_padding=0 groups=2 "
            "replicate=1 slope=0.5 ) [1,8,4,5]",
            "pixel_shuffle([1,8,4,5] factor=2 ) [1,2,8,10]",
            "crop([1,8,4,5] top=0 left=0 bottom=1 right=0 ) [1,8,3,5]",
            "multiply([1,2,4,5] factor=2 offset=0 ) [1,2,4,5]",
            "add([1,2,4,5] factor=1 offset=1 ) [1,2,4,5]"});
}

TEST_CASE("an observer hears of an operation's failure nothing, and of what follows", "[tape]") {
  Context context;
  Tape tape(context, Tape::Mode::inference);
  const Variable x = tape.constant(Tensor::zeros({1, 1, 2, 2}));
  Seen seen;
  tape.set_observer(&seen);
  CHECK_THROWS_AS(tape.observed_as_one("broken", {&x}, {}, [&] { return crop(x, {.top = 2}); }),
                  ShapeError);
  relu(x);
  CHECK(seen.lines.size() == 1);
}

}  // namespace pisr
