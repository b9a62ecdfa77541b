#include "pisr/inference/inference.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "core/available_memory.h"
#include "core/error.h"
#include "pisr/inference/tiles.h"

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

/// What Inference::run() throws for an image that must be whole and does not fit.
[[noreturn]] void refuse_whole(const Plane& input, std::int64_t bytes, double available) {
  constexpr std::int64_t kMebibyte = 1 << 20;
  throw Error(ErrorKind::memory,
              message("inference: the network looks at the whole image at once, which takes ",
                      bytes / kMebibyte, " MiB at ", input.width, "x", input.height, ", there are ",
                      static_cast<std::int64_t>(available) / kMebibyte, " MiB"),
              "a smaller image, or a network that sees only some pixels around each");
}

}  // namespace

Inference::Inference(Context& context, const ImageModel& model, const InferenceOptions& options)
    : context_(context),
      model_(model),
      options_(options),
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
  const std::optional<std::int64_t> whole = memory_of_whole(input.width, input.height);
  if (!chain_ && model_.halo() && context_.device() == nullptr &&
      bytes_of(std::int64_t{input.width} * input.height) > options_.memory) {
    run_tiles(input, output);
    return;
  }
  if (whole) {
    const double available = options_.memory_of_whole > 0
                                 ? static_cast<double>(options_.memory_of_whole)
                                 : available_memory();
    if (static_cast<double>(*whole) > available) {
      refuse_whole(input, *whole, available);
    }
  }
  run_whole(input, output);
}

void Inference::run_whole(const Plane& input, Plane& output) {
  tape_.reset();
  with_type(dtype_, [&]<class T>() {
    const Tensor x = from_plane<T>(context_, input);
    if (chain_) {
      const Tensor y = context_.arena().tensor(chain_->output_shape(x.shape()), dtype_);
      chain_->run(context_, x, y);
      to_plane<T>(y, output);
    } else {
      to_plane<T>(model_.image(tape_.constant(x)).value(), output);
    }
  });
  tape_.reset();
}

void Inference::run_tiles(const Plane& input, Plane& output) {
  // Beyond what the network sees, as far as bits go: rows are computed two at a time from an even
  // one on, and those at a border one at a time (kernels/cpu/conv/winograd.h), which reaches one
  // row further than the first convolution does.
  const int margin = (*model_.halo() + 2) / 2 * 2;
  const std::int64_t pixels = std::max<std::int64_t>(1, options_.memory / bytes_of(1));
  const int scale = model_.spec().scale;
  for (const Tile& tile : cut_into_tiles(input.width, input.height, margin, pixels)) {
    read_ = crop(input, tile.read_left, tile.read_top, tile.read_width, tile.read_height);
    made_.width = tile.read_width * scale;
    made_.height = tile.read_height * scale;
    made_.channels = output.channels;
    made_.samples.resize(static_cast<std::size_t>(made_.width) * made_.height * made_.channels);
    run_whole(read_, made_);
    const std::int64_t count = std::int64_t{tile.width} * scale * output.channels;
    const std::int64_t from = std::int64_t{tile.left - tile.read_left} * scale * output.channels;
    const std::int64_t to = std::int64_t{tile.left} * scale * output.channels;
    for (int row = 0; row < tile.height * scale; ++row) {
      const double* const source = made_.row((tile.top - tile.read_top) * scale + row) + from;
      std::copy(source, source + count, output.row(tile.top * scale + row) + to);
    }
  }
}

std::optional<std::int64_t> Inference::memory_of_whole(int width, int height) {
  if (chain_ || context_.device() != nullptr || model_.sees_truth() || model_.halo()) {
    return std::nullopt;
  }
  return bytes_of(std::int64_t{width} * height);
}

std::int64_t Inference::bytes_of(std::int64_t pixels) {
  if (!bytes_of_pixel_) {
    // The network itself tells, with a small image.
    constexpr int kSide = 8;
    Context context;
    Tape tape(context, Tape::Mode::inference);
    const Tensor image = Tensor::zeros({1, model_.spec().channels, kSide, kSide}, dtype_);
    model_.image(tape.constant(image));
    bytes_of_pixel_ = static_cast<double>(context.arena().used()) / (kSide * kSide);
  }
  return static_cast<std::int64_t>(std::ceil(*bytes_of_pixel_ * static_cast<double>(pixels)));
}

Plane infer(Context& context, const ImageModel& model, const Plane& input) {
  Plane output;
  Inference(context, model).run(input, output);
  return output;
}

}  // namespace pisr
