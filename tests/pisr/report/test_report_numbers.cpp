// Every number of a report is the one that its place says: the page against the data it is made of,
// and those data against the runs.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "pisr/eval/evaluate.h"
#include "pisr/image/image_io.h"
#include "pisr/image/imresize.h"
#include "pisr/inference/upscaler.h"
#include "pisr/model/weights.h"
#include "pisr/report/report.h"
#include "pisr/report/report_comparison.h"
#include "pisr/report/report_plots.h"
#include "pisr/report/report_run.h"
#include "pisr/report/report_summary.h"
#include "tests/catch.h"
#include "tests/pisr/eval/result_of.h"
#include "tests/pisr/image/images.h"
#include "tests/pisr/train/small_run.h"
#include "tests/temporary_folder.h"
#include "tests/thrown.h"

namespace pisr {
namespace {

using Texts = std::vector<std::string>;

/// What lies between `begin` and the `end` behind it, for each of them.
Texts between(const std::string& text, const std::string& begin, const std::string& end) {
  Texts parts;
  for (std::size_t at = text.find(begin); at != std::string::npos; at = text.find(begin, at + 1)) {
    const std::size_t first = at + begin.size();
    parts.push_back(text.substr(first, text.find(end, first) - first));
  }
  return parts;
}

/// HTML without its tags, one space where there were some.
std::string plain_text(const std::string& html) {
  std::string text;
  bool in_tag = false;
  for (const char character : html) {
    if (character == '<') {
      in_tag = true;
    } else if (character == '>') {
      in_tag = false;
      text += !text.empty() && text.back() != ' ' ? " " : "";
    } else if (!in_tag && (character != ' ' || (!text.empty() && text.back() != ' '))) {
      text += character;
    }
  }
  while (!text.empty() && text.back() == ' ') {
    text.pop_back();
  }
  return text;
}

/// The cells of all rows of all tables of a page.
std::vector<Texts> table_rows(const std::string& html) {
  std::vector<Texts> rows;
  for (const std::string& row : between(html, "<tr", "</tr>")) {
    Texts& cells = rows.emplace_back();
    std::size_t at = row.find('>') + 1;
    while (at < row.size()) {
      const std::size_t end = std::min(row.find("</td>", at), row.find("</th>", at));
      cells.push_back(plain_text(row.substr(at, end - at)));
      at = end + 5;
    }
  }
  return rows;
}

ReportModel model_of(const std::string& name, const std::string& label, std::int64_t updates,
                     std::int64_t parameters) {
  ReportModel model;
  model.name = name;
  model.label = label;
  model.updates = updates;
  model.parameters = parameters;
  return model;
}

/// Two sets, three models; no two numbers are alike.
ReportData odd_report() {
  ReportData data;
  data.title = "A title";
  data.summary = "A summary.";
  data.table.protocol = Protocol::matlab;
  data.table.scale = 3;
  data.models = {model_of("bicubic", "Bicubic", 0, 0), model_of("base", "Base", 1500, 12644),
                 model_of("mine", "Mine", 25000, 7)};
  data.models[2].note = "a note";
  data.highlighted = "mine";
  data.compared = {"base"};
  data.table.results = {
      result_of("S", "bicubic", {30, 0.81}, {{"x", {29, 0.11}, 1}, {"y", {31, 0.12}, 2}}),
      result_of("S", "base", {30.75, 0.82}, {{"x", {30.5, 0.21}, 3}, {"y", {31.25, 0.22}, 4}}),
      result_of("S", "mine", {30.5, 0.83}, {{"x", {28.5, 0.31}, 5}, {"y", {32.5, 0.32}, 6}}),
      result_of("T", "bicubic", {25, 0.71}, {{"z", {25, 0.41}, 7}}),
      result_of("T", "base", {25.001, 0.72}, {{"z", {24, 0.42}, 8}}),
      result_of("T", "mine", {23.75, 0.73}, {{"z", {26, 0.43}, 9}})};
  return data;
}

TEST_CASE("report numbers: tables", "[report]") {
  const std::string html = render_report(odd_report());
  CHECK(table_rows(html) ==
        std::vector<Texts>{{"Model", "S", "T", "Updates", "Parameters"},
                           {"Bicubic", "30.00 0.8100", "25.00 0.7100", "-", "-"},
                           {"Base", "30.75 0.8200 &middot; +0.75",
                            "25.00 0.7200 &middot; &plusmn;0.00", "1,500", "12,644"},
                           {"Mine a note", "30.50 0.8300 &middot; +0.50",
                            "23.75 0.7300 &middot; &minus;1.25", "25,000", "7"},
                           {"Image", "Bicubic", "Base", "Mine"},
                           {"x", "29.00", "30.50", "28.50"},
                           {"y", "31.00", "31.25", "32.50"},
                           {"Image", "Bicubic", "Base", "Mine"},
                           {"z", "25.00", "24.00", "26.00"}});
  CHECK(contains(html, "class=\"best\">30.75"));
  CHECK(contains(html, "class=\"best\">25.00<small>0.7200"));
  CHECK(between(html, "class=\"best\"", "<").size() == 2);
  CHECK(contains(html, "<span class=\"up\">+0.50</span>"));
  CHECK(contains(html, "<span class=\"down\">&minus;1.25</span>"));
  CHECK(contains(html, "<span class=\"\">&plusmn;0.00</span>"));
  CHECK(contains(html, "&times;3, protocol <b>matlab</b>"));
  CHECK(contains(html, "S: the 2 images<"));
  CHECK(contains(html, "T: the 1 image<"));
  CHECK(contains(html,
                 "<tr class=\"main\"><th><i class=\"key\" style=\"--c:var(--series-0)\"></i>Mine"));
}

TEST_CASE("report numbers: the cards at its head", "[report]") {
  const std::string html = render_report(odd_report());
  Texts cards;
  for (const std::string& card : between(html, "<div class=\"card hero\">", "</dl>")) {
    cards.push_back(plain_text(card));
  }
  CHECK(cards == Texts{"S &middot; Mine 30.50 dB against Bicubic +0.50 dB against Base &minus;0.25 "
                       "dB SSIM 0.8300",
                       "T &middot; Mine 23.75 dB against Bicubic &minus;1.25 dB against Base "
                       "&minus;1.25 dB SSIM 0.7300"});
}

std::vector<std::byte> from_base64(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<std::byte> bytes;
  std::uint32_t word = 0;
  int bits = 0;
  for (const char character : text) {
    if (character == '=') {
      break;
    }
    word = (word << 6) | static_cast<std::uint32_t>(digits.find(character));
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push_back(static_cast<std::byte>((word >> bits) & 0xFF));
    }
  }
  return bytes;
}

TEST_CASE("report numbers: pictures under their names, with their scores", "[report]") {
  ReportData data;
  ReportComparison comparison;
  comparison.name = "bird";
  comparison.left = 0.125;
  comparison.top = 0.25;
  comparison.width = 0.5;
  comparison.height = 0.0625;
  // Of three sizes: base64 pads each in its own way.
  comparison.overview = noise<std::uint8_t>(3, 2, 3, 1);
  comparison.pictures = {{"HR", noise<std::uint8_t>(4, 3, 3, 2), std::nullopt},
                         {"Bicubic", noise<std::uint8_t>(4, 3, 3, 3), Score{30.25, 0.75}},
                         {"Mine", noise<std::uint8_t>(5, 3, 1, 4), Score{31.5, 0.875}}};
  data.comparisons = {comparison};
  const std::string html = render_report(data);
  CHECK(contains(html, "style=\"left:12.50%;top:25.00%;width:50.00%;height:6.25%\""));
  Texts captions;
  for (const std::string& caption : between(html, "<figcaption>", "</figcaption>")) {
    captions.push_back(plain_text(caption));
  }
  CHECK(captions == Texts{"HR the truth", "Bicubic 30.25 dB 0.7500", "Mine 31.50 dB 0.8750"});
  CHECK(contains(html, "4&times;3 pixels of it"));
  const Texts uris = between(html, "src=\"data:image/png;base64,", "\"");
  REQUIRE(uris.size() == 4);
  const auto shown = [&](std::size_t i) {
    return std::get<Image8>(decode_image(from_base64(uris[i]), "page").pixels);
  };
  CHECK(largest_difference(shown(0), comparison.overview) == 0);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(largest_difference(shown(i + 1), comparison.pictures[i].image) == 0);
  }
  // Bicubic on the left of the divider, the last on its right.
  const Texts chosen = between(html, "<option selected>", "</option>");
  CHECK(chosen == Texts{"Bicubic", "Mine"});
}

TEST_CASE("report numbers: facts and notes", "[report]") {
  ReportData data = odd_report();
  data.facts = {{"One", "1"}, {"Two", "2"}};
  data.notes = {"First.", "Second."};
  const std::string html = render_report(data);
  CHECK(contains(html, "<dt>One</dt><dd>1</dd></div><div><dt>Two</dt><dd>2</dd>"));
  CHECK(between(html, "<li>", "</li>") == Texts{"First.", "Second."});
  CHECK(contains(html, "<h1>A title</h1><p class=\"lead\">A summary.</p>"));
}

MetricsRow update_row(const std::string& phase, std::int64_t iteration, double first,
                      double speed) {
  return {phase, iteration, first, first + 1, first + 2, first + 3, speed, NAN, NAN};
}

MetricsRow validation_row(const std::string& phase, std::int64_t iteration, double psnr) {
  return {phase, iteration, NAN, NAN, NAN, NAN, NAN, psnr, psnr / 100};
}

/// A run whose metrics are these; no two numbers are alike.
ReportRun odd_run() {
  ReportRun run;
  run.name = "run";
  run.config = smallest_config({"train.learning_rate=0.25", "train.final_learning_rate=0.125",
                                "train.imitation_weight=0.5", "train.distillation_weight=0.0625",
                                "manual_seed=17", "val.protocol=matlab", "train.batch_size=6",
                                "train.gt_size=12"});
  run.rows = {validation_row("bicubic", 0, 28.125), update_row("teacher", 100, 10, 2),
              validation_row("teacher", 150, 35.5), update_row("teacher", 200, 20, 4),
              update_row("student", 50, 30, 5),     validation_row("student", 60, 31.5),
              update_row("student", 90, 40, 2),     update_row("baseline", 70, 50, 10),
              validation_row("baseline", 70, 30.5)};
  return run;
}

std::vector<TrainedModel> models_of(const ReportRun& run) {
  const TemporaryFolder folder;
  save_weights(folder.path() / "teacher_last.safetensors", *drawn_teacher(run.config));
  const auto network = make_network(run.config.network);
  initialise(*network, 1);
  save_weights(folder.path() / "student_last.safetensors", *network);
  save_weights(folder.path() / "baseline_last.safetensors", *network);
  std::vector<TrainedModel> models;
  add_models(folder.path(), run, {}, models);
  name_models(models);
  return models;
}

using Points = std::vector<std::pair<double, double>>;

Points points_of(const Curve& curve) {
  Points points;
  for (const PlotPoint& point : curve.points) {
    points.emplace_back(point.x, point.y);
  }
  return points;
}

TEST_CASE("report numbers: curves are the columns of the metrics that they are called after",
          "[report]") {
  ReportRun run = odd_run();
  const std::vector<TrainedModel> models = models_of(run);
  std::vector<ReportRun> runs;
  runs.push_back(run);
  const std::vector<Plot> plots = plots_of(runs, models);
  struct Wanted {
    std::string title;
    std::vector<std::pair<std::string, Points>> curves;
  };
  const std::vector<Wanted> wanted = {
      {"PSNR in validation",
       {{"Baseline", {{70, 30.5}}}, {"Teacher", {{150, 35.5}}}, {"Student", {{60, 31.5}}}}},
      {"Reconstruction loss",
       {{"Baseline", {{70, 51}}},
        {"Teacher", {{100, 11}, {200, 21}}},
        {"Student", {{50, 31}, {90, 41}}}}},
      {"Imitation loss", {{"Teacher", {{100, 12}, {200, 22}}}}},
      {"Distillation loss", {{"Student", {{50, 32}, {90, 42}}}}},
      {"Learning rate",
       {{"Baseline", {{70, 53}}},
        {"Teacher", {{100, 13}, {200, 23}}},
        {"Student", {{50, 33}, {90, 43}}}}}};
  REQUIRE(plots.size() == wanted.size());
  for (std::size_t i = 0; i < plots.size(); ++i) {
    CAPTURE(wanted[i].title);
    CHECK(plots[i].title == wanted[i].title);
    CHECK(plots[i].x_label == "iteration");
    REQUIRE(plots[i].curves.size() == wanted[i].curves.size());
    for (std::size_t k = 0; k < plots[i].curves.size(); ++k) {
      const Curve& curve = plots[i].curves[k];
      CHECK(curve.name == wanted[i].curves[k].first);
      CHECK(points_of(curve) == wanted[i].curves[k].second);
      CHECK(curve.colour == (curve.name == "Student" ? 0 : curve.name == "Teacher" ? 1 : 2));
    }
  }
  CHECK(plots[0].y_label == "dB, protocol matlab");
  REQUIRE(plots[0].references.size() == 1);
  CHECK(plots[0].references[0].y == 28.125);
  CHECK(plots[0].references[0].name == "bicubic 28.12");
  // What was not distilled has no such curve.
  runs[0].config.train.distillation = Distillation::none;
  CHECK(plots_of(runs, models).size() == 4);
}

TEST_CASE("report numbers: the page's script gets the points of the curves", "[report]") {
  Plot plot;
  plot.curves = {{"a", {{10, 0.5}, {20, 0.25}}, 3}, {"b", {{10, NAN}, {30, 4}}, 9}};
  CHECK(nlohmann::json::parse(plot_json(plot))["curves"] == nlohmann::json::parse(R"([
    {"name": "a", "colour": 3, "points": [[10, 0.5], [20, 0.25]]},
    {"name": "b", "colour": 0, "points": [[10, null], [30, 4]]}])"));
  // A long curve: means of bins of two points.
  plot.curves.resize(1);
  plot.curves[0].points.clear();
  for (int i = 0; i < 800; ++i) {
    plot.curves[0].points.push_back({static_cast<double>(i), i % 2 == 0 ? i : i + 2.0});
  }
  const auto points = nlohmann::json::parse(plot_json(plot))["curves"][0]["points"];
  REQUIRE(points.size() == 400);
  CHECK(points[100] == nlohmann::json::parse("[200.5, 201.5, 200, 203]"));
}

TEST_CASE("report numbers: a plot's labels, legend and choice of axis", "[report]") {
  ReportData data;
  Plot plot;
  plot.title = "A title";
  plot.x_label = "across";
  plot.y_label = "up";
  plot.curves = {{"a", {{0, 1}, {1, 2}}, 2}, {"b", {{0, 2}, {1, 3}}, 5}};
  plot.references = {{"line", 1.5}};
  const std::vector<std::pair<Plot::Axes, const char*>> cases = {
      {Plot::Axes::linear, R"(["linear"])"},
      {Plot::Axes::linear_then_log, R"(["linear", "log"])"},
      {Plot::Axes::log_then_linear, R"(["log", "linear"])"}};
  for (const auto& [axes, wanted] : cases) {
    plot.axes = axes;
    data.plots = {plot};
    const Texts shown = between(render_report(data), "application/json\">", "</script>");
    REQUIRE(shown.size() == 1);
    const auto json = nlohmann::json::parse(shown.front());
    CHECK(json["title"] == "A title");
    CHECK(json["x"] == "across");
    CHECK(json["y"] == "up");
    CHECK(json["axes"] == nlohmann::json::parse(wanted));
    CHECK(json["references"] == nlohmann::json::parse(R"([{"name": "line", "y": 1.5}])"));
    CHECK(json["curves"][1]["name"] == "b");
    CHECK(json["curves"][1]["colour"] == 5);
  }
  // A logarithmic axis is offered for positive values only.
  plot.curves[0].points[0].y = 0;
  CHECK(nlohmann::json::parse(plot_json(plot))["axes"] == nlohmann::json::parse(R"(["linear"])"));
}

TEST_CASE("report numbers: updates, seconds and what is said of them", "[report]") {
  const ReportRun run = odd_run();
  const std::vector<TrainedModel> models = models_of(run);
  REQUIRE(models.size() == 3);
  CHECK(models[0].label == "Baseline");
  CHECK(models[1].label == "Teacher");
  CHECK(models[2].label == "Student");
  CHECK(models[0].updates == 70);
  CHECK(models[1].updates == 200);
  CHECK(models[2].updates == 290);
  CHECK(models[2].own_updates == 90);
  CHECK(models[0].seconds == Approx(7));
  CHECK(models[1].seconds == Approx(50 + 25));
  CHECK(models[2].seconds == Approx(10 + 20));
  std::vector<ReportRun> runs;
  runs.push_back(run);
  CHECK(summary_text(runs, models) ==
        "FSRCNN(4, 3, 1) for x2, trained on 3 built-in images of 32x32 (updates: Baseline 70, "
        "Teacher 200, Student 90) in 1 min 52 s.");
  const auto facts = [&] {
    std::vector<std::pair<std::string, std::string>> texts;
    for (const ReportFact& fact : facts_of(runs, models)) {
      texts.emplace_back(fact.label, fact.value);
    }
    return texts;
  };
  using Facts = std::vector<std::pair<std::string, std::string>>;
  CHECK(facts() == Facts{{"Network", "FSRCNN(4, 3, 1)"},
                         {"Training images", "3 built-in images of 32x32"},
                         {"Batch", "6 patches of 12x12"},
                         {"Learning rate", "0.25 to 0.125, cosine"},
                         {"Imitation weight", "0.5"},
                         {"Distillation", "VID (Laplace), weight 0.0625"},
                         {"Weight transfer", "yes"},
                         {"Seed", "17"},
                         {"Baseline", "70 updates in 7 s"},
                         {"Teacher", "200 updates in 1 min 15 s"},
                         {"Student", "90 updates in 30 s"}});
  const std::vector<std::pair<Distillation, std::string>> kinds = {
      {Distillation::gaussian, "VID (Gaussian), weight 0.0625"},
      {Distillation::mae, "mean absolute error, weight 0.0625"},
      {Distillation::none, "none"}};
  runs[0].config.train.weight_transfer = false;
  runs[0].config.data.train = {"a/T91", "b/BSDS200/"};
  for (const auto& [kind, text] : kinds) {
    runs[0].config.train.distillation = kind;
    const Facts got = facts();
    CHECK(got[1].second == "T91, BSDS200");
    CHECK(got[5].second == text);
    CHECK(got[6].second == "no");
  }
  const std::vector<std::string> notes = notes_of(models);
  REQUIRE(notes.size() == 3);
  CHECK(contains(notes[0], "The student's 290 updates include the 200 of its teacher"));
  CHECK(notes[2] == "All figures are of the weights at the end of the run.");
}

TEST_CASE("report numbers: a teacher that another run has trained", "[report]") {
  const TemporaryFolder folder;
  ReportRun run = odd_run();
  const std::filesystem::path file = folder.path() / "elsewhere.safetensors";
  run.config.train.teacher_weights = file.string();
  const auto network = make_network(run.config.network);
  save_weights(folder.path() / "student_last.safetensors", *network, {{"earlier_updates", "1234"}});
  std::vector<TrainedModel> models;
  add_models(folder.path(), run, {}, models);
  CHECK(models.size() == 1);  // the file is gone

  save_weights(file, *drawn_teacher(run.config), {{"total_iterations", "1234"}});
  models.clear();
  add_models(folder.path(), run, {}, models);
  add_models(folder.path(), run, {}, models);  // shown once, though two students have it
  name_models(models);
  REQUIRE(models.size() == 3);
  CHECK(models[0].label == "Teacher");
  CHECK(models[0].elsewhere == file);
  CHECK(models[0].updates == 1234);
  CHECK(models[1].updates == 90 + 1234);
  const std::string summary = summary_text({run}, models);
  CHECK(!contains(summary, "Teacher"));
  const std::vector<ReportFact> facts = facts_of({run}, models);
  const auto fact = [&](const std::string& label) {
    const auto at = std::find_if(facts.begin(), facts.end(),
                                 [&](const ReportFact& one) { return one.label == label; });
    return at == facts.end() ? std::string("none") : at->value;
  };
  CHECK(fact("Imitation weight") == "none");
  CHECK(fact("Teacher") == "1,234 updates before, 'elsewhere.safetensors'");
}

TEST_CASE("report numbers: what a run that has not ended is scored by is said", "[report]") {
  const TemporaryFolder folder;
  const ReportRun run = odd_run();
  const auto network = make_network(run.config.network);
  save_weights(folder.path() / "baseline_last.safetensors", *network);
  save_weights(folder.path() / "baseline.safetensors", *network);
  save_weights(folder.path() / "student.safetensors", *network);
  save_weights(folder.path() / "teacher.safetensors", *drawn_teacher(run.config));
  std::vector<TrainedModel> models;
  add_models(folder.path(), run, {}, models);
  name_models(models);
  CHECK(notes_of(models).back() ==
        "Figures are of the weights at the end of the run; those of a run that has not ended are "
        "of the best so far: Teacher, Student.");
}

TEST_CASE("report numbers: the table scores the weights that it says, those of the end",
          "[report]") {
  const TemporaryFolder folder;
  const auto out = folder.path() / "run";
  // At so high a rate the last weights are not the best.
  const std::vector<std::string> settings{
      "train.learning_rate=0.5", "val.val_freq=1",      "train.final_learning_rate=0.5",
      "train.total_iter=4",      "val.protocol=matlab", "train.distillation=none"};
  for (const std::string phase : {"all", "baseline"}) {
    std::vector<std::string> more = settings;
    more.push_back("train.phase=" + phase);
    told_by_training(smallest_config(more), out);
  }
  const TrainConfig config = smallest_config(settings);
  // The best weights are others.
  const auto other = make_network(config.network);
  initialise(*other, 9);
  save_weights(out / "baseline.safetensors", *other);
  save_weights(out / "student.safetensors", *other);
  save_weights(out / "teacher.safetensors", *drawn_teacher(config, 9));
  const EvaluationSet& held_out = training_images(config).validation;
  const std::vector<EvaluationSet> sets = {held_out,
                                           {"other", built_in_dataset(2, 0, 1, 32, 2, 1)}};
  ReportRequest request;
  request.runs = {out};
  request.sets = sets;
  request.protocol = Protocol::matlab;
  request.subtitle = "Before.";
  ThreadPool pool(1);
  Context context(pool);
  const ReportData data = gather_report(context, pool, request);
  CHECK(data.title == "run");
  CHECK(contains(data.summary, "Before. FSRCNN(4, 3, 1) for x2"));
  CHECK(data.table.protocol == Protocol::matlab);
  CHECK(data.table.scale == 2);
  REQUIRE(data.table.results.size() == 8);
  const Texts names{"bicubic", "baseline", "teacher", "student"};
  for (std::size_t i = 0; i < 8; ++i) {
    const EvaluationResult& got = data.table.results[i];
    const EvaluationSet& set = sets[i / 4];
    const std::string& name = names[i % 4];
    CAPTURE(set.name, name);
    CHECK(got.set == set.name);
    CHECK(got.model == name);
    const auto scores = [&](const std::string& file) {
      return file.empty() ? evaluate_bicubic(pool, set, Protocol::matlab)
                          : evaluate(context, pool, set, Protocol::matlab, "x",
                                     *load_model(out / (file + ".safetensors")));
    };
    const EvaluationResult wanted = scores(i % 4 == 0 ? "" : name + "_last");
    CHECK(got.mean.psnr == wanted.mean.psnr);
    CHECK(got.mean.ssim == wanted.mean.ssim);
    REQUIRE(got.images.size() == wanted.images.size());
    CHECK(got.images.front().score.psnr == wanted.images.front().score.psnr);
    if (i % 4 != 0) {
      CHECK(got.mean.psnr != scores(name).mean.psnr);
    }
  }
  REQUIRE(data.models.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    const ReportModel& model = data.models[i];
    CAPTURE(names[i]);
    CHECK(model.name == names[i]);
    CHECK(model.sees_truth == (i == 2));
    CHECK(model.updates == (i == 0 ? 0 : i == 3 ? 8 : 4));
    CHECK(model.parameters ==
          (i == 0 ? 0 : load_model(out / (names[i] + ".safetensors"))->parameter_count()));
    CHECK(model.colour == (i == 0 ? 6 : i == 1 ? 2 : i == 2 ? 1 : 0));
    CHECK(model.note == (i == 2   ? "sees the truth: no super-resolution"
                         : i == 3 ? "4 after its teacher's 4"
                                  : ""));
  }
  CHECK(data.highlighted == "student");
  CHECK(data.compared == Texts{"baseline"});
  // The pieces to look at: of the first set, the hardest image first, by the networks of the end.
  const EvaluationResult bicubic = evaluate_bicubic(pool, held_out, Protocol::matlab);
  REQUIRE(data.comparisons.size() == 2);
  const bool second_is_harder = bicubic.images[1].score.psnr < bicubic.images[0].score.psnr;
  for (std::size_t i = 0; i < 2; ++i) {
    const std::size_t image = second_is_harder ? 1 - i : i;
    CHECK(data.comparisons[i].name == held_out.data.images[image].name);
    REQUIRE(data.comparisons[i].pictures.size() == 4);
    CHECK(data.comparisons[i].pictures[1].score->psnr == bicubic.images[image].score.psnr);
    CHECK(data.comparisons[i].pictures[2].label == "Baseline");
    CHECK(data.comparisons[i].pictures[2].score->psnr ==
          data.table.results[1].images[image].score.psnr);
    CHECK(data.comparisons[i].pictures[3].label == "Student");
    CHECK(data.comparisons[i].pictures[3].score->psnr ==
          data.table.results[3].images[image].score.psnr);
    CHECK(data.comparisons[i].pictures[3].score->ssim ==
          data.table.results[3].images[image].score.ssim);
  }
}

TEST_CASE("report numbers: pieces of pictures are cut from what was enlarged", "[report]") {
  const TrainConfig config = smallest_config();
  // Larger than a piece, with detail at the lower right only.
  ImagePair pair;
  pair.name = "noise";
  pair.high = Image8(140, 100, 3);
  const auto detail = noise<std::uint8_t>(40, 30, 3);
  for (int y = 0; y < 30; ++y) {
    for (int x = 0; x < 40; ++x) {
      for (int c = 0; c < 3; ++c) {
        pair.high.at(x + 96, y + 66, c) = detail.at(x, y, c);
      }
    }
  }
  pair.low = downscale(pair.high, 2);
  const auto network = make_network(config.network);
  initialise(*network, 1);
  Context context;
  const ReportComparison got =
      compare_pictures(context, pair, Protocol::matlab, {{"mine", network.get()}});
  REQUIRE(got.pictures.size() == 3);
  const int left = static_cast<int>(std::lround(got.left * 140));
  const int top = static_cast<int>(std::lround(got.top * 100));
  CHECK(left > 10);
  CHECK(top > 4);
  CHECK(got.width == 120.0 / 140);
  CHECK(got.height == 90.0 / 100);
  const auto piece = [&](const Image8& image) { return crop(image, left, top, 120, 90); };
  CHECK(largest_difference(got.pictures[0].image, piece(pair.high)) == 0);
  CHECK(largest_difference(got.pictures[1].image, piece(upscale(pair.low, 2))) == 0);
  CHECK(largest_difference(got.pictures[2].image,
                           piece(to_8_bit(upscale_image(context, *network, AnyImage{pair.low})))) ==
        0);
  EvaluationSet set{"one", {}};
  set.data.scale = 2;
  set.data.images = {pair};
  ThreadPool pool(1);
  const Score bicubic = evaluate_bicubic(pool, set, Protocol::matlab).mean;
  const Score mine = evaluate(context, pool, set, Protocol::matlab, "x", *network).mean;
  CHECK(got.pictures[1].score->psnr == bicubic.psnr);
  CHECK(got.pictures[1].score->ssim == bicubic.ssim);
  CHECK(got.pictures[2].score->psnr == mine.psnr);
  CHECK(got.pictures[2].score->ssim == mine.ssim);
}

}  // namespace
}  // namespace pisr
