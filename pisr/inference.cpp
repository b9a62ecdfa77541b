#include "pisr/inference.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "core/error.h"
#include "core/tape.h"
#include "pisr/fsrcnn.h"
#include "pisr/teacher.h"

namespace pisr {
namespace {

/// LR pixels of a strip, about 200 MB of activations for FSRCNN(56, 12, 4) ...
constexpr int kStripPixels = 1 << 18;
/// ... but at least so many rows, so that the halo is not most of the work.
constexpr int kLeastStripRows = 32;

/// How far, in LR pixels, an output pixel looks beyond the LR pixel it lies in: 2 for the 5x5
/// layer, 1 for each 3x3 layer, and of the 9x9 deconvolution with padding 4 what its stride leaves.
int halo(const FsrcnnOptions& options) {
  return 2 + options.mapping_layers + (options.scale <= 3 ? 2 : 1);
}

DType element_type(const Module& module) {
  return module.parameters().front().parameter->value.dtype();
}

/// Rows [first, last) of a plane on 0..255 as [1, 1, rows, width] on 0..1, in the step's memory.
template <class T>
Variable plane_rows(Tape& tape, const Plane& plane, int first, int last) {
  const Tensor tensor = tape.result(Shape{1, 1, last - first, plane.width}, kDTypeOf<T>);
  const double* source = plane.row(first);
  std::transform(source, source + tensor.count(), tensor.data<T>(),
                 [](double value) { return static_cast<T>(value / 255); });
  return tape.constant(tensor);
}

/// Copies rows of an image [1, 1, h, w] on 0..1, from `source_row`, to `rows` rows of `plane` from
/// `row`, on 0..255.
template <class T>
void store_rows(const Tensor& image, int source_row, Plane& plane, int row, int rows) {
  const auto width = static_cast<std::size_t>(plane.width);
  const T* source = image.data<T>() + static_cast<std::size_t>(source_row) * width;
  double* target = plane.row(row);
  const std::size_t count = static_cast<std::size_t>(rows) * width;
  for (std::size_t i = 0; i < count; ++i) {
    if (!std::isfinite(source[i])) {
      throw Error(ErrorKind::numeric,
                  message("the network's output is not finite at pixel (", i % width, ", ",
                          static_cast<std::size_t>(row) + i / width, ")"),
                  "are the weights of a training that diverged?");
    }
    target[i] = 255.0 * static_cast<double>(source[i]);
  }
}

template <class T>
Plane upscale_strips(Context& context, const Fsrcnn& network, const Plane& low, int strip_rows) {
  const int scale = network.options().scale;
  const int margin = halo(network.options());
  Plane output(low.width * scale, low.height * scale, 1);
  Tape tape(context, Tape::Mode::inference);
  for (int top = 0; top < low.height; top += strip_rows) {
    const int bottom = std::min(low.height, top + strip_rows);
    const int first = std::max(0, top - margin);
    const int last = std::min(low.height, bottom + margin);
    tape.reset();
    const Variable result = network.forward(plane_rows<T>(tape, low, first, last)).output;
    store_rows<T>(result.value(), (top - first) * scale, output, top * scale,
                  (bottom - top) * scale);
  }
  tape.reset();
  return output;
}

}  // namespace

Plane upscale_luma(Context& context, const Fsrcnn& network, const Plane& low, int strip_rows) {
  if (low.width < 1 || low.height < 1 || low.channels != 1 || strip_rows < 1) {
    throw Error(
        ErrorKind::usage,
        message("upscale_luma: wants one channel, at least 1x1 pixels and strips of at "
                "least 1 row, got ",
                low.width, "x", low.height, "x", low.channels, " in strips of ", strip_rows));
  }
  return with_type(element_type(network),
                   [&]<class T>() { return upscale_strips<T>(context, network, low, strip_rows); });
}

Plane upscale_luma(Context& context, const Fsrcnn& network, const Plane& low) {
  return upscale_luma(context, network, low,
                      std::max(kLeastStripRows, kStripPixels / std::max(1, low.width)));
}

Plane reconstruct_luma(Context& context, const Teacher& teacher, const Plane& high) {
  return with_type(element_type(teacher), [&]<class T>() {
    Tape tape(context, Tape::Mode::inference);
    tape.reset();
    const Variable result = teacher.forward(plane_rows<T>(tape, high, 0, high.height)).output;
    Plane output(high.width, high.height, 1);
    store_rows<T>(result.value(), 0, output, 0, high.height);
    tape.reset();
    return output;
  });
}

}  // namespace pisr
