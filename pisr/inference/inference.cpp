#include "pisr/inference/inference.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>
#include <vector>

#include "core/available_memory.h"
#include "core/error.h"
#include "pisr/inference/tiles.h"

namespace pisr {
namespace {

DType element_type(const Module& module) {
  return module.parameters().front().parameter->value.dtype();
}

/// Samples [h, w, c] on 0..255 as [c, h, w] on 0..1.
template <class T>
void split(const Plane& plane, T* target) {
  const auto channels = static_cast<std::size_t>(plane.channels);
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t i = c; i < plane.samples.size(); i += channels) {
      *target++ = static_cast<T>(plane.samples[i] / 255);
    }
  }
}

/// The inverse.
template <class T>
void join(const T* source, Plane& plane) {
  const auto channels = static_cast<std::size_t>(plane.channels);
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t i = c; i < plane.samples.size(); i += channels) {
      plane.samples[i] = 255.0 * static_cast<double>(*source++);
    }
  }
}

/// Of rows of a plane, the first of which is the `top`-th.
template <class T>
void check_rows_finite(const T* planes, int rows, int width, int top) {
  const std::int64_t count = std::int64_t{rows} * width;
  T zero{0};
  for (std::int64_t i = 0; i < count; ++i) {
    zero += planes[i] * T{0};  // vectorised; NaN where a value is NaN or infinite
  }
  if (zero == T{0}) {
    return;
  }
  for (std::int64_t i = 0; i < count; ++i) {
    if (!std::isfinite(planes[i])) {
      throw Error(ErrorKind::numeric,
                  message("the network's output is not finite at pixel (", i % width, ", ",
                          top + i / width, ")"),
                  "are the weights of a training that diverged?");
    }
  }
}

/// What Inference::run() throws for an image that must be whole and does not fit.
[[noreturn]] void refuse_whole(int width, int height, std::int64_t bytes, double available) {
  constexpr std::int64_t kMebibyte = 1 << 20;
  throw Error(ErrorKind::memory,
              message("inference: the network looks at the whole image at once, which takes ",
                      bytes / kMebibyte, " MiB at ", width, "x", height, ", there are ",
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

template <class T>
struct Inference::Planes {
  int width, height, channels;
  T* samples;

  std::int64_t count() const { return std::int64_t{channels} * width * height; }
  T* row(int c, int y) const {
    return samples + (std::int64_t{c} * height + y) * std::int64_t{width};
  }
};

void Inference::check_size(int width, int height, int channels) const {
  const int wanted = model_.spec().channels;
  if (width < 1 || height < 1 || channels != wanted) {
    throw Error(ErrorKind::usage,
                message("inference: the input must have ",
                        wanted == 1 ? "one channel" : "three channels, RGB,",
                        " and at least 1x1 pixels, got ", width, "x", height, "x", channels));
  }
  const int scale = model_.spec().scale;
  if (model_.sees_truth() && (width % scale != 0 || height % scale != 0)) {
    throw Error(ErrorKind::usage, message("inference: the sides of the truth must be multiples of ",
                                          scale, ", got ", width, "x", height));
  }
  if (std::max(width, height) > std::numeric_limits<int>::max() / scale) {
    throw Error(ErrorKind::memory, message("inference: ", width, "x", height, " times ", scale,
                                           " exceeds 2^31 - 1 samples a side"));
  }
}

void Inference::run(const Plane& input, Plane& output) {
  check_size(input.width, input.height, input.channels);
  const int scale = model_.sees_truth() ? 1 : model_.spec().scale;
  output.width = input.width * scale;
  output.height = input.height * scale;
  output.channels = input.channels;
  output.samples.resize(static_cast<std::size_t>(output.width) * output.height * output.channels);
  with_type(dtype_, [&]<class T>() {
    std::vector<T>& low = std::get<Buffers<T>>(buffers_).low;
    std::vector<T>& high = std::get<Buffers<T>>(buffers_).high;
    low.resize(input.samples.size());
    high.resize(output.samples.size());
    split(input, low.data());
    run_planes<T>({input.width, input.height, input.channels, low.data()},
                  {output.width, output.height, output.channels, high.data()}, {0, output.height});
    for (int c = 0; c < output.channels; ++c) {
      check_rows_finite(high.data() + std::int64_t{c} * output.height * output.width, output.height,
                        output.width, 0);
    }
    join(high.data(), output);
  });
}

void Inference::run(const PlanesView& input, FloatPlanes& output) {
  run_rows(input, 0, input.height, output);
  check_finite(output, 0, output.height);
}

void Inference::run_rows(const PlanesView& input, int first, int past, FloatPlanes& output) {
  check_size(input.width, input.height, input.channels);
  const int scale = model_.sees_truth() ? 1 : model_.spec().scale;
  output.resize(input.width * scale, input.height * scale, input.channels);
  const Rows wanted{first * scale, past * scale};
  with_type(dtype_, [&]<class T>() {
    if constexpr (std::is_same_v<T, float>) {
      run_planes<float>({input.width, input.height, input.channels, input.samples},
                        {output.width, output.height, output.channels, output.samples.data()},
                        wanted);
    } else {
      const std::vector<T> low(input.samples, input.samples + input.count());
      std::vector<T> high(output.samples.size());
      run_planes<T>({input.width, input.height, input.channels, low.data()},
                    {output.width, output.height, output.channels, high.data()}, wanted);
      std::transform(high.begin(), high.end(), output.samples.begin(),
                     [](T value) { return static_cast<float>(value); });
    }
  });
}

template <class T>
void Inference::run_planes(const Planes<const T>& input, const Planes<T>& output, Rows wanted) {
  const bool can_be_cut = model_.halo() && !model_.sees_truth() && context_.device() == nullptr;
  if (can_be_cut && (options_.tile > 0 || (!chain_ && bytes_of(std::int64_t{input.width} *
                                                               input.height) > options_.memory))) {
    run_tiles(input, output);
  } else {
    if (const auto whole = memory_of_whole(input.width, input.height)) {
      const double available = options_.memory_of_whole > 0
                                   ? static_cast<double>(options_.memory_of_whole)
                                   : available_memory();
      if (static_cast<double>(*whole) > available) {
        refuse_whole(input.width, input.height, *whole, available);
      }
    }
    const Tensor made = run_whole(input, wanted);
    const Planes<const T> planes{output.width, output.height, output.channels, made.data<T>()};
    for (int c = 0; c < output.channels; ++c) {
      std::copy_n(planes.row(c, wanted.first),
                  std::int64_t{wanted.past - wanted.first} * output.width,
                  output.row(c, wanted.first));
    }
  }
  tape_.reset();
}

template <class T>
Tensor Inference::run_whole(const Planes<const T>& input, Rows wanted) {
  tape_.reset();
  const Shape shape{1, input.channels, input.height, input.width};
  const Tensor x = context_.arena().tensor(shape, kDTypeOf<T>);
  if (x.device() == nullptr) {
    std::copy_n(input.samples, input.count(), x.data<T>());
  } else {
    const Tensor here = Tensor::empty(shape, kDTypeOf<T>);
    std::copy_n(input.samples, input.count(), here.data<T>());
    x.copy_from(here);
  }
  if (!chain_) {
    return model_.image(tape_.constant(x)).value().to(nullptr);
  }
  const Tensor y = context_.arena().tensor(chain_->output_shape(shape), dtype_);
  chain_->run_rows(context_, x, y, wanted.first, wanted.past);
  return y.to(nullptr);
}

std::vector<Tile> Inference::tiles_of(int width, int height) {
  const int margin = margin_of_tiles(*model_.halo());
  return options_.tile > 0
             ? tiles_of_side(width, height, margin, options_.tile)
             : cut_into_tiles(width, height, margin,
                              std::max<std::int64_t>(1, options_.memory / bytes_of(1)));
}

template <class T>
void Inference::run_tiles(const Planes<const T>& input, const Planes<T>& output) {
  const int scale = model_.spec().scale;
  std::vector<T>& read = std::get<Buffers<T>>(buffers_).read;
  for (const Tile& tile : tiles_of(input.width, input.height)) {
    read.resize(static_cast<std::size_t>(input.channels) * tile.read_width * tile.read_height);
    const Planes<T> low{tile.read_width, tile.read_height, input.channels, read.data()};
    for (int c = 0; c < input.channels; ++c) {
      for (int y = 0; y < low.height; ++y) {
        std::copy_n(input.row(c, tile.read_top + y) + tile.read_left, low.width, low.row(c, y));
      }
    }
    const Tensor made =
        run_whole<T>({low.width, low.height, low.channels, low.samples}, {0, low.height * scale});
    const Planes<const T> high{low.width * scale, low.height * scale, low.channels, made.data<T>()};
    for (int c = 0; c < input.channels; ++c) {
      for (int y = 0; y < tile.height * scale; ++y) {
        std::copy_n(high.row(c, (tile.top - tile.read_top) * scale + y) +
                        (tile.left - tile.read_left) * scale,
                    tile.width * scale, output.row(c, tile.top * scale + y) + tile.left * scale);
      }
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

void check_finite(const FloatPlanes& planes, int first, int past) {
  for (int c = 0; c < planes.channels; ++c) {
    check_rows_finite(planes.row(c, first), past - first, planes.width, first);
  }
}

Plane infer(Context& context, const ImageModel& model, const Plane& input) {
  Plane output;
  Inference(context, model).run(input, output);
  return output;
}

}  // namespace pisr
