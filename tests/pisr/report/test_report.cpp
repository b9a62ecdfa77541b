#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>

#include <nlohmann/json.hpp>

#include "core/context.h"
#include "core/parallel.h"
#include "core/philox.h"
#include "nn/init.h"
#include "pisr/data/dead_leaves.h"
#include "pisr/image/image_io.h"
#include "pisr/model/fsrcnn.h"
#include "pisr/model/plain.h"
#include "pisr/model/teacher.h"
#include "pisr/model/weights.h"
#include "pisr/report/plot.h"
#include "pisr/report/report.h"
#include "pisr/report/report_comparison.h"
#include "pisr/report/report_run.h"
#include "pisr/report/report_text.h"
#include "pisr/train/config.h"
#include "pisr/train/run_metrics.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

using namespace pisr;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

bool has(const std::string& text, const std::string& part) {
  return count(text, part) > 0;
}

Plot plot_of(std::vector<PlotPoint> points) {
  Plot plot;
  plot.title = "Loss";
  plot.x_label = "iteration";
  plot.curves = {{"a", std::move(points), 0}};
  return plot;
}

void randomise(const Module& module, std::uint64_t seed) {
  Random random(seed, RandomUse::test, 2);
  for (const NamedParameter& named : module.parameters()) {
    for (float& value : named.parameter->value.values<float>()) {
      value = static_cast<float>(random.uniform(-0.1, 0.1));
    }
  }
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

}  // namespace

TEST_CASE("a plot as JSON: gaps, and what has no place", "[report]") {
  const Plot plot = plot_of({{0, 1}, {1, kNan}, {2, INFINITY}, {kNan, 7}, {4, -5}});
  const auto json = nlohmann::json::parse(plot_json(plot));
  CHECK(json["curves"][0]["points"] ==
        nlohmann::json::parse("[[0, 1], [1, null], [2, null], [4, -5]]"));
  const auto nothing = nlohmann::json::parse(plot_json(Plot{}));
  CHECK(nothing["curves"].empty());
  CHECK(nothing["axes"] == nlohmann::json::parse("[\"linear\"]"));
}

TEST_CASE("a plot as JSON: numbers are finite and short", "[report]") {
  for (const double value : {0.0, 1.0, -3.0, 1e-12, 1e12, 1e300, 1.0 / 3, 5e-324}) {
    CAPTURE(value);
    const std::string text = plot_json(plot_of({{0, value}, {1, value}}));
    const double got = nlohmann::json::parse(text)["curves"][0]["points"][1][1].get<double>();
    CHECK(std::abs(got - value) <= 1e-6 * std::abs(value));
    CHECK(text.size() < 200);
  }
}

TEST_CASE("long curves are thinned to means, with the least and the largest of each bin",
          "[report]") {
  std::vector<PlotPoint> points;
  for (int i = 0; i < 40000; ++i) {
    points.push_back({static_cast<double>(i), i % 2 == 0 ? 1.0 : 3.0});
  }
  for (int i = 0; i < 100; ++i) {
    points[static_cast<std::size_t>(i)].y = kNan;  // the first bin
  }
  points[750].y = 7;
  points[850].y = kNan;
  const std::string text = plot_json(plot_of(points));
  CHECK(text.size() < 20000);
  const auto bins = nlohmann::json::parse(text)["curves"][0]["points"];
  REQUIRE(bins.size() == 400);
  CHECK(bins[0] == nlohmann::json::parse("[0, null]"));
  CHECK(bins[7] == nlohmann::json::parse("[749.5, 2.06, 1, 7]"));
  CHECK(bins[8][1].get<double>() > 2);
  CHECK(bins[9] == nlohmann::json::parse("[949.5, 2, 1, 3]"));
}

TEST_CASE("JSON in a page ends no script element", "[report]") {
  Plot plot = plot_of({{0, 1}});
  plot.title = "</script><!--<script>\n\xff\"";
  const std::string text = plot_json(plot);
  CHECK(!has(text, "<"));
  CHECK(nlohmann::json::parse(text)["title"] == "</script><!--<script>\\x0a\\xff\"");
}

TEST_CASE("a logarithmic axis takes positive values only", "[report]") {
  CHECK(can_be_logarithmic(plot_of({{0, 1}, {1, kNan}})));
  CHECK(!can_be_logarithmic(plot_of({{0, 1}, {1, 0}})));
  CHECK(!can_be_logarithmic(plot_of({})));
}

TEST_CASE("numbers and text for the page", "[report]") {
  CHECK(short_number(0) == "0");
  CHECK(short_number(5000) == "5k");
  CHECK(short_number(2.5e6) == "2.5M");
  CHECK(short_number(0.001) == "0.001");
  CHECK(short_number(1e-7) == "1e-7");
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(12644) == "12,644");
  CHECK(grouped(1000000) == "1,000,000");
  CHECK(escape_html("<a href=\"x\">&'") == "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
}

TEST_CASE("the page escapes every name and refers to nothing outside", "[report]") {
  const std::string evil = "<script>alert('&\"')</script>";
  ReportData data;
  data.title = evil;
  data.summary = evil;
  data.facts = {{evil, evil}};
  data.notes = {evil};
  data.table.results.push_back({evil, "bicubic", {30, 0.9}, {{evil, {30, 0.9}, 1}}});
  data.table.results.push_back({evil, evil, {INFINITY, kNan}, {{evil, {INFINITY, kNan}, 1}}});
  ReportModel model;
  model.name = evil;
  model.label = evil;
  model.note = evil;
  data.models = {model};
  data.highlighted = evil;
  data.compared = {evil};
  Plot plot = plot_of({{0, 1}, {1, 2}});
  plot.title = plot.x_label = plot.y_label = plot.curves[0].name = evil;
  plot.references = {{evil, 1.5}};
  plot.axes = Plot::Axes::linear_then_log;
  data.plots = {plot, Plot{}};
  ReportComparison comparison;
  comparison.name = evil;
  comparison.pictures = {{evil, Image8(4, 3, 3), std::nullopt},
                         {evil, Image8(4, 3, 3), Score{30, 1}}};
  comparison.overview = Image8(2, 2, 1);
  data.comparisons = {comparison, ReportComparison{}};
  data.compact = {{evil, {{evil, evil, Image8(2, 2, 1)}}, plot, plot, 4, 3}};
  data.models[0].multiply_adds = MultiplyAdds{1, 2};
  data.published = {{evil, 5, {6, 7}, 8}};
  data.timing = evil;

  std::string html = render_report(data);
  // The script's name for SVG is no address that is loaded.
  const std::string svg = "'http://www.w3.org/2000/svg'";
  REQUIRE(count(html, svg) == 1);
  html.erase(html.find(svg), svg.size());
  CHECK(count(html, "<script>") == 1);  // the page's own
  // Two plots of training, two of the compact features and one of cost.
  CHECK(count(html, "<script type=\"application/json\">") == 5);
  CHECK(count(html, "</script") == 6);
  CHECK(!has(html, "<!--"));
  CHECK(!has(html, "<script>alert("));
  CHECK(has(html, "&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;"));
  for (const char* outside :
       {"http:", "https:", "//cdn", "@import", "src=\"/", "href=\"/", "url(//"}) {
    CAPTURE(outside);
    CHECK(!has(html, outside));
  }
  CHECK(has(html, "src=\"data:image/png;base64,iVBORw0KGgo"));
  CHECK(has(html, "&infin;"));
  CHECK(has(html, "protocol <b>pisr</b>"));
}

TEST_CASE("an empty report is a page", "[report]") {
  const std::string html = render_report(ReportData{});
  CHECK(html.rfind("<!doctype html>", 0) == 0);
  CHECK(html.find("</html>") != std::string::npos);
}

TEST_CASE("a page without its script says what is missing", "[report]") {
  ReportData data;
  CHECK(!has(render_report(data), "<noscript>"));
  data.plots = {plot_of({{0, 1}})};
  const std::string html = render_report(data);
  CHECK(has(html, "<noscript><p class=\"card silent\">Curves are drawn by the page's script"));
  CHECK(has(html, "<figure class=\"card chart\" data-kind=\"plot\" hidden>"));
}

TEST_CASE("the best of a column is bold, a teacher's aside", "[report]") {
  ReportData data;
  data.table.results = {{"S", "bicubic", {30, 0.8}, {}},
                        {"S", "student", {31.5, 0.9}, {}},
                        {"S", "teacher", {40, 0.99}, {}}};
  ReportModel teacher;
  teacher.name = "teacher";
  teacher.sees_truth = true;
  data.models = {teacher};
  data.highlighted = "student";
  const std::string html = render_report(data);
  CHECK(count(html, "class=\"best\"") == 1);
  CHECK(has(html, "class=\"best\">31.50"));
  CHECK(has(html, "<span class=\"up\">+1.50</span> dB"));
}

TEST_CASE("the piece to look at is where bicubic interpolation is furthest off", "[report]") {
  // Flat but for stripes at the lower right.
  ImagePair pair;
  pair.name = "stripes";
  pair.high = Image8(300, 200, 3);
  for (int y = 140; y < 190; ++y) {
    for (int x = 220; x < 290; ++x) {
      for (int c = 0; c < 3; ++c) {
        pair.high.at(x, y, c) = x % 2 == 1 ? 255 : 0;
      }
    }
  }
  pair.low = Image8(150, 100, 3);
  Fsrcnn network;
  randomise(network, 1);
  Context context;
  const ReportComparison comparison =
      compare_pictures(context, pair, Protocol::pisr, {{"mine", &network}});
  REQUIRE(comparison.pictures.size() == 3);
  CHECK(comparison.pictures[0].label == "HR");
  CHECK(!comparison.pictures[0].score);
  CHECK(comparison.pictures[1].label == "Bicubic");
  CHECK(comparison.pictures[1].score->psnr > 0);
  CHECK(comparison.pictures[2].label == "mine");
  for (const ReportPicture& picture : comparison.pictures) {
    CHECK(picture.image.width == 120);
    CHECK(picture.image.height == 90);
    CHECK(picture.image.channels == 3);
  }
  CHECK(comparison.left * 300 <= 221);
  CHECK((comparison.left + comparison.width) * 300 >= 290);
  CHECK(comparison.top * 200 <= 140);
  CHECK((comparison.top + comparison.height) * 200 >= 190);
  CHECK(comparison.overview.width <= 168);
  CHECK(comparison.overview.height <= 104);
}

TEST_CASE("metrics.csv is read by the names of its columns", "[report]") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "metrics.csv";
  CHECK(read_metrics(path).empty());
  std::ofstream(path) << "iteration,phase,extra,psnr,loss\n0,bicubic,,33.5,\n100,student,7,,0.25\n"
                         "200,student,7,x,1e-3\nbad,student,,,\n300,stud";
  const auto rows = read_metrics(path);
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].phase == "bicubic");
  CHECK(rows[0].psnr == 33.5);
  CHECK(std::isnan(rows[0].loss));
  CHECK(rows[1].iteration == 100);
  CHECK(rows[1].loss == 0.25);
  CHECK(std::isnan(rows[1].psnr));
  CHECK(std::isnan(rows[1].learning_rate));
  CHECK(rows[2].loss == 1e-3);
  std::ofstream(path) << "a,b\n1,2\n";
  CHECK_THROWS_AS(read_metrics(path), Error);
}

TEST_CASE("a report of several runs names the baseline of equal updates", "[report]") {
  const TemporaryFolder folder;
  TrainConfig config;
  const auto make_run = [&](const char* run, const char* metrics, auto&&... save) {
    std::filesystem::create_directory(folder.path() / run);
    std::ofstream(folder.path() / run / "config.json") << config_json(config);
    std::ofstream(folder.path() / run / "metrics.csv") << metrics;
    (save(folder.path() / run), ...);
  };
  Fsrcnn network;
  randomise(network, 3);
  Teacher teacher(fsrcnn_spec());
  randomise(teacher, 4);
  const char* header = "phase,iteration,loss,reconstruction,auxiliary,iterations_per_second,psnr\n";
  const auto metrics = [&](const std::string& rows) { return header + rows; };
  make_run("short",
           metrics("bicubic,0,,,,,30\nbaseline,50,.1,.1,0,10,\nbaseline,50,,,,,31\n").c_str(),
           [&](const auto& run) { save_weights(run / "baseline.safetensors", network); });
  make_run("long", metrics("baseline,70,.1,.1,0,10,\n").c_str(),
           [&](const auto& run) { save_weights(run / "baseline_last.safetensors", network); });
  make_run("pisr", metrics("teacher,20,.2,.1,.3,2,\nstudent,50,.1,.1,-4,10,\n").c_str(),
           [&](const auto& run) {
             save_weights(run / "teacher.safetensors", teacher);
             save_weights(run / "student.safetensors", network);
           });
  std::filesystem::create_directory(folder.path() / "none");

  const std::vector<EvaluationSet> sets = {{"leaves", built_in_dataset(1, 0, 2, 48, 2, 1)}};
  ReportRequest request;
  request.runs = {folder.path() / "pisr", folder.path() / "long", folder.path() / "short"};
  request.sets = sets;
  ThreadPool pool(1);
  Context context(pool);
  const ReportData data = gather_report(context, pool, request);
  CHECK(data.title == "pisr, long, short");
  REQUIRE(data.models.size() == 5);
  const std::vector<std::string> labels = {"Bicubic", "Baseline", "Baseline, equal updates",
                                           "Teacher", "Student"};
  const std::vector<std::string> names = {"bicubic", "short/baseline", "long/baseline", "teacher",
                                          "student"};
  const std::vector<std::int64_t> updates = {0, 50, 70, 20, 70};
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(data.models[i].label == labels[i]);
    CHECK(data.models[i].name == names[i]);
    CHECK(data.models[i].updates == updates[i]);
    CHECK(data.models[i].sees_truth == (i == 3));
  }
  CHECK(data.highlighted == "student");
  CHECK(data.compared == std::vector<std::string>{"short/baseline", "long/baseline"});
  CHECK(data.table.results.size() == 5);
  REQUIRE(data.comparisons.size() == 2);
  CHECK(data.comparisons[0].pictures.size() == 5);
  // 20 / 2 + 50 / 10 + 70 / 10 + 50 / 10 seconds.
  CHECK(has(data.summary, "in 27 s."));
  REQUIRE(!data.plots.empty());
  CHECK(has(data.summary, "Baseline 50, Baseline, equal updates 70, Teacher 20, Student 50"));

  const auto page = folder.path() / "page.html";
  write_report(page, data);
  CHECK(read_text(page) == render_report(data));

  // A run on RGB has its own protocol, so it is not in one table with others.
  const std::filesystem::path coloured = folder.path() / "coloured";
  std::filesystem::create_directory(coloured);
  std::ofstream(coloured / "config.json")
      << R"({"network": {"architecture": "plain", "colour": "rgb", "c": 2, "n": 1}})";
  Plain rgb({.feature_channels = 2, .layers = 1, .channels = 3});
  initialise(rgb, 1);
  save_weights(coloured / "student.safetensors", rgb);
  request.runs = {coloured};
  const ReportData on_rgb = gather_report(context, pool, request);
  CHECK(on_rgb.table.protocol == Protocol::rgb);
  REQUIRE(on_rgb.table.results.size() == 2);
  const EvaluationResult wanted = evaluate(context, pool, sets[0], Protocol::rgb, "student", rgb);
  CHECK(on_rgb.table.results[0].mean.psnr ==
        evaluate_bicubic(pool, sets[0], Protocol::rgb).mean.psnr);
  CHECK(on_rgb.table.results[1].mean.psnr == wanted.mean.psnr);
  REQUIRE(on_rgb.comparisons.size() == 2);
  REQUIRE(on_rgb.comparisons[0].pictures.size() == 3);
  CHECK(on_rgb.comparisons[0].pictures[2].image.channels == 3);
  const auto pictured = std::ranges::find_if(wanted.images, [&](const ImageResult& image) {
    return image.name == on_rgb.comparisons[0].name;
  });
  REQUIRE(pictured != wanted.images.end());
  CHECK(on_rgb.comparisons[0].pictures[2].score->psnr == pictured->score.psnr);
  CHECK(has(render_report(on_rgb), "protocol <b>rgb</b>"));
  request.runs = {folder.path() / "short", coloured};
  CHECK_THROWS_WITH(gather_report(context, pool, request),
                    "report: all runs must be on luminance or all on RGB, 'short' and 'coloured' "
                    "differ");

  request.runs = {folder.path() / "none"};
  CHECK_THROWS_AS(gather_report(context, pool, request), Error);
  request.runs = {};
  CHECK_THROWS_AS(gather_report(context, pool, request), Error);
}
