// Transposed convolutions as a convolution and depth to space, and interpolation as convolutions.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "core/context.h"
#include "core/ops.h"
#include "core/philox.h"
#include "pisr/export/protobuf.h"
#include "pisr/export/subpixel.h"
#include "tests/catch.h"
#include "tests/worse.h"

namespace pisr {
namespace {

Tensor random_tensor(const Shape& shape) {
  const Tensor tensor = Tensor::empty(shape);
  Random random(9, RandomUse::test, static_cast<std::uint64_t>(shape.count()));
  for (float& x : tensor.values<float>()) x = static_cast<float>(random.uniform(-1, 1));
  return tensor;
}

double difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  double worst = 0;
  for (std::int64_t i = 0; i < a.count(); ++i) {
    worst = worse(worst, std::abs(double{a.data<float>()[i]} - b.data<float>()[i]));
  }
  return worst;
}

struct Case {
  int kernel, stride, padding, output_padding, groups;
};

}  // namespace

TEST_CASE("a transposed convolution is a convolution and depth to space", "[export]") {
  Context context;
  Tape tape(context, Tape::Mode::inference);
  for (const Case& c :
       {Case{9, 2, 4, 1, 1}, Case{9, 3, 4, 2, 1}, Case{9, 4, 4, 3, 1}, Case{9, 2, 3, 0, 1},
        Case{9, 3, 3, 0, 1}, Case{9, 4, 3, 1, 1}, Case{2, 2, 0, 0, 1}, Case{4, 4, 0, 0, 1},
        Case{17, 2, 8, 0, 1}, Case{17, 3, 8, 0, 1}, Case{6, 2, 2, 0, 1}, Case{8, 4, 2, 0, 2},
        Case{3, 2, 0, 0, 2}, Case{5, 1, 2, 0, 1}, Case{9, 2, 0, 0, 1}}) {
    CAPTURE(c.kernel, c.stride, c.padding, c.output_padding, c.groups);
    const Tensor weight = random_tensor({4, 6 / c.groups, c.kernel, c.kernel});
    const SubpixelConvolution conv =
        subpixel_convolution(weight, c.stride, c.padding, c.output_padding, c.groups);
    for (const Shape& shape : {Shape{1, 4, 3, 5}, Shape{1, 4, 7, 6}}) {
      const Variable x = tape.constant(random_tensor(shape));
      const Tensor wanted = conv_transpose2d(x, tape.constant(weight), {},
                                             {.stride = c.stride,
                                              .padding = c.padding,
                                              .output_padding = c.output_padding,
                                              .groups = c.groups})
                                .value();
      const Variable around = pad(x, {conv.before, conv.before, conv.behind, conv.behind});
      const Variable spread = pixel_shuffle(
          conv2d(around, tape.constant(conv.weight), {}, {.groups = conv.groups}), conv.scale);
      const int rows = static_cast<int>(spread.shape()[2] - wanted.shape()[2]);
      const int columns = static_cast<int>(spread.shape()[3] - wanted.shape()[3]);
      REQUIRE((rows >= 0 && rows < 2 * c.stride));
      CHECK(difference(crop(spread, {.bottom = rows, .right = columns}).value(), wanted) <= 1e-5);
    }
  }
}

TEST_CASE("bicubic and bilinear interpolation are convolutions and depth to space", "[export]") {
  Context context;
  Tape tape(context, Tape::Mode::inference);
  const Variable x = tape.constant(random_tensor({1, 1, 7, 8}));
  for (const int scale : {2, 3, 4}) {
    const auto enlarged = [&](const Tensor& phases, int radius) {
      return pixel_shuffle(conv2d(x, tape.constant(phases), {}, {.padding = radius}), scale);
    };
    // Where no pixel beyond the border is read.
    const auto inner = [&](const Variable& y) {
      const int border = 2 * scale;
      return crop(y, {border, border, border, border}).value();
    };
    CHECK(difference(inner(enlarged(bicubic_phases(scale), 2)), inner(upscale_bicubic(x, scale))) <=
          1e-6);
    CHECK(difference(inner(enlarged(bilinear_phases(scale), 1)),
                     inner(upscale_bilinear(x, scale))) <= 1e-6);
  }
}

TEST_CASE("the wire format of Protocol Buffers", "[export]") {
  using namespace std::string_literals;
  CHECK(ProtobufMessage().integer(1, 150).bytes() == "\x08\x96\x01");
  CHECK(ProtobufMessage().integer(1, 0).bytes() == "\x08\x00"s);
  CHECK(ProtobufMessage().integer(16, 127).bytes() == "\x80\x01\x7f");
  CHECK(ProtobufMessage().integer(1, -1).bytes() == "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
  CHECK(ProtobufMessage().text(2, "testing").bytes() == "\x12\x07testing");
  CHECK(ProtobufMessage().number(2, 1).bytes() == "\x15\x00\x00\x80\x3f"s);
  CHECK(ProtobufMessage().message(3, ProtobufMessage().integer(1, 150)).bytes() ==
        "\x1a\x03\x08\x96\x01");
}

}  // namespace pisr
