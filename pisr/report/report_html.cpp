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

/// Figure 4 of the paper.
std::string cost_section(const ReportData& data) {
  const std::string card = cost_card(data);
  if (card.empty()) {
    return "";
  }
  std::string about = message("PSNR on ", escape_html(cost_set(data.table)),
                              " against what an output of ", kCostWidth, "&times;", kCostHeight,
                              " costs. The area of a circle is the number of parameters.");
  if (!data.published.empty()) {
    about +=
        " Hollow circles are published systems: parameters and MultiAdds as the paper's table 2 "
        "prints them, PSNR as published.";
  }
  about +=
      " The paper counts a transposed convolution once for each pixel of the output; "
      "<i>computed</i> is what is computed.";
  if (!data.timing.empty()) {
    about += message(" ", escape_html(data.timing));
  }
  return heading("Quality and cost", about) + card;
}

/// Figure 3 of the paper.
std::string compact_section(const ReportData& data) {
  if (data.compact.empty()) {
    return "";
  }
  std::string html = heading(
      "What the encoder passes on",
      "The teacher's encoder squeezes the truth Y to X&#770;, of the size of X, and the imitation "
      "loss makes X&#770; look like X. The spectrum is the magnitude of the Fourier transform F "
      "of width w and height h at v = 0, over w h. Its axis ends where X's does; the frequencies "
      "of Y beyond it are left out, and so is the mean at u = 0.");
  html += no_script_note("Spectra and histograms");
  for (const ReportCompact& compact : data.compact) {
    html += compact_card(compact);
  }
  return html;
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
      escape_html(data.title), "</title><style>", report_style(), "</style></head><body><main>");
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
  html += cost_section(data);
  html += compact_section(data);
  if (!data.plots.empty()) {
    html += heading("Training", "Point at a curve for its values; a click on a name hides it.");
    html += no_script_note("Curves") + "<div class=\"plots\">";
    for (const Plot& plot : data.plots) {
      html += script_figure("plot", plot_json(plot));
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
  return html + message("</main><script>", report_script(), "</script></body></html>\n");
}

}  // namespace pisr
