// Figures 3 and 4 of the paper: spectra, histograms, compact features, quality against cost.

#include <algorithm>
#include <cmath>
#include <complex>
#include <filesystem>
#include <fstream>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/context.h"
#include "core/parallel.h"
#include "pisr/data/dead_leaves.h"
#include "pisr/eval/evaluate.h"
#include "pisr/image/imresize.h"
#include "pisr/image/luma.h"
#include "pisr/model/architectures.h"
#include "pisr/model/encoder.h"
#include "pisr/model/network_list.h"
#include "pisr/model/published_results.h"
#include "pisr/model/teacher.h"
#include "pisr/model/weights.h"
#include "pisr/report/report.h"
#include "pisr/report/report_compact.h"
#include "pisr/report/report_comparison.h"
#include "pisr/report/report_run.h"
#include "pisr/report/report_timing.h"
#include "pisr/report/spectrum.h"
#include "pisr/train/config.h"
#include "tests/catch.h"
#include "tests/pisr/eval/result_of.h"
#include "tests/pisr/image/images.h"
#include "tests/pisr/train/small_run.h"
#include "tests/temporary_folder.h"
#include "tests/thrown.h"

namespace pisr {
namespace {

Plane noisy_plane(int width, int height) {
  Plane plane(width, height, 1);
  const auto bytes = noise<std::uint8_t>(width, height, 1);
  std::copy(bytes.samples.begin(), bytes.samples.end(), plane.samples.begin());
  return plane;
}

TEST_CASE("a spectrum is the naive sum at v = 0", "[report]") {
  for (const auto& [width, height] : {std::pair{1, 1}, {2, 3}, {7, 5}, {12, 1}, {33, 20}}) {
    CAPTURE(width, height);
    const Plane plane = noisy_plane(width, height);
    const std::vector<double> got = spectrum_along_u(plane);
    REQUIRE(got.size() == static_cast<std::size_t>(width / 2 + 1));
    for (std::size_t u = 0; u < got.size(); ++u) {
      std::complex<double> sum = 0;
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
          const double turn = -2 * std::numbers::pi * static_cast<double>(u) * x / width;
          sum += plane.at(x, y) * std::complex<double>(std::cos(turn), std::sin(turn));
        }
      }
      CHECK(got[u] == Approx(std::abs(sum) / (width * height)).margin(1e-9));
    }
  }
}

TEST_CASE("the spectrum of a wave is one line, whatever the number of its pixels", "[report]") {
  for (const int width : {32, 64}) {
    Plane plane(width, 4, 1);
    for (int y = 0; y < 4; ++y) {
      for (int x = 0; x < width; ++x) {
        plane.at(x, y) = 100 + 10 * std::cos(2 * std::numbers::pi * 3 * x / width);
      }
    }
    const std::vector<double> got = spectrum_along_u(plane);
    for (std::size_t u = 0; u < got.size(); ++u) {
      CHECK(got[u] == Approx(u == 0 ? 100 : u == 3 ? 5 : 0).margin(1e-9));
    }
  }
}

TEST_CASE("a histogram counts each value once", "[report]") {
  Plane plane(5, 2, 1);
  plane.samples = {0, 63, 64, 127.4, 127.5, 255, 255, -0.1, 255.1, NAN};
  const Histogram got = histogram_of(plane, 4);
  REQUIRE(got.shares.size() == 4);
  CHECK(got.shares[0] == Approx(0.2));
  CHECK(got.shares[1] == Approx(0.2));
  CHECK(got.shares[2] == Approx(0.1));
  CHECK(got.shares[3] == Approx(0.2));
  CHECK(got.outside == Approx(0.3));
}

/// X^ of luminance on 0..255 by the encoder itself.
Plane encoded(const Encoder& encoder, const Plane& high) {
  Context context;
  Tape tape(context, Tape::Mode::inference);
  const Tensor input = Tensor::empty({1, 1, high.height, high.width}, DType::f32);
  for (std::size_t i = 0; i < high.samples.size(); ++i) {
    input.data<float>()[i] = static_cast<float>(high.samples[i] / 255);
  }
  const Tensor made = encoder.forward(tape.constant(input)).value();
  Plane compact(static_cast<int>(made.shape()[3]), static_cast<int>(made.shape()[2]), 1);
  for (std::size_t i = 0; i < compact.samples.size(); ++i) {
    compact.samples[i] = 255.0 * made.data<float>()[i];
  }
  return compact;
}

TEST_CASE("figure 3 shows X, what each encoder makes of Y, and Y", "[report]") {
  const TrainConfig config = smallest_config();
  const auto first = drawn_teacher(config, 3);
  const auto second = drawn_teacher(config, 4);
  ImagePair pair;
  pair.name = "leaves";
  pair.high = dead_leaves(1, 0, 140, 100);
  pair.low = downscale(pair.high, 2);
  ReportComparison piece;
  piece.left = 11.0 / 140;  // odd: the piece begins at a multiple of the scale
  piece.top = 7.0 / 100;
  piece.width = 120.0 / 140;
  piece.height = 90.0 / 100;
  Context context;
  const ReportCompact got =
      show_compact(context, pair, Protocol::pisr, piece,
                   {{"one", 1, first->encoder()}, {"two", 4, second->encoder()}});
  CHECK(got.name == "leaves");
  CHECK(got.width == 140);
  CHECK(got.height == 100);
  const Plane high = luma(pair.high);
  const Plane low = luma(pair.low);
  const std::vector<Plane> planes = {low, encoded(*first->encoder(), high),
                                     encoded(*second->encoder(), high), high};
  REQUIRE(got.pictures.size() == 4);
  CHECK(got.pictures[0].label == "X, low resolution");
  CHECK(got.pictures[1].label == "X\xCC\x82, one");
  CHECK(got.pictures[3].label == "Y, the truth");
  CHECK(largest_difference(got.pictures[0].image, to_image8(crop(low, 6, 4, 60, 45))) == 0);
  CHECK(largest_difference(got.pictures[3].image, to_image8(crop(high, 12, 8, 120, 90))) == 0);
  CHECK(got.pictures[1].image.width == 60);

  REQUIRE(got.spectrum.curves.size() == 4);
  REQUIRE(got.histogram.curves.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CAPTURE(i);
    const std::vector<double> spectrum = spectrum_along_u(planes[i]);
    const std::vector<PlotPoint>& points = got.spectrum.curves[i].points;
    // From u = 1 to the highest frequency of X.
    REQUIRE(points.size() == 35);
    for (std::size_t u = 1; u <= 35; ++u) {
      CHECK(points[u - 1].x == Approx(static_cast<double>(u) / 70));
      CHECK(points[u - 1].y == Approx(spectrum[u] / 255).epsilon(1e-5));
    }
    double sum = 0;
    for (const PlotPoint& point : got.histogram.curves[i].points) {
      sum += point.y;
    }
    CHECK(sum == Approx(100 * (1 - histogram_of(planes[i], 1).outside)).margin(1e-6));
  }
  CHECK(got.spectrum.curves[1].colour == 1);
  CHECK(got.spectrum.curves[2].colour == 4);
  CHECK(got.spectrum.curves[3].colour == kTruthColour);
}

TEST_CASE("figure 3: values that no picture has are stretched, which is said", "[report]") {
  const TrainConfig config = smallest_config();
  const auto teacher = drawn_teacher(config);
  for (const NamedParameter& named : teacher->encoder()->parameters()) {
    if (named.name == "compact.bias") {
      named.parameter->value.values<float>()[0] = -3;
    }
  }
  ImagePair pair;
  pair.name = "leaves";
  pair.high = dead_leaves(1, 0, 40, 40);
  pair.low = downscale(pair.high, 2);
  Context context;
  const ReportCompact got = show_compact(context, pair, Protocol::pisr, ReportComparison{},
                                         {{"far off", 1, teacher->encoder()}});
  REQUIRE(got.pictures.size() == 3);
  CHECK(contains(got.pictures[1].note, ", shown as black to white"));
  CHECK(contains(got.pictures[1].note, "values -"));
  CHECK(!contains(got.pictures[0].note, "black"));
  const auto& samples = got.pictures[1].image.samples;
  CHECK(*std::min_element(samples.begin(), samples.end()) == 0);
  CHECK(*std::max_element(samples.begin(), samples.end()) == 255);
  CHECK(contains(got.histogram.curves[1].name, "(100 % outside)"));
}

TEST_CASE("figure 3 of an image larger than its window", "[report]") {
  const TrainConfig config = smallest_config();
  const auto teacher = drawn_teacher(config);
  ImagePair pair;
  pair.name = "large";
  pair.high = dead_leaves(1, 0, 900, 50);
  pair.low = downscale(pair.high, 2);
  ReportComparison piece;
  piece.left = 780.0 / 900;
  piece.width = 120.0 / 900;
  Context context;
  const ReportCompact got =
      show_compact(context, pair, Protocol::pisr, piece, {{"one", 1, teacher->encoder()}});
  CHECK(got.width == 640);
  CHECK(got.height == 50);
  CHECK(largest_difference(got.pictures[2].image,
                           to_image8(crop(luma(pair.high), 780, 0, 120, 50))) == 0);
}

TEST_CASE("the published systems are those of table 2, counted as our networks are", "[report]") {
  CHECK_THROWS_AS(published_results(1), Error);
  CHECK_THROWS_AS(published_results(5), Error);
  for (const int scale : {2, 3, 4}) {
    CAPTURE(scale);
    const std::vector<PublishedResult> results = published_results(scale);
    CHECK(results.size() == 9);
    const std::vector<NetworkFacts> networks = network_list(1280, 720);
    for (const PublishedResult& result : results) {
      CAPTURE(result.name);
      CHECK(result.psnr > known_bicubic("Set5", 5, scale, Protocol::matlab)->psnr);
      CHECK(result.parameters > 10'000);
      // A network of ours has both counts: the table's to its last digit, IDN's and IMDN's x3 aside
      // (docs/networks.md).
      CHECK(std::ranges::any_of(networks, [&](const NetworkFacts& network) {
        return network.scale == scale && network.multiply_adds &&
               network.multiply_adds->exact == result.multiply_adds.exact &&
               std::abs(static_cast<double>(network.multiply_adds->paper) /
                            static_cast<double>(result.multiply_adds.paper) -
                        1) < 0.01;
      }));
    }
  }
}

ReportData costly_report() {
  ReportData data;
  data.table.scale = 2;
  data.table.results = {
      result_of("first", "bicubic", {30, 0.8}, {}), result_of("first", "mine", {31, 0.8}, {}),
      result_of("Set5", "bicubic", {33, 0.9}, {}), result_of("Set5", "mine", {35.5, 0.9}, {}),
      result_of("Set5", "seer", {40.5, 0.9}, {})};
  data.models.resize(3);
  data.models[0].name = "bicubic";
  data.models[1].name = "mine";
  data.models[1].label = "Mine";
  data.models[1].colour = 3;
  data.models[1].parameters = 12644;
  data.models[1].multiply_adds = MultiplyAdds{2'870'000'000, 6'010'000'000};
  data.models[2].name = "seer";
  data.models[2].sees_truth = true;
  return data;
}

nlohmann::json cost_json(const ReportData& data) {
  const std::string html = render_report(data);
  const std::size_t figure = html.find("data-kind=\"cost\"");
  if (figure == std::string::npos) {
    return nullptr;
  }
  const std::size_t begin = html.find("json\">", figure) + 6;
  return nlohmann::json::parse(html.substr(begin, html.find("</script>", begin) - begin));
}

TEST_CASE("figure 4 has the models that have a cost, on Set5 where it was measured", "[report]") {
  ReportData data = costly_report();
  CHECK(cost_set(data.table) == "Set5");
  auto json = cost_json(data);
  CHECK(json["y"] == "dB, Set5");
  CHECK(json["points"] == nlohmann::json::parse(R"([{"name": "Mine", "colour": 3,
      "published": false, "psnr": 35.5, "parameters": 12644, "paper": 6.01e9, "exact": 2.87e9,
      "ms": null}])"));
  REQUIRE(json["axes"].size() == 2);
  CHECK(json["axes"][0]["key"] == "paper");
  CHECK(json["axes"][1]["key"] == "exact");
  CHECK(contains(render_report(data), "<td>2.87 G<small>6.01 G in the paper's count</small></td>"));

  data.models[1].milliseconds = 4.25;
  data.published = {{"Other", 57000, {3, 4}, 36.5}};
  data.timing = "Times are so.";
  json = cost_json(data);
  REQUIRE(json["points"].size() == 2);
  CHECK(json["points"][0]["ms"] == 4.25);
  CHECK(json["points"][1] == nlohmann::json::parse(R"({"name": "Other", "colour": 8,
      "published": true, "psnr": 36.5, "parameters": 57000, "paper": 4, "exact": 3, "ms": null})"));
  REQUIRE(json["axes"].size() == 3);
  CHECK(json["axes"][2]["key"] == "ms");
  const std::string html = render_report(data);
  CHECK(contains(html, "Hollow circles are published systems"));
  CHECK(contains(html, "Times are so."));
  CHECK(contains(html, "<td>4.2 ms</td>"));
  CHECK(contains(html, "<td>Other</td><td>36.50</td><td>57,000</td>"));

  data.table.results.resize(2);
  CHECK(cost_set(data.table) == "first");
  data.models[1].multiply_adds.reset();
  CHECK(cost_json(data).is_null());
  CHECK(cost_set(EvaluationTable{}).empty());
}

TEST_CASE("times are those of whole outputs", "[report]") {
  const auto network = make_network(smallest_config().network);
  Context context;
  const double small = median_milliseconds(context, *network, 16, 16);
  CHECK(small > 0);
  CHECK(median_milliseconds(context, *network, 801, 800) > small);
}

TEST_CASE("a report of runs has figures 3 and 4", "[report]") {
  const TemporaryFolder folder;
  const auto make_run = [&](const char* name, const std::vector<std::string>& settings,
                            bool student) {
    const auto path = folder.path() / name;
    std::filesystem::create_directory(path);
    const TrainConfig config = smallest_config(settings);
    std::ofstream(path / "config.json") << config_json(config);
    save_weights(path / "teacher_last.safetensors", *drawn_teacher(config));
    if (student) {
      const auto network = make_network(config.network);
      initialise(*network, 1);
      save_weights(path / "student_last.safetensors", *network);
    }
    return path;
  };
  ReportRequest request;
  request.runs = {make_run("without", {"train.imitation_weight=0"}, false),
                  make_run("with", {"train.imitation_weight=0.25"}, true)};
  const std::vector<EvaluationSet> sets = {{"Set5", built_in_dataset(1, 0, 5, 48, 2, 1)}};
  request.sets = sets;
  ThreadPool pool(1);
  Context context(pool);
  ReportData data = gather_report(context, pool, request);
  REQUIRE(data.compact.size() == 1);
  REQUIRE(data.compact[0].pictures.size() == 4);
  CHECK(data.compact[0].name == data.comparisons[0].name);
  // With the imitation loss first.
  CHECK(data.compact[0].pictures[1].label == "X\xCC\x82, Teacher (with), imitation weight 0.25");
  CHECK(data.compact[0].pictures[2].label ==
        "X\xCC\x82, Teacher (without), without imitation loss");
  // These are not the images of Set5, so nothing published stands beside them.
  CHECK(data.published.empty());
  CHECK(data.timing.empty());
  for (const ReportModel& model : data.models) {
    CAPTURE(model.name);
    CHECK(model.milliseconds == 0);
    CHECK(model.multiply_adds.has_value() == (model.name == "student"));
  }
  CHECK(data.models.back().multiply_adds->exact ==
        make_network(smallest_config().network)->multiply_adds(1280, 720).exact);
  CHECK(contains(render_report(data), "What the encoder passes on"));

  request.time = true;
  data = gather_report(context, pool, request);
  CHECK(contains(data.timing, "with 1 thread,"));
  for (const ReportModel& model : data.models) {
    CHECK((model.milliseconds > 0) == (model.name == "student"));
  }

  // A teacher that another run has trained: its imitation weight is not known.
  const auto borrowed = folder.path() / "borrowed";
  std::filesystem::create_directory(borrowed);
  TrainConfig config = smallest_config();
  config.train.teacher_weights = (folder.path() / "with" / "teacher_last.safetensors").string();
  std::ofstream(borrowed / "config.json") << config_json(config);
  std::filesystem::copy_file(folder.path() / "with" / "student_last.safetensors",
                             borrowed / "student_last.safetensors");
  request.runs = {borrowed};
  request.time = false;
  data = gather_report(context, pool, request);
  REQUIRE(data.compact.size() == 1);
  REQUIRE(data.compact[0].pictures.size() == 3);
  CHECK(data.compact[0].pictures[1].label == "X\xCC\x82, Teacher");

  // Of a teacher without an encoder there is nothing to show.
  request.runs = {
      make_run("direct", {"train.hourglass=false", "train.weight_transfer=false"}, false)};
  CHECK(gather_report(context, pool, request).compact.empty());
}

}  // namespace
}  // namespace pisr
