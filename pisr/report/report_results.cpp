#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <utility>

#include "core/error.h"
#include "pisr/report/report_parts.h"
#include "pisr/report/report_text.h"

namespace pisr {
namespace {

/// "+1.15" with the class that colours it.
std::string difference(double value) {
  const double rounded = std::round(value * 100) / 100;
  const char* direction = rounded > 0 ? "up" : rounded < 0 ? "down" : "";
  // U+2212, as wide as the plus.
  const std::string sign = rounded > 0 ? "+" : rounded < 0 ? "&minus;" : "&plusmn;";
  return message("<span class=\"", direction, "\">", sign, fixed(std::abs(rounded), 2), "</span>");
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

}  // namespace

std::vector<std::string> sets_of(const EvaluationTable& table) {
  std::vector<std::string> sets;
  for (const EvaluationResult& result : table.results) {
    if (std::find(sets.begin(), sets.end(), result.set) == sets.end()) {
      sets.push_back(result.set);
    }
  }
  return sets;
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

std::string giga_text(std::int64_t multiply_adds) {
  return fixed(static_cast<double>(multiply_adds) / 1e9, 2) + " G";
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
    for (const std::string& other : data.compared) {
      row(other);
    }
    cards += message("<dt>SSIM</dt><dd>", fixed(result->mean.ssim, 4), "</dd></dl></div>");
  }
  return cards.empty() ? "" : "<div class=\"heroes\">" + cards + "</div>";
}

std::string result_table(const ReportData& data) {
  const std::vector<std::string> sets = sets_of(data.table);
  const std::vector<ReportModel> rows = rows_of(data);
  const auto any = [&](auto member) {
    return std::any_of(rows.begin(), rows.end(),
                       [&](const ReportModel& row) { return row.*member > 0; });
  };
  const bool updates = any(&ReportModel::updates);
  const bool parameters = any(&ReportModel::parameters);
  const bool times = any(&ReportModel::milliseconds);
  const bool costs = std::any_of(rows.begin(), rows.end(), [](const ReportModel& row) {
    return row.multiply_adds.has_value();
  });
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
                  costs ? "<th>MultiAdds</th>" : "", times ? "<th>Time</th>" : "",
                  "</tr></thead><tbody>");
  for (const ReportModel& row : rows) {
    const char* kind = row.name == data.highlighted ? " class=\"main\""
                       : row.sees_truth             ? " class=\"truth\""
                                                    : "";
    html += message("<tr", kind, "><th><i class=\"key\" style=\"--c:var(--series-",
                    row.colour % kColours, ")\"></i>", label_of(row));
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
    html += count(updates, row.updates) + count(parameters, row.parameters);
    if (costs) {
      html += !row.multiply_adds
                  ? "<td>-</td>"
                  : "<td>" + giga_text(row.multiply_adds->exact) + "<small>" +
                        giga_text(row.multiply_adds->paper) + " in the paper's count</small></td>";
    }
    if (times) {
      html += row.milliseconds > 0 ? "<td>" + fixed(row.milliseconds, 1) + " ms</td>"
                                   : std::string("<td>-</td>");
    }
    html += "</tr>";
  }
  return html + "</tbody></table></div>";
}

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

}  // namespace pisr
