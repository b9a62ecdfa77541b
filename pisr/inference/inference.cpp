#include "pisr/inference/inference.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "core/error.h"

namespace pisr {
namespace {

DType element_type(const Module& module) {
  return module.parameters().front().parameter->value.dtype();
}

/// A plane [h, w, c] on 0..255 as [1, c, h, w] on 0..1, in step memory of the context.
template <class T>
Tensor from_plane(Context& context, const Plane& plane) {
  Tensor tensor =
      context.arena().tensor({1, plane.channels, plane.height, plane.width}, kDTypeOf<T>);
  const bool on_host = tensor.device() == nullptr;
  const Tensor here = on_host ? tensor : Tensor::empty(tensor.shape(), tensor.dtype());
  const auto channels = static_cast<std::size_t>(plane.channels);
  T* target = here.data<T>();
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t i = c; i < plane.samples.size(); i += channels) {
      *target++ = static_cast<T>(plane.samples[i] / 255);
    }
  }
  if (!on_host) {
    tensor.copy_from(here);
  }
  return tensor;
}

/// An image [1, c, h, w] on 0..1 to a plane [h, w, c] on 0..255.
template <class T>
void to_plane(const Tensor& image, Plane& plane) {
  const Tensor here = image.to(nullptr);
  const T* source = here.data<T>();
  const auto width = static_cast<std::size_t>(plane.width);
  const auto channels = static_cast<std::size_t>(plane.channels);
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t i = c; i < plane.samples.size(); i += channels, ++source) {
      if (!std::isfinite(*source)) {
        const std::size_t pixel = i / channels;
        throw Error(ErrorKind::numeric,
                    message("the network's output is not finite at pixel (", pixel % width, ", ",
                            pixel / width, ")"),
                    "are the weights of a training that diverged?");
      }
      plane.samples[i] = 255.0 * static_cast<double>(*source);
    }
  }
}

}  // namespace

Inference::Inference(Context& context, const ImageModel& model)
    : context_(context),
      model_(model),
      dtype_(element_type(model)),
      chain_(model.image_chain()),
      tape_(context, Tape::Mode::inference) {}

void Inference::run(const Plane& input, Plane& output) {
  const int channels = model_.spec().channels;
  if (input.width < 1 || input.height < 1 || input.channels != channels) {
    throw Error(ErrorKind::usage, message("inference: the input must have ",
                                          channels == 1 ? "one channel" : "three channels, RGB,",
                                          " and at least 1x1 pixels, got ", input.width, "x",
                                          input.height, "x", input.channels));
  }
  const int of_model = model_.spec().scale;
  if (model_.sees_truth() && (input.width % of_model != 0 || input.height % of_model != 0)) {
    throw Error(ErrorKind::usage, message("inference: the sides of the truth must be multiples of ",
                                          of_model, ", got ", input.width, "x", input.height));
  }
  const int scale = model_.sees_truth() ? 1 : of_model;
  if (std::max(input.width, input.height) > std::numeric_limits<int>::max() / scale) {
    throw Error(ErrorKind::memory, message("inference: ", input.width, "x", input.height, " times ",
                                           scale, " exceeds 2^31 - 1 samples a side"));
  }
  output.width = input.width * scale;
  output.height = input.height * scale;
  output.channels = channels;
  output.samples.resize(static_cast<std::size_t>(output.width) * output.height * channels);
  tape_.reset();
  with_type(dtype_, [&]<class T>() {
    const Tensor x = from_plane<T>(context_, input);
    Tensor y;
    if (chain_) {
      y = context_.arena().tensor(chain_->output_shape(x.shape()), dtype_);
      chain_->run(context_, x, y);
    } else {
      y = model_.image(tape_.constant(x)).value();
    }
    to_plane<T>(y, output);
  });
  tape_.reset();
}

Plane infer(Context& context, const ImageModel& model, const Plane& input) {
  Plane output;
  Inference(context, model).run(input, output);
  return output;
}

}  // namespace pisr
