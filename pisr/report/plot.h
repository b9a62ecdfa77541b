#pragma once

#include <string>
#include <vector>

namespace pisr {

/// A point of a curve, in the units of the axes.
struct PlotPoint {
  double x;
  double y;  ///< a value that is not finite leaves a gap
};

/// N of the style sheet's --series-N: 0..7 are of models, so that one has the same colour in all
/// plots, and kTruthColour is that of the truth.
inline constexpr int kTruthColour = 8;
inline constexpr int kColours = 9;

/// A line of a plot.
struct Curve {
  std::string name;
  std::vector<PlotPoint> points;  ///< by x, rising
  int colour = 0;                 ///< taken modulo kColours
};

/// A horizontal line to compare with, e.g. what bicubic interpolation reaches.
struct ReferenceLine {
  std::string name;
  double y;
};

/// Curves over one axis, which the page's script draws.
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

/// Whether a logarithmic axis makes sense: there are values, all positive.
bool can_be_logarithmic(const Plot& plot);

/// What assets/plot.js draws, as JSON that is safe inside a script element:
///   {"title", "x", "y", "axes": ["linear", "log"],
///    "curves": [{"name", "colour", "points": [[x, y], ...]}, ...],
///    "references": [{"name", "y"}, ...]}
/// The first of the axes is shown first. A y of null is a gap. A curve of more than 400 points
/// becomes the means of 400 bins, [x, y, least, largest] each. Numbers have seven digits.
std::string plot_json(const Plot& plot);

}  // namespace pisr
