#include <algorithm>
#include <cmath>
#include <vector>

#include "core/operand.h"
#include "core/ops.h"

/// Operations on the sides of an image, made of those on channels.
namespace pisr {
namespace {

// In the memory of the step, so that a device can record the step and replay it.
Variable zeros(Tape& tape, const Shape& shape, DType dtype) {
  const Tensor result = tape.result(shape, dtype);
  result.set_zero();
  return tape.constant(result);
}

// x [n, c, h, w] with zeros of shapes [n, before, h, w] and [n, behind, h, w] at the ends of c.
Variable with_zero_channels(const Variable& x, std::int64_t before, std::int64_t behind) {
  const Shape& shape = x.shape();
  const auto border = [&](std::int64_t count) {
    return zeros(x.tape(), {shape[0], count, shape[2], shape[3]}, x.dtype());
  };
  return before == 0 && behind == 0 ? x
         : behind == 0              ? concat_channels({border(before), x})
         : before == 0              ? concat_channels({x, border(behind)})
                                    : concat_channels({border(before), x, border(behind)});
}

// Linear interpolation between channels: x [n, c, 1, w] -> [n, c scale, 1, w], where i lies at
// (i + 0.5) / scale - 0.5 of x, whose first and last channel go on beyond them.
Variable enlarged_channels(const Variable& x, int scale) {
  const Shape& shape = x.shape();
  const std::int64_t last = shape[1] - 1;
  const Variable before =
      last == 0 ? x : concat_channels({slice_channels(x, 0, 1), slice_channels(x, 0, last)});
  const Variable behind =
      last == 0 ? x : concat_channels({slice_channels(x, 1, last), slice_channels(x, last, 1)});
  std::vector<Variable> phases;
  for (int phase = 0; phase < scale; ++phase) {
    const double at = (phase + 0.5) / scale - 0.5;
    const double share = std::abs(at);
    phases.push_back(reshape(x * (1 - share) + (at < 0 ? before : behind) * share,
                             {shape[0] * shape[1], 1, 1, shape[3]}));
  }
  return reshape(concat_channels(phases), {shape[0], shape[1] * scale, 1, shape[3]});
}

void check_sides(const char* op, const Sides& sides) {
  if (std::min({sides.top, sides.left, sides.bottom, sides.right}) < 0) {
    throw ShapeError(message(op, ": sides must be at least 0, got top ", sides.top, ", left ",
                             sides.left, ", bottom ", sides.bottom, ", right ", sides.right));
  }
}

}  // namespace

Variable pad(const Variable& x, const Sides& sides) {
  constexpr const char* kOp = "pad";
  Tape& tape = check_operands(kOp, {{"x", x}});
  check_rank(kOp, {"x", x}, 4);
  check_sides(kOp, sides);
  return tape.observed_as_one(
      kOp, {&x},
      {{"top", sides.top}, {"left", sides.left}, {"bottom", sides.bottom}, {"right", sides.right}},
      [&] {
        const std::int64_t planes = x.shape()[0] * x.shape()[1];
        const std::int64_t height = x.shape()[2];
        const std::int64_t width = x.shape()[3];
        const std::int64_t rows = height + sides.top + sides.bottom;
        const std::int64_t columns = width + sides.left + sides.right;
        // The rows of a plane as channels, then the pixels of a row.
        const Variable longer =
            with_zero_channels(reshape(x, {planes, height, 1, width}), sides.top, sides.bottom);
        const Variable wider = with_zero_channels(reshape(longer, {planes * rows, width, 1, 1}),
                                                  sides.left, sides.right);
        return reshape(wider, {x.shape()[0], x.shape()[1], rows, columns});
      });
}

Variable crop(const Variable& x, const Sides& sides) {
  constexpr const char* kOp = "crop";
  Tape& tape = check_operands(kOp, {{"x", x}});
  check_rank(kOp, {"x", x}, 4);
  check_sides(kOp, sides);
  const std::int64_t planes = x.shape()[0] * x.shape()[1];
  const std::int64_t height = x.shape()[2];
  const std::int64_t rows = height - sides.top - sides.bottom;
  const std::int64_t columns = x.shape()[3] - sides.left - sides.right;
  if (rows < 1 || columns < 1) {
    refuse_operands(kOp, "nothing is left", {{"x", x}});
  }
  return tape.observed_as_one(
      kOp, {&x},
      {{"top", sides.top}, {"left", sides.left}, {"bottom", sides.bottom}, {"right", sides.right}},
      [&] {
        // The pixels of a row as channels, then the rows of a plane.
        const Variable narrower =
            slice_channels(reshape(x, {planes * height, x.shape()[3], 1, 1}), sides.left, columns);
        const Variable lower =
            slice_channels(reshape(narrower, {planes, height, 1, columns}), sides.top, rows);
        return reshape(lower, {x.shape()[0], x.shape()[1], rows, columns});
      });
}

Variable upscale_bilinear(const Variable& x, int scale) {
  constexpr const char* kOp = "upscale_bilinear";
  Tape& tape = check_operands(kOp, {{"x", x}});
  check_rank(kOp, {"x", x}, 4);
  if (scale < 1) {
    throw ShapeError(message(kOp, ": scale must be at least 1, got ", scale));
  }
  return tape.observed_as_one(kOp, {&x}, {{"scale", scale}}, [&] {
    const Shape& shape = x.shape();
    const std::int64_t planes = shape[0] * shape[1];
    // The rows of a plane as channels, then the pixels of a row.
    const Variable higher = enlarged_channels(reshape(x, {planes, shape[2], 1, shape[3]}), scale);
    const Variable pixels = reshape(higher, {planes * shape[2] * scale, shape[3], 1, 1});
    return reshape(enlarged_channels(pixels, scale),
                   {shape[0], shape[1], shape[2] * scale, shape[3] * scale});
  });
}

}  // namespace pisr
