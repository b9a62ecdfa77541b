#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "pisr/report/plot.h"
#include "pisr/report/script_json.h"

namespace pisr {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kBins = 400;

/// [x, y] of a point; y is null at a gap.
Json point_json(const PlotPoint& point) {
  return {short_json(point.x), short_json(point.y)};
}

/// [x, y, least, largest] of the finite points in [first, last), where x and y are their means; as
/// one gap where there are none.
Json bin_json(const std::vector<PlotPoint>& points, std::size_t first, std::size_t last) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  PlotPoint sum{0, 0};
  double least = kInfinity;
  double largest = -kInfinity;
  int seen = 0;
  for (std::size_t i = first; i < last; ++i) {
    if (std::isfinite(points[i].y)) {
      sum.x += points[i].x;
      sum.y += points[i].y;
      least = std::min(least, points[i].y);
      largest = std::max(largest, points[i].y);
      ++seen;
    }
  }
  if (seen == 0) {
    return point_json({points[first].x, kInfinity});
  }
  return {short_json(sum.x / seen), short_json(sum.y / seen), short_json(least),
          short_json(largest)};
}

Json points_json(const std::vector<PlotPoint>& all) {
  std::vector<PlotPoint> points;
  std::copy_if(all.begin(), all.end(), std::back_inserter(points),
               [](const PlotPoint& point) { return std::isfinite(point.x); });
  Json json = Json::array();
  if (points.size() <= kBins) {
    for (const PlotPoint& point : points) {
      json.push_back(point_json(point));
    }
    return json;
  }
  for (std::size_t i = 0; i < kBins; ++i) {
    json.push_back(bin_json(points, i * points.size() / kBins, (i + 1) * points.size() / kBins));
  }
  return json;
}

Json axes_json(const Plot& plot) {
  if (plot.axes == Plot::Axes::linear || !can_be_logarithmic(plot)) {
    return {"linear"};
  }
  return plot.axes == Plot::Axes::log_then_linear ? Json{"log", "linear"} : Json{"linear", "log"};
}

}  // namespace

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

std::string plot_json(const Plot& plot) {
  Json curves = Json::array();
  for (const Curve& curve : plot.curves) {
    curves.push_back({{"name", text_json(curve.name)},
                      {"colour", curve.colour % kColours},
                      {"points", points_json(curve.points)}});
  }
  Json references = Json::array();
  for (const ReferenceLine& line : plot.references) {
    if (std::isfinite(line.y)) {
      references.push_back({{"name", text_json(line.name)}, {"y", short_json(line.y)}});
    }
  }
  return script_json({{"title", text_json(plot.title)},
                      {"x", text_json(plot.x_label)},
                      {"y", text_json(plot.y_label)},
                      {"axes", axes_json(plot)},
                      {"curves", std::move(curves)},
                      {"references", std::move(references)}});
}

}  // namespace pisr
