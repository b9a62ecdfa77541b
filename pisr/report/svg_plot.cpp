#include "pisr/report/svg_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "pisr/report/report_text.h"

namespace pisr {
namespace {

// In units of the viewBox, about pixels of a phone.
constexpr double kWidth = 480;
constexpr double kHeight = 300;
constexpr double kLeft = 52;
constexpr double kRight = 12;
constexpr double kTop = 12;
constexpr double kBottom = 40;
constexpr std::size_t kBins = 400;

/// A bin of a long curve, or one point.
struct Bin {
  double x;
  double y;
  double least;
  double largest;
};

bool visible(const PlotPoint& point, bool log_y) {
  return std::isfinite(point.x) && std::isfinite(point.y) && (!log_y || point.y > 0);
}

/// The points of a curve, thinned where there are many; y is NaN at a gap.
std::vector<Bin> bins_of(const Curve& curve, bool log_y) {
  const std::size_t count = curve.points.size();
  const std::size_t bins = std::min(count, kBins);
  std::vector<Bin> result;
  for (std::size_t i = 0; i < bins; ++i) {
    const std::size_t first = i * count / bins;
    const std::size_t last = (i + 1) * count / bins;
    Bin bin{0, 0, std::numeric_limits<double>::infinity(),
            -std::numeric_limits<double>::infinity()};
    int seen = 0;
    for (std::size_t k = first; k < last; ++k) {
      const PlotPoint& point = curve.points[k];
      if (visible(point, log_y)) {
        bin.x += point.x;
        bin.y += point.y;
        bin.least = std::min(bin.least, point.y);
        bin.largest = std::max(bin.largest, point.y);
        ++seen;
      }
    }
    if (seen == 0) {
      bin = {curve.points[first].x, std::numeric_limits<double>::quiet_NaN(), 0, 0};
    } else {
      bin.x /= seen;
      bin.y /= seen;
    }
    result.push_back(bin);
  }
  return result;
}

struct Axis {
  double low = 0;
  double high = 1;
  bool logarithmic = false;

  /// 0 at low, 1 at high.
  double place(double value) const {
    if (logarithmic) {
      return (std::log10(value) - std::log10(low)) / (std::log10(high) - std::log10(low));
    }
    return (value - low) / (high - low);
  }
};

/// Least and largest of a set of numbers; empty while there is none.
struct Extent {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return !(low <= high); }
};

Axis x_axis(const Plot& plot) {
  Extent extent;
  for (const Curve& curve : plot.curves) {
    for (const PlotPoint& point : curve.points) {
      if (std::isfinite(point.x)) {
        extent.include(point.x);
      }
    }
  }
  if (extent.empty()) {
    return {};
  }
  if (extent.low == extent.high) {
    return {extent.low - 1, extent.high + 1, false};
  }
  // A curve that starts near zero starts at zero.
  const bool near_zero = extent.low > 0 && extent.low < 0.1 * extent.high;
  return {near_zero ? 0 : extent.low, extent.high, false};
}

/// Whether the range `all` is too long to show the range `part` in it well.
bool much_longer(const Extent& all, const Extent& part, bool log_y) {
  const auto length = [&](const Extent& extent) {
    return log_y ? std::log(extent.high / extent.low) : extent.high - extent.low;
  };
  return length(all) > 2 * length(part);
}

Axis y_axis(const Plot& plot, bool log_y) {
  Extent settled;
  Extent all;
  for (const Curve& curve : plot.curves) {
    if (curve.points.empty()) {
      continue;
    }
    const double first = curve.points.front().x;
    const double start_over = first + 0.2 * (curve.points.back().x - first);
    for (const Bin& bin : bins_of(curve, log_y)) {
      if (std::isfinite(bin.y)) {
        all.include(bin.y);
        if (bin.x >= start_over) {
          settled.include(bin.y);
        }
      }
    }
  }
  for (const ReferenceLine& line : plot.references) {
    if (std::isfinite(line.y) && (!log_y || line.y > 0)) {
      all.include(line.y);
      settled.include(line.y);
    }
  }
  if (all.empty()) {
    return {log_y ? 0.1 : 0.0, 1, log_y};
  }
  const Extent& extent = settled.empty() || !much_longer(all, settled, log_y) ? all : settled;
  if (log_y) {
    const double factor = std::max(1.1, std::pow(extent.high / extent.low, 0.06));
    return {extent.low / factor, extent.high * factor, true};
  }
  double margin = 0.06 * (extent.high - extent.low);
  if (!(margin > 0)) {
    margin = std::max(1e-12, 0.05 * std::abs(extent.high));
  }
  return {extent.low - margin, extent.high + margin, false};
}

/// Multiples of 1, 2 or 5 times a power of ten inside the axis, about `wanted` of them.
std::vector<double> linear_ticks(const Axis& axis, int wanted) {
  const double raw = (axis.high - axis.low) / wanted;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw) {
      step = factor * power;
      break;
    }
  }
  std::vector<double> ticks;
  const double first = std::ceil(axis.low / step - 1e-9);
  for (int i = 0; i < 20 && (first + i) * step <= axis.high + 1e-9 * step; ++i) {
    const double tick = (first + i) * step;
    ticks.push_back(std::abs(tick) < 1e-9 * step ? 0 : tick);
  }
  return ticks;
}

std::vector<double> log_ticks(const Axis& axis) {
  std::vector<double> ticks;
  const int low = static_cast<int>(std::floor(std::log10(axis.low)));
  const int high = static_cast<int>(std::ceil(std::log10(axis.high)));
  const auto add = [&](std::initializer_list<double> factors, int stride) {
    ticks.clear();
    for (int power = low; power <= high; power += stride) {
      for (const double factor : factors) {
        const double tick = factor * std::pow(10.0, power);
        if (tick >= axis.low && tick <= axis.high) {
          ticks.push_back(tick);
        }
      }
    }
  };
  add({1}, std::max(1, (high - low) / 6));
  if (ticks.size() < 3) {
    add({1, 2, 5}, 1);
  }
  return ticks.size() < 3 ? linear_ticks(axis, 6) : ticks;
}

std::string coordinate(double value) {
  // What lies outside is clipped, and some viewers cannot draw huge coordinates.
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f", std::clamp(value, -9999.0, 9999.0));
  return text.data();
}

struct Frame {
  Axis x;
  Axis y;

  std::string at_x(double value) const {
    return coordinate(kLeft + x.place(value) * (kWidth - kLeft - kRight));
  }
  std::string at_y(double value) const {
    return coordinate(kHeight - kBottom - y.place(value) * (kHeight - kTop - kBottom));
  }
};

std::string grid(const Plot& plot, const Frame& frame) {
  std::string svg;
  const std::string left = coordinate(kLeft);
  const std::string right = coordinate(kWidth - kRight);
  const std::string bottom = coordinate(kHeight - kBottom);
  for (const double tick : frame.y.logarithmic ? log_ticks(frame.y) : linear_ticks(frame.y, 5)) {
    const std::string y = frame.at_y(tick);
    svg += message("<line class=\"grid\" x1=\"", left, "\" x2=\"", right, "\" y1=\"", y, "\" y2=\"",
                   y, "\"/><text class=\"tick\" x=\"", coordinate(kLeft - 7), "\" y=\"", y,
                   "\" dy=\"0.35em\" text-anchor=\"end\">", axis_number(tick), "</text>");
  }
  for (const double tick : linear_ticks(frame.x, 5)) {
    const std::string x = frame.at_x(tick);
    svg += message("<line class=\"notch\" x1=\"", x, "\" x2=\"", x, "\" y1=\"", bottom, "\" y2=\"",
                   coordinate(kHeight - kBottom + 4), "\"/><text class=\"tick\" x=\"", x, "\" y=\"",
                   coordinate(kHeight - kBottom + 17), "\" text-anchor=\"middle\">",
                   axis_number(tick), "</text>");
  }
  svg += message("<line class=\"axis\" x1=\"", left, "\" x2=\"", right, "\" y1=\"", bottom,
                 "\" y2=\"", bottom, "\"/><text class=\"label\" x=\"", coordinate(kWidth - kRight),
                 "\" y=\"", coordinate(kHeight - 5), "\" text-anchor=\"end\">",
                 escape_html(plot.x_label), "</text>");
  return svg;
}

/// The curve as one <g>: a band where points were joined to bins, the line, a dot for a point that
/// has no neighbour.
std::string curve_svg(const Curve& curve, std::size_t index, const Frame& frame) {
  const std::vector<Bin> bins = bins_of(curve, frame.y.logarithmic);
  std::string line;
  std::string dots;
  std::string bands;
  for (std::size_t first = 0; first < bins.size();) {
    std::size_t last = first;
    while (last < bins.size() && std::isfinite(bins[last].y)) {
      ++last;
    }
    if (last - first == 1) {
      dots += message("<circle cx=\"", frame.at_x(bins[first].x), "\" cy=\"",
                      frame.at_y(bins[first].y), "\" r=\"3\"/>");
    }
    if (last - first > 1) {
      std::string above;
      std::string below;
      for (std::size_t i = first; i < last; ++i) {
        const std::string x = frame.at_x(bins[i].x);
        line += (i == first ? "M" : "L") + x + " " + frame.at_y(bins[i].y);
        above += (i == first ? "M" : "L") + x + " " + frame.at_y(bins[i].largest);
        below.insert(0, message("L", x, " ", frame.at_y(bins[i].least)));
      }
      if (curve.points.size() > kBins) {
        bands += message("<path class=\"band\" d=\"", above, below, "Z\"/>");
      }
    }
    first = std::max(last, first + 1);
  }
  std::string svg = message("<g class=\"curve\" data-curve=\"", index,
                            "\" style=\"--c:var(--series-", curve.colour % 8, ")\">", bands);
  if (!line.empty()) {
    svg += message("<path class=\"line\" d=\"", line, "\"/>");
  }
  return svg + dots + "</g>";
}

}  // namespace

std::string axis_number(double value) {
  const char* unit = "";
  if (std::abs(value) >= 1e6) {
    value /= 1e6;
    unit = "M";
  } else if (std::abs(value) >= 1e3) {
    value /= 1e3;
    unit = "k";
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", value);
  std::string number = text.data();
  // printf's 1e-07
  if (const auto exponent = number.find("e-0"); exponent != std::string::npos) {
    number.erase(exponent + 2, 1);
  }
  return number + unit;
}

bool can_be_logarithmic(const Plot& plot) {
  bool any = false;
  for (const Curve& curve : plot.curves) {
    for (const PlotPoint& point : curve.points) {
      if (std::isfinite(point.y)) {
        any = true;
        if (point.y <= 0) {
          return false;
        }
      }
    }
  }
  return any;
}

std::string curves_json(const Plot& plot) {
  auto curves = nlohmann::ordered_json::array();
  for (const Curve& curve : plot.curves) {
    auto points = nlohmann::ordered_json::array();
    for (const Bin& bin : bins_of(curve, false)) {
      if (std::isfinite(bin.y)) {
        points.push_back({bin.x, bin.y});
      }
    }
    curves.push_back(
        {{"name", curve.name}, {"colour", curve.colour % 8}, {"points", std::move(points)}});
  }
  return curves.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string svg_plot(const Plot& plot, bool log_y, const std::string& id) {
  const Frame frame{x_axis(plot), y_axis(plot, log_y)};
  const bool empty = std::all_of(plot.curves.begin(), plot.curves.end(), [&](const Curve& curve) {
    return std::none_of(curve.points.begin(), curve.points.end(),
                        [&](const PlotPoint& point) { return visible(point, log_y); });
  });
  std::array<char, 200> ranges{};
  std::snprintf(ranges.data(), ranges.size(),
                "data-x=\"%.9g %.9g\" data-y=\"%.9g %.9g\" data-frame=\"%g %g %g %g\"", frame.x.low,
                frame.x.high, frame.y.low, frame.y.high, kLeft, kTop, kWidth - kRight,
                kHeight - kBottom);
  std::string svg = message("<svg class=\"plot\" viewBox=\"0 0 ", kWidth, " ", kHeight,
                            "\" role=\"img\" aria-label=\"", escape_html(plot.title),
                            "\" data-log=\"", log_y ? 1 : 0, "\" ", ranges.data(), ">");
  if (empty) {
    svg += message("<text class=\"empty\" x=\"", kWidth / 2, "\" y=\"", kHeight / 2,
                   "\" text-anchor=\"middle\">no values yet</text></svg>");
    return svg;
  }
  svg += message("<defs><clipPath id=\"", escape_html(id), "\"><rect x=\"", kLeft, "\" y=\"",
                 kTop - 4, "\" width=\"", kWidth - kLeft - kRight + 4, "\" height=\"",
                 kHeight - kTop - kBottom + 8, "\"/></clipPath></defs>");
  svg += grid(plot, frame);
  for (const ReferenceLine& line : plot.references) {
    if (!std::isfinite(line.y) || (log_y && !(line.y > 0))) {
      continue;
    }
    const std::string y = frame.at_y(line.y);
    svg +=
        message("<line class=\"reference\" x1=\"", kLeft, "\" x2=\"", kWidth - kRight, "\" y1=\"",
                y, "\" y2=\"", y, "\"/><text class=\"label\" x=\"", kWidth - kRight, "\" y=\"", y,
                "\" dy=\"-0.4em\" text-anchor=\"end\">", escape_html(line.name), "</text>");
  }
  svg += message("<g clip-path=\"url(#", escape_html(id), ")\">");
  for (std::size_t i = 0; i < plot.curves.size(); ++i) {
    svg += curve_svg(plot.curves[i], i, frame);
  }
  return svg + "</g><g class=\"cursor\" hidden></g></svg>";
}

}  // namespace pisr
