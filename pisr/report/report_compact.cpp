#include "pisr/report/report_compact.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <utility>

#include "core/error.h"
#include "core/tape.h"
#include "pisr/image/luma.h"
#include "pisr/model/encoder.h"
#include "pisr/report/spectrum.h"

namespace pisr {
namespace {

// U+0302 above the X.
constexpr const char* kCompact = "X\xCC\x82";
constexpr int kWindow = 640;
constexpr int kBins = 64;
/// More values than this outside of 0..1, and a picture of them is stretched.
constexpr double kMayBeOutside = 0.01;

/// A part of the truth; all of it are multiples of the scale.
struct Window {
  int left;
  int top;
  int width;
  int height;

  Plane of(const Plane& high) const { return crop(high, left, top, width, height); }
  Plane of_low(const Plane& low, int scale) const {
    return crop(low, left / scale, top / scale, width / scale, height / scale);
  }
};

/// From about `begin`, so that it lies in [0, all): begin and length are multiples of `scale`.
std::pair<int, int> placed(double begin, int length, int all, int scale) {
  length = std::min(length / scale, all / scale) * scale;
  const int latest = (all - length) / scale;
  const int at = static_cast<int>(std::lround(begin / scale));
  return {std::clamp(at, 0, latest) * scale, length};
}

/// The window about the middle of the piece.
Window window_of(const Plane& high, const ReportComparison& piece, int scale) {
  const auto [left, width] = placed((piece.left + piece.width / 2) * high.width - kWindow / 2.0,
                                    kWindow, high.width, scale);
  const auto [top, height] = placed((piece.top + piece.height / 2) * high.height - kWindow / 2.0,
                                    kWindow, high.height, scale);
  return {left, top, width, height};
}

/// The piece in the window.
Window piece_of(const Window& window, const Plane& high, const ReportComparison& piece, int scale) {
  const auto [left, width] =
      placed(piece.left * high.width - window.left,
             static_cast<int>(std::lround(piece.width * high.width)), window.width, scale);
  const auto [top, height] =
      placed(piece.top * high.height - window.top,
             static_cast<int>(std::lround(piece.height * high.height)), window.height, scale);
  return {left, top, width, height};
}

/// X^ on 0..255 of Y on 0..255.
Plane encode(Context& context, const Encoder& encoder, const Plane& high) {
  Tape tape(context, Tape::Mode::inference);
  tape.reset();
  const Tensor input = Tensor::empty({1, high.channels, high.height, high.width}, DType::f32);
  const std::size_t pixels = static_cast<std::size_t>(high.width) * high.height;
  const auto channels = static_cast<std::size_t>(high.channels);
  float* const values = input.data<float>();
  for (std::size_t i = 0; i < high.samples.size(); ++i) {
    values[i % channels * pixels + i / channels] = static_cast<float>(high.samples[i] / 255);
  }
  const Tensor output = encoder.forward(tape.constant(input)).value();
  const Shape& shape = output.shape();
  Plane compact(static_cast<int>(shape[3]), static_cast<int>(shape[2]), high.channels);
  const std::size_t squeezed = static_cast<std::size_t>(compact.width) * compact.height;
  const float* const made = output.data<float>();
  for (std::size_t i = 0; i < compact.samples.size(); ++i) {
    const float value = made[i % channels * squeezed + i / channels];
    if (!std::isfinite(value)) {
      throw Error(ErrorKind::numeric, "report: the encoder's output is not finite",
                  "are the weights of a training that diverged?");
    }
    compact.samples[i] = 255.0 * value;
  }
  return compact;
}

std::string range_text(double low, double high) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "values %.2f to %.2f", low / 255, high / 255);
  return text.data();
}

/// The picture of a piece; one with many values that no picture has is stretched.
CompactPicture picture_of(const std::string& label, const Plane& piece) {
  const auto [low, high] = std::minmax_element(piece.samples.begin(), piece.samples.end());
  CompactPicture picture{label, range_text(*low, *high), {}};
  Plane shown = piece;
  if (histogram_of(piece, 1).outside > kMayBeOutside) {
    const double factor = *high > *low ? 255 / (*high - *low) : 0;
    const double begin = *low;
    for (double& value : shown.samples) {
      value = (value - begin) * factor;
    }
    picture.note += ", shown as black to white";
  }
  picture.image = to_image8(shown);
  return picture;
}

Curve spectrum_curve(const std::string& name, int colour, const Plane& plane, int low_width) {
  // Of a window of s w pixels and one of w, the same u is the same frequency. Beyond w / 2 X has
  // none.
  Curve curve{name, {}, colour};
  const std::vector<double> magnitudes = spectrum_along_u(plane);
  for (std::size_t u = 1; u <= static_cast<std::size_t>(low_width) / 2; ++u) {
    curve.points.push_back({static_cast<double>(u) / low_width, magnitudes[u] / 255});
  }
  return curve;
}

Curve histogram_curve(std::string name, int colour, const Plane& plane) {
  const Histogram histogram = histogram_of(plane, kBins);
  if (histogram.outside > 0) {
    std::array<char, 32> text{};
    const double percent = 100 * histogram.outside;
    std::snprintf(text.data(), text.size(),
                  percent < 10 ? " (%.2g %% outside)" : " (%.0f %% outside)", percent);
    name += text.data();
  }
  Curve curve{std::move(name), {}, colour};
  for (std::size_t i = 0; i < histogram.shares.size(); ++i) {
    curve.points.push_back({(static_cast<double>(i) + 0.5) / kBins, 100 * histogram.shares[i]});
  }
  return curve;
}

}  // namespace

ReportCompact show_compact(Context& context, const ImagePair& image, Protocol protocol,
                           const ReportComparison& piece,
                           const std::vector<ShownEncoder>& encoders) {
  const int scale = image.high.width / image.low.width;
  const EvaluationPair pair = evaluation_pair(image, scale, protocol);
  const bool rgb = protocol == Protocol::rgb;
  const Window window = window_of(pair.high, piece, scale);
  const Plane high = window.of(rgb ? pair.high_rgb : pair.high);
  const Plane low = window.of_low(pair.low, scale);
  const Window part = piece_of(window, pair.high, piece, scale);

  ReportCompact figure;
  figure.name = image.name;
  figure.width = high.width;
  figure.height = high.height;
  figure.spectrum.title = "Spectrum along the u axis";
  figure.spectrum.x_label = "u, cycles per pixel of X";
  figure.spectrum.y_label = "|F(u, 0)| / (w h) of values in 0..1";
  figure.spectrum.axes = Plot::Axes::log_then_linear;
  figure.histogram.title = "Histogram";
  figure.histogram.x_label = "pixel value";
  figure.histogram.y_label = message("% of the pixels, in ", kBins, " bins");
  figure.histogram.axes = Plot::Axes::linear;
  const auto add_curves = [&](const std::string& name, int colour, const Plane& plane) {
    const Plane grey = rgb ? luma(plane) : plane;
    figure.spectrum.curves.push_back(spectrum_curve(name, colour, grey, low.width));
    figure.histogram.curves.push_back(histogram_curve(name, colour, grey));
  };
  constexpr int kColourOfLow = 3;
  figure.pictures.push_back(picture_of("X, low resolution", part.of_low(low, scale)));
  add_curves("X", kColourOfLow, low);
  for (const ShownEncoder& shown : encoders) {
    const Plane compact = encode(context, *shown.encoder, high);
    const std::string label = message(kCompact, ", ", shown.label);
    figure.pictures.push_back(picture_of(label, part.of_low(compact, scale)));
    add_curves(label, shown.colour, compact);
  }
  figure.pictures.push_back(picture_of("Y, the truth", part.of(high)));
  add_curves("Y", kTruthColour, high);
  return figure;
}

}  // namespace pisr
