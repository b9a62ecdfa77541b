#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <span>
#include <string_view>

#include "core/error.h"
#include "pisr/image/image_io.h"
#include "pisr/report/report.h"
#include "pisr/report/report_assets.h"
#include "pisr/report/report_text.h"

namespace pisr {
namespace {

std::string fixed(double value, int digits) {
  if (std::isnan(value)) {
    return "-";
  }
  if (std::isinf(value)) {
    return value > 0 ? "&infin;" : "-&infin;";
  }
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

/// "+1.15" with the class that colours it.
std::string difference(double value) {
  const double rounded = std::round(value * 100) / 100;
  const char* direction = rounded > 0 ? "up" : rounded < 0 ? "down" : "";
  // U+2212, as wide as the plus.
  const std::string sign = rounded > 0 ? "+" : rounded < 0 ? "&minus;" : "&plusmn;";
  return message("<span class=\"", direction, "\">", sign, fixed(std::abs(rounded), 2), "</span>");
}

std::string base64(std::span<const std::byte> bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      word = (word << 8) | (k < count ? static_cast<std::uint32_t>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += k <= count ? kDigits[(word >> (18 - 6 * k)) & 63] : '=';
    }
  }
  return text;
}

std::string png_uri(const Image8& image) {
  return "data:image/png;base64," + base64(encode_png(image));
}

const EvaluationResult* find_result(const EvaluationTable& table, const std::string& set,
                                    const std::string& model) {
  for (const EvaluationResult& result : table.results) {
    if (result.set == set && result.model == model) {
      return &result;
    }
  }
  return nullptr;
}

std::vector<std::string> sets_of(const EvaluationTable& table) {
  std::vector<std::string> sets;
  for (const EvaluationResult& result : table.results) {
    if (std::find(sets.begin(), sets.end(), result.set) == sets.end()) {
      sets.push_back(result.set);
    }
  }
  return sets;
}

/// The models described, then those that only have results.
std::vector<ReportModel> rows_of(const ReportData& data) {
  std::vector<ReportModel> rows;
  const auto known = [&](const std::string& model) {
    return std::any_of(rows.begin(), rows.end(),
                       [&](const ReportModel& row) { return row.name == model; });
  };
  const auto measured = [&](const std::string& model) {
    return std::any_of(data.table.results.begin(), data.table.results.end(),
                       [&](const EvaluationResult& result) { return result.model == model; });
  };
  for (const ReportModel& model : data.models) {
    if (measured(model.name)) {
      rows.push_back(model);
    }
  }
  for (const EvaluationResult& result : data.table.results) {
    if (!known(result.model)) {
      ReportModel row;
      row.name = result.model;
      row.colour = 6;
      rows.push_back(row);
    }
  }
  return rows;
}

std::string label_of(const ReportModel& model) {
  return escape_html(model.label.empty() ? model.name : model.label);
}

std::string label_of(const ReportData& data, const std::string& name) {
  for (const ReportModel& model : data.models) {
    if (model.name == name) {
      return label_of(model);
    }
  }
  return escape_html(name);
}

std::string hero_cards(const ReportData& data) {
  std::string cards;
  for (const std::string& set : sets_of(data.table)) {
    const EvaluationResult* result = find_result(data.table, set, data.highlighted);
    if (result == nullptr) {
      continue;
    }
    cards += message("<div class=\"card hero\"><div class=\"set\">", escape_html(set), " &middot; ",
                     label_of(data, data.highlighted), "</div><div class=\"value\">",
                     fixed(result->mean.psnr, 2), "<small>dB</small></div><dl>");
    const auto row = [&](const std::string& model) {
      if (const EvaluationResult* other = find_result(data.table, set, model)) {
        cards += message("<dt>against ", label_of(data, model), "</dt><dd>",
                         difference(result->mean.psnr - other->mean.psnr), " dB</dd>");
      }
    };
    row(kBicubicModel);
    if (!data.compared.empty() && data.compared != data.highlighted) {
      row(data.compared);
    }
    cards += message("<dt>SSIM</dt><dd>", fixed(result->mean.ssim, 4), "</dd></dl></div>");
  }
  return cards.empty() ? "" : "<div class=\"heroes\">" + cards + "</div>";
}

std::string overview(const ReportComparison& comparison) {
  if (comparison.overview.samples.empty()) {
    return "";
  }
  return message("<div class=\"overview\"><img alt=\"\" src=\"", png_uri(comparison.overview),
                 "\"><i style=\"left:", fixed(100 * comparison.left, 2),
                 "%;top:", fixed(100 * comparison.top, 2),
                 "%;width:", fixed(100 * comparison.width, 2),
                 "%;height:", fixed(100 * comparison.height, 2), "%\"></i></div>");
}

/// The pair of pictures under the divider: bicubic, where there is one, and the last.
std::string stage(const ReportComparison& comparison) {
  const std::vector<ReportPicture>& pictures = comparison.pictures;
  const auto select = [&](const char* side, const char* title, std::size_t chosen) {
    std::string html = message("<select class=\"", side, "\" aria-label=\"", title, "\">");
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      html += message("<option", i == chosen ? " selected" : "", ">",
                      escape_html(pictures[i].label), "</option>");
    }
    return html + "</select>";
  };
  const Image8& shape = pictures[0].image;
  return message("<div class=\"stage\" hidden style=\"--split:50%;aspect-ratio:", shape.width, "/",
                 shape.height,
                 "\"><img class=\"right\" alt=\"\"><img class=\"left\" alt=\"\">"
                 "<div class=\"divider\"></div>"
                 "<input type=\"range\" min=\"0\" max=\"100\" step=\"1\" value=\"50\" "
                 "aria-label=\"Divider between the two versions of ",
                 escape_html(comparison.name), "\">",
                 select("a", "Version on the left", std::min<std::size_t>(1, pictures.size() - 1)),
                 select("b", "Version on the right", pictures.size() - 1), "</div>");
}

std::string comparison_card(const ReportComparison& comparison) {
  if (comparison.pictures.empty()) {
    return "";
  }
  const Image8& shape = comparison.pictures[0].image;
  std::string html = message("<article class=\"card comparison\"><header>", overview(comparison),
                             "<div><h3>", escape_html(comparison.name), "</h3><p>", shape.width,
                             "&times;", shape.height, " pixels of it, enlarged</p></div></header>");
  html += stage(comparison) + "<div class=\"strip\">";
  for (const ReportPicture& picture : comparison.pictures) {
    html += message("<figure><img alt=\"", escape_html(comparison.name), ", ",
                    escape_html(picture.label), "\" width=\"", picture.image.width, "\" height=\"",
                    picture.image.height, "\" style=\"height:auto\" src=\"", png_uri(picture.image),
                    "\"><figcaption><b>", escape_html(picture.label), "</b>");
    html += picture.score
                ? fixed(picture.score->psnr, 2) + " dB<br>" + fixed(picture.score->ssim, 4)
                : "the truth";
    html += "</figcaption></figure>";
  }
  return html + "</div></article>";
}

/// Means of all models on all sets, the best of each column (the teachers aside) in bold.
std::string result_table(const ReportData& data) {
  const std::vector<std::string> sets = sets_of(data.table);
  const std::vector<ReportModel> rows = rows_of(data);
  const auto any = [&](auto member) {
    return std::any_of(rows.begin(), rows.end(),
                       [&](const ReportModel& row) { return row.*member > 0; });
  };
  const bool updates = any(&ReportModel::updates);
  const bool parameters = any(&ReportModel::parameters);
  std::map<std::string, double> best;
  for (const EvaluationResult& result : data.table.results) {
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const ReportModel& model) {
      return model.name == result.model;
    });
    if (row != rows.end() && !row->sees_truth && std::isfinite(result.mean.psnr)) {
      const auto at = best.try_emplace(result.set, result.mean.psnr).first;
      at->second = std::max(at->second, result.mean.psnr);
    }
  }
  std::string html = "<div class=\"card scroll\"><table><thead><tr><th>Model</th>";
  for (const std::string& set : sets) {
    html += "<th>" + escape_html(set) + "</th>";
  }
  html += message(updates ? "<th>Updates</th>" : "", parameters ? "<th>Parameters</th>" : "",
                  "</tr></thead><tbody>");
  for (const ReportModel& row : rows) {
    const char* kind = row.name == data.highlighted ? " class=\"main\""
                       : row.sees_truth             ? " class=\"truth\""
                                                    : "";
    html += message("<tr", kind, "><th><i class=\"key\" style=\"--c:var(--series-", row.colour % 8,
                    ")\"></i>", label_of(row));
    html += row.note.empty() ? "</th>" : "<small>" + escape_html(row.note) + "</small></th>";
    for (const std::string& set : sets) {
      const EvaluationResult* result = find_result(data.table, set, row.name);
      if (result == nullptr) {
        html += "<td>-</td>";
        continue;
      }
      const auto top = best.find(set);
      const bool first = !row.sees_truth && top != best.end() && result->mean.psnr == top->second;
      html += message("<td", first ? " class=\"best\"" : "", ">", fixed(result->mean.psnr, 2),
                      "<small>", fixed(result->mean.ssim, 4));
      const EvaluationResult* bicubic = find_result(data.table, set, kBicubicModel);
      if (bicubic != nullptr && bicubic != result) {
        html += " &middot; " + difference(result->mean.psnr - bicubic->mean.psnr);
      }
      html += "</small></td>";
    }
    const auto count = [](bool shown, std::int64_t value) {
      return !shown ? std::string() : "<td>" + (value > 0 ? grouped(value) : "-") + "</td>";
    };
    html += count(updates, row.updates) + count(parameters, row.parameters) + "</tr>";
  }
  return html + "</tbody></table></div>";
}

/// PSNR of each image of a set, behind a click.
std::string image_table(const ReportData& data, const std::string& set) {
  std::vector<std::pair<std::string, const EvaluationResult*>> columns;
  for (const ReportModel& row : rows_of(data)) {
    if (const EvaluationResult* result = find_result(data.table, set, row.name)) {
      columns.emplace_back(label_of(row), result);
    }
  }
  const std::vector<ImageResult>& images = columns.front().second->images;
  std::string html = message("<details class=\"card\"><summary>", escape_html(set), ": the ",
                             images.size(), images.size() == 1 ? " image" : " images",
                             "</summary><div class=\"scroll\"><table><thead><tr><th>Image</th>");
  for (const auto& column : columns) {
    html += "<th>" + column.first + "</th>";
  }
  html += "</tr></thead><tbody>";
  for (std::size_t i = 0; i < images.size(); ++i) {
    html += "<tr><td>" + escape_html(images[i].name) + "</td>";
    for (const auto& column : columns) {
      const std::vector<ImageResult>& scores = column.second->images;
      html += "<td>" + (i < scores.size() ? fixed(scores[i].score.psnr, 2) : "-") + "</td>";
    }
    html += "</tr>";
  }
  return html + "</tbody></table></div></details>";
}

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
