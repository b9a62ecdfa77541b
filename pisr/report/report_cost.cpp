#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "pisr/report/report_parts.h"
#include "pisr/report/report_text.h"
#include "pisr/report/script_json.h"

namespace pisr {
namespace {

using Json = nlohmann::ordered_json;

/// A circle: what is not known is null.
Json point_json(const std::string& name, int colour, bool published, double psnr,
                std::int64_t parameters, const MultiplyAdds& count, double milliseconds) {
  return {{"name", text_json(name)},
          {"colour", colour % kColours},
          {"published", published},
          {"psnr", short_json(psnr)},
          {"parameters", parameters},
          {"paper", short_json(static_cast<double>(count.paper))},
          {"exact", short_json(static_cast<double>(count.exact))},
          {"ms", milliseconds > 0 ? short_json(milliseconds) : Json(nullptr)}};
}

std::string published_table(const std::vector<PublishedResult>& published) {
  std::string html =
      "<details class=\"card\"><summary>The published systems</summary><div "
      "class=\"scroll\"><table><thead><tr><th>System</th><th>PSNR</th><th>Parameters</th>"
      "<th>MultiAdds, paper</th><th>MultiAdds, computed</th></tr></thead><tbody>";
  for (const PublishedResult& result : published) {
    html += message("<tr><td>", escape_html(result.name), "</td><td>", fixed(result.psnr, 2),
                    "</td><td>", grouped(result.parameters), "</td><td>",
                    giga_text(result.multiply_adds.paper), "</td><td>",
                    giga_text(result.multiply_adds.exact), "</td></tr>");
  }
  return html + "</tbody></table></div></details>";
}

}  // namespace

std::string cost_set(const EvaluationTable& table) {
  const std::vector<std::string> sets = sets_of(table);
  if (sets.empty()) {
    return "";
  }
  return std::find(sets.begin(), sets.end(), "Set5") != sets.end() ? "Set5" : sets.front();
}

std::string cost_card(const ReportData& data) {
  const std::string set = cost_set(data.table);
  Json points = Json::array();
  bool timed = false;
  for (const ReportModel& model : data.models) {
    const EvaluationResult* result = find_result(data.table, set, model.name);
    if (result != nullptr && model.multiply_adds) {
      points.push_back(point_json(model.label.empty() ? model.name : model.label, model.colour,
                                  false, result->mean.psnr, model.parameters, *model.multiply_adds,
                                  model.milliseconds));
      timed = timed || model.milliseconds > 0;
    }
  }
  if (points.empty()) {
    return "";
  }
  for (const PublishedResult& published : data.published) {
    points.push_back(point_json(published.name, kTruthColour, true, published.psnr,
                                published.parameters, published.multiply_adds, 0));
  }
  Json axes = {
      {{"key", "paper"}, {"name", "paper's count"}, {"label", "MultiAdds, as the paper counts"}},
      {{"key", "exact"}, {"name", "computed"}, {"label", "MultiAdds that are computed"}}};
  if (timed) {
    axes.push_back({{"key", "ms"}, {"name", "time"}, {"label", "ms, measured"}});
  }
  std::string html = no_script_note("Circles") +
                     script_figure("cost", script_json({{"title", "PSNR against cost"},
                                                        {"y", text_json("dB, " + set)},
                                                        {"axes", std::move(axes)},
                                                        {"points", std::move(points)}}));
  if (!data.published.empty()) {
    html += published_table(data.published);
  }
  return html;
}

}  // namespace pisr
