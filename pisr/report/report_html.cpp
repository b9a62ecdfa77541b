#include <cstddef>

#include "core/error.h"
#include "pisr/report/report.h"
#include "pisr/report/report_assets.h"
#include "pisr/report/report_parts.h"
#include "pisr/report/report_text.h"

namespace pisr {
namespace {

std::string facts_card(const std::vector<ReportFact>& facts) {
  std::string html = "<dl class=\"card facts\">";
  for (const ReportFact& fact : facts) {
    html += message("<div><dt>", escape_html(fact.label), "</dt><dd>", escape_html(fact.value),
                    "</dd></div>");
  }
  return html + "</dl>";
}

std::string heading(const char* title, const std::string& about) {
  return message("<h2>", title, "</h2><p class=\"about\">", about, "</p>");
}

}  // namespace

std::string render_report(const ReportData& data) {
  const std::string protocol =
      message("&times;", data.table.scale, ", protocol <b>", name(data.table.protocol), "</b>");
  std::string html = message(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<meta name=\"color-scheme\" content=\"light dark\">"
      "<link rel=\"icon\" href=\"data:,\"><title>",
      escape_html(data.title), "</title><style>", kReportStyle, "</style></head><body><main>");
  html += message("<p class=\"eyebrow\">PISR &middot; super-resolution &times;", data.table.scale,
                  "</p><h1>", escape_html(data.title), "</h1><p class=\"lead\">",
                  escape_html(data.summary), "</p>");
  html += hero_cards(data);
  if (!data.comparisons.empty()) {
    html += heading("Look",
                    "Drag the divider, or move it with the arrow keys; the labels choose "
                    "what is on either side. Each piece is where bicubic interpolation "
                    "is furthest from the truth. PSNR and SSIM are those of the whole "
                    "image, on luminance.");
    html += "<div class=\"comparisons\">";
    for (const ReportComparison& comparison : data.comparisons) {
      html += comparison_card(comparison);
    }
    html += "</div>";
  }
  if (!data.table.results.empty()) {
    html += heading("Results", "Mean PSNR in dB, below it SSIM and the difference to bicubic; " +
                                   protocol + ". Best in bold.");
    html += result_table(data);
    for (const std::string& set : sets_of(data.table)) {
      html += image_table(data, set);
    }
  }
  if (!data.plots.empty()) {
    html += heading("Training", "Point at a curve for its values; a click on a name hides it.");
    html += "<div class=\"plots\">";
    for (std::size_t i = 0; i < data.plots.size(); ++i) {
      html += chart(data.plots[i], i);
    }
    html += "</div>";
  }
  if (!data.facts.empty()) {
    html += heading("The run", "What was trained, on what, and how.");
    html += facts_card(data.facts);
  }
  if (!data.notes.empty()) {
    html += "<ul class=\"notes\">";
    for (const std::string& note : data.notes) {
      html += "<li>" + escape_html(note) + "</li>";
    }
    html += "</ul>";
  }
  return html + message("</main><script>", kReportScript, "</script></body></html>\n");
}

}  // namespace pisr
