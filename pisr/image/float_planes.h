#pragma once

#include <cstddef>
#include <vector>

namespace pisr {

/// Some planes that lie one after another, of FloatPlanes or of any memory.
struct PlanesView {
  int width, height, channels;
  const float* samples;

  std::size_t plane_size() const { return static_cast<std::size_t>(width) * height; }
  std::size_t count() const { return plane_size() * static_cast<std::size_t>(channels); }
  const float* plane(int c) const { return samples + static_cast<std::size_t>(c) * plane_size(); }
  const float* row(int c, int y) const { return plane(c) + static_cast<std::size_t>(y) * width; }
};

/// Planes of single precision, one after another: [channels, height, width]. Values on 0..1 for
/// what the depth of a file calls 0..255 or 0..65535, and beyond where an interpolation overshoots.
struct FloatPlanes {
  int width = 0;
  int height = 0;
  int channels = 0;
  std::vector<float> samples;

  FloatPlanes() = default;
  FloatPlanes(int w, int h, int c) { resize(w, h, c); }

  /// Gives other sizes; the memory is reused where it is large enough. Samples are what they were.
  void resize(int w, int h, int c) {
    width = w;
    height = h;
    channels = c;
    samples.resize(plane_size() * static_cast<std::size_t>(c));
  }
  std::size_t plane_size() const { return static_cast<std::size_t>(width) * height; }
  float* plane(int c) { return samples.data() + static_cast<std::size_t>(c) * plane_size(); }
  const float* plane(int c) const {
    return samples.data() + static_cast<std::size_t>(c) * plane_size();
  }
  /// Planes [from, from + count).
  PlanesView view(int from, int count) const { return {width, height, count, plane(from)}; }
  PlanesView view() const { return view(0, channels); }
  float* row(int c, int y) { return plane(c) + static_cast<std::size_t>(y) * width; }
  const float* row(int c, int y) const { return plane(c) + static_cast<std::size_t>(y) * width; }
};

}  // namespace pisr
