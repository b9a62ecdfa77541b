#include "pisr/inference/inference.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "core/error.h"
#include "core/tape.h"
#include "pisr/model/fsrcnn.h"
#include "pisr/model/teacher.h"

namespace pisr {
namespace {

DType element_type(const Module& module) {
  return module.parameters().front().parameter->value.dtype();
}

/// A plane on 0..255 as [1, 1, h, w] on 0..1, in step memory of the context.
template <class T>
Tensor from_plane(Context& context, const Plane& plane) {
  const Tensor tensor = context.arena().tensor({1, 1, plane.height, plane.width}, kDTypeOf<T>);
  const bool on_host = tensor.device() == nullptr;
  const Tensor here = on_host ? tensor : Tensor::empty(tensor.shape(), tensor.dtype());
  std::transform(plane.samples.begin(), plane.samples.end(), here.data<T>(),
                 [](double value) { return static_cast<T>(value / 255); });
  if (!on_host) {
    tensor.copy_from(here);
  }
  return tensor;
}

/// An image [1, 1, h, w] on 0..1 to a plane [h, w] on 0..255.
template <class T>
void to_plane(const Tensor& image, Plane& plane) {
  const Tensor here = image.to(nullptr);
  const T* const source = here.data<T>();
  const auto width = static_cast<std::size_t>(plane.width);
  for (std::size_t i = 0; i < plane.samples.size(); ++i) {
    if (!std::isfinite(source[i])) {
      throw Error(
          ErrorKind::numeric,
          message("the network's output is not finite at pixel (", i % width, ", ", i / width, ")"),
          "are the weights of a training that diverged?");
    }
    plane.samples[i] = 255.0 * static_cast<double>(source[i]);
  }
}

}  // namespace

LumaUpscaler::LumaUpscaler(Context& context, const Fsrcnn& network)
    : context_(context),
      scale_(network.options().scale),
      dtype_(element_type(network)),
      chain_(network.inference_chain()) {}

void LumaUpscaler::run(const Plane& low, Plane& high) {
  if (low.width < 1 || low.height < 1 || low.channels != 1) {
    throw Error(ErrorKind::usage,
                message("upscale_luma: wants one channel and at least 1x1 pixels, got ", low.width,
                        "x", low.height, "x", low.channels));
  }
  high.width = low.width * scale_;
  high.height = low.height * scale_;
  high.channels = 1;
  high.samples.resize(static_cast<std::size_t>(high.width) * high.height);
  context_.arena().reset();
  with_type(dtype_, [&]<class T>() {
    const Tensor x = from_plane<T>(context_, low);
    const Tensor y = context_.arena().tensor(chain_.output_shape(x.shape()), dtype_);
    chain_.run(context_, x, y);
    to_plane<T>(y, high);
  });
  context_.arena().reset();
}

Plane upscale_luma(Context& context, const Fsrcnn& network, const Plane& low) {
  Plane high;
  LumaUpscaler(context, network).run(low, high);
  return high;
}

Plane reconstruct_luma(Context& context, const Teacher& teacher, const Plane& high) {
  return with_type(element_type(teacher), [&]<class T>() {
    Tape tape(context, Tape::Mode::inference);
    tape.reset();
    const Variable result = teacher.forward(tape.constant(from_plane<T>(context, high))).output;
    Plane output(high.width, high.height, 1);
    to_plane<T>(result.value(), output);
    tape.reset();
    return output;
  });
}

}  // namespace pisr
