#include "core/error.h"
#include "pisr/report/report_parts.h"
#include "pisr/report/report_text.h"

namespace pisr {

std::string chart(const Plot& plot, std::size_t number) {
  const bool choice = plot.axes != Plot::Axes::linear && can_be_logarithmic(plot);
  const bool log_first = choice && plot.axes == Plot::Axes::log_then_linear;
  std::string html =
      message("<figure class=\"card chart\" data-x-label=\"", escape_html(plot.x_label),
              "\" data-curves=\"", escape_html(curves_json(plot)), "\"><header><h3>",
              escape_html(plot.title), "<span>", escape_html(plot.y_label), "</span></h3>");
  if (choice) {
    const auto button = [&](const char* value, bool pressed, const char* text) {
      return message("<button type=\"button\" value=\"", value, "\" aria-pressed=\"",
                     pressed ? "true" : "false", "\">", text, "</button>");
    };
    html += message("<div class=\"scales\" role=\"group\" aria-label=\"Vertical axis\">",
                    button("0", !log_first, "linear"), button("1", log_first, "log"), "</div>");
  }
  html += "</header>";
  const auto svg = [&](bool log_y) {
    std::string text = svg_plot(plot, log_y, message("plot-", number, log_y ? "-log" : "-linear"));
    if (log_y != log_first) {
      text.insert(4, " hidden");  // after "<svg"
    }
    return text;
  };
  html += svg(false);
  if (choice) {
    html += svg(true);
  }
  html += "<ul class=\"legend\">";
  for (const Curve& curve : plot.curves) {
    html += message(
        "<li><button type=\"button\" aria-pressed=\"true\"><i class=\"key\" "
        "style=\"--c:var(--series-",
        curve.colour % 8, ")\"></i>", escape_html(curve.name), "</button></li>");
  }
  return html + "</ul></figure>";
}

}  // namespace pisr
