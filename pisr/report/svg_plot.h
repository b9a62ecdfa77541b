#pragma once

#include <string>
#include <vector>

namespace pisr {

/// A point of a curve, in the units of the axes.
struct PlotPoint {
  double x;
  double y;  ///< a value that is not finite leaves a gap
};

/// A line of a plot.
struct Curve {
  std::string name;
  std::vector<PlotPoint> points;  ///< by x, rising
  /// N of the style sheet's --series-N, 0..7: a model has one colour in all plots.
  int colour = 0;
};

/// A horizontal line to compare with, e.g. what bicubic interpolation reaches.
struct ReferenceLine {
  std::string name;
  double y;
};

/// What svg_plot() draws.
struct Plot {
  std::string title;
  std::string x_label;
  std::string y_label;  ///< with its unit
  std::vector<Curve> curves;
  std::vector<ReferenceLine> references;
  /// Which vertical axes the page offers. It offers a logarithmic one only for positive values.
  enum class Axes { linear, linear_then_log, log_then_linear };
  Axes axes = Axes::linear;
};

/// The plot as one `<svg>` element without colours of its own: the page's style sheet gives them by
/// class. With `log_y`, values that are not positive leave gaps. `id` is unique in the page.
///
/// A start far off must not flatten the rest. Where the range of all values is more than twice that
/// of the values after the first fifth of each curve, the latter is shown and the start is clipped.
/// A curve of more than 400 points is drawn as the means of 400 bins, over a band from the least to
/// the largest value of each.
std::string svg_plot(const Plot& plot, bool log_y, const std::string& id);

/// Whether a logarithmic axis makes sense: there are values, all positive.
bool can_be_logarithmic(const Plot& plot);

/// The values of the curves as JSON, for the page's script to show under the pointer. Thinned as
/// they are drawn, without gaps: [{"name", "colour", "points": [[x, y], ...]}, ...].
std::string curves_json(const Plot& plot);

/// A number as on an axis: 5000 -> "5k", 0.001 -> "0.001", 1e-7 -> "1e-7".
std::string axis_number(double value);

}  // namespace pisr
