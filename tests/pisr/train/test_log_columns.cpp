// Every number that a run shows, in train.log, metrics.csv and TensorBoard's curves, is the one
// that its name says.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "pisr/train/run_metrics.h"
#include "pisr/train/training_log.h"
#include "tests/catch.h"
#include "tests/pisr/train/event_file.h"
#include "tests/pisr/train/small_run.h"
#include "tests/temporary_folder.h"

namespace pisr {
namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

/// The cells of a row by the names in the first line of the file.
using CsvRow = std::map<std::string, std::string>;

std::vector<CsvRow> read_csv(const fs::path& path) {
  std::istringstream lines(read_text(path));
  std::vector<std::string> header;
  std::vector<CsvRow> rows;
  for (std::string line; std::getline(lines, line);) {
    std::vector<std::string> cells(1);
    for (const char character : line) {
      if (character == ',') {
        cells.emplace_back();
      } else {
        cells.back() += character;
      }
    }
    if (header.empty()) {
      header = cells;
      continue;
    }
    REQUIRE(cells.size() == header.size());
    CsvRow& row = rows.emplace_back();
    for (std::size_t i = 0; i < cells.size(); ++i) {
      row[header[i]] = cells[i];
    }
  }
  return rows;
}

/// The points of all curves of a run by tag and step.
std::map<std::pair<std::string, std::int64_t>, float> read_curves(const fs::path& run) {
  std::map<std::pair<std::string, std::int64_t>, float> points;
  for (const auto& file : fs::directory_iterator(run / "tb")) {
    for (const std::string& record : read_records(file.path())) {
      if (fields_of(record).contains(5)) {  // a point
        const Point point = point_of(record);
        CHECK(points.emplace(std::pair(point.tag, point.step), point.value).second);
      }
    }
  }
  return points;
}

/// No two numbers are alike.
StepReport odd_report(TrainingPhase phase, const char* auxiliary) {
  StepReport report;
  report.phase = phase;
  report.iteration = 1234;
  report.total_iter = 5678;
  report.values = {0.5125, 0.25, auxiliary == std::string() ? 0 : 3.5, 7.25};
  report.auxiliary_name = auxiliary;
  report.learning_rate = 0.000625;
  report.iterations_per_second = 12.5;
  report.eta_seconds = 3599;
  report.data_share = 0.375;
  return report;
}

ValidationReport odd_validation(TrainingPhase phase, bool best) {
  return {phase, 1300, "Some set", {31.25, 0.875}, {29.5, 0.75}, best};
}

TEST_CASE("log: what it says of updates and validations", "[log]") {
  CHECK(to_text(odd_report(TrainingPhase::teacher, "imitation")) ==
        "teacher 1234/5678  loss 0.51250 (L1 0.25000, imitation 3.5)  lr 0.000625  12.50 it/s  "
        "ETA 59:59  data 38%");
  StepReport baseline = odd_report(TrainingPhase::baseline, "");
  baseline.eta_seconds = 3601;
  CHECK(to_text(baseline) ==
        "baseline 1234/5678  loss 0.51250  lr 0.000625  12.50 it/s  ETA 1:00:01  data 38%");
  StepReport student = odd_report(TrainingPhase::student, "distillation");
  student.eta_seconds = 62;
  CHECK(to_text(student) ==
        "student 1234/5678  loss 0.51250 (L1 0.25000, distillation 3.5)  lr 0.000625  12.50 it/s  "
        "ETA 1:02  data 38%");
  student.eta_seconds = 36.0 * 3600 + 5 * 60 + 7;
  CHECK(to_text(student).find("ETA 36:05:07  ") != std::string::npos);
  student.eta_seconds = INFINITY;
  CHECK(to_text(student).find("ETA ?  ") != std::string::npos);
  CHECK(to_text(odd_validation(TrainingPhase::student, true)) ==
        "student 1300: Some set PSNR 31.250 SSIM 0.8750 (bicubic 29.500 0.7500), best so far");
  CHECK(to_text(odd_validation(TrainingPhase::baseline, false)) ==
        "baseline 1300: Some set PSNR 31.250 SSIM 0.8750 (bicubic 29.500 0.7500)");
}

TEST_CASE("log: each number stands under its name", "[log]") {
  for (const auto& [phase, auxiliary] :
       {std::pair(TrainingPhase::baseline, ""), std::pair(TrainingPhase::teacher, "imitation"),
        std::pair(TrainingPhase::student, "distillation")}) {
    const std::string name = phase_name(phase);
    const bool has_auxiliary = auxiliary != std::string();
    CAPTURE(name);
    const TemporaryFolder folder;
    const RunDirectory run(folder.path() / "run", RunMode::fresh);
    {
      TrainingLog log(run);
      log.line("a line");
      log.bicubic({29.5, 0.75});
      log.step(odd_report(phase, auxiliary));
      log.validation(odd_validation(phase, true));
    }
    CHECK(read_csv(run.metrics()) ==
          std::vector<CsvRow>{{{"phase", "bicubic"},
                               {"iteration", "0"},
                               {"loss", ""},
                               {"reconstruction", ""},
                               {"auxiliary", ""},
                               {"gradient_norm", ""},
                               {"learning_rate", ""},
                               {"iterations_per_second", ""},
                               {"data_share", ""},
                               {"psnr", "29.50000"},
                               {"ssim", "0.750000"}},
                              {{"phase", name},
                               {"iteration", "1234"},
                               {"loss", "0.5125"},
                               {"reconstruction", "0.25"},
                               {"auxiliary", has_auxiliary ? "3.5" : "0"},
                               {"gradient_norm", "7.25"},
                               {"learning_rate", "0.000625"},
                               {"iterations_per_second", "12.5"},
                               {"data_share", "0.375"},
                               {"psnr", ""},
                               {"ssim", ""}},
                              {{"phase", name},
                               {"iteration", "1300"},
                               {"loss", ""},
                               {"reconstruction", ""},
                               {"auxiliary", ""},
                               {"gradient_norm", ""},
                               {"learning_rate", ""},
                               {"iterations_per_second", ""},
                               {"data_share", ""},
                               {"psnr", "31.25000"},
                               {"ssim", "0.875000"}}});

    std::map<std::pair<std::string, std::int64_t>, float> curves{
        {{name + "/loss", 1234}, 0.5125F},
        {{name + "/reconstruction", 1234}, 0.25F},
        {{name + "/gradient_norm", 1234}, 7.25F},
        {{name + "/learning_rate", 1234}, 0.000625F},
        {{name + "/iterations_per_second", 1234}, 12.5F},
        {{name + "/psnr", 1300}, 31.25F},
        {{name + "/ssim", 1300}, 0.875F}};
    if (has_auxiliary) {
      curves[{name + "/" + auxiliary, 1234}] = 3.5F;
    }
    CHECK(read_curves(run.path()) == curves);

    std::istringstream lines(read_text(run.log()));
    std::vector<std::string> texts;
    for (std::string line; std::getline(lines, line);) {
      texts.push_back(line.substr(20));  // "2024-05-17 12:34:56 "
    }
    CHECK(texts == std::vector<std::string>{"a line", to_text(odd_report(phase, auxiliary)),
                                            to_text(odd_validation(phase, true))});

    // And is read from there.
    const std::vector<MetricsRow> rows = read_metrics(run.metrics());
    REQUIRE(rows.size() == 3);
    CHECK(rows[1].phase == name);
    CHECK(rows[1].iteration == 1234);
    CHECK(rows[1].loss == 0.5125);
    CHECK(rows[1].reconstruction == 0.25);
    CHECK(rows[1].auxiliary == (has_auxiliary ? 3.5 : 0));
    CHECK(rows[1].learning_rate == 0.000625);
    CHECK(rows[1].iterations_per_second == 12.5);
    CHECK(std::isnan(rows[1].psnr));
    CHECK(std::isnan(rows[1].ssim));
    CHECK(rows[2].psnr == 31.25);
    CHECK(rows[2].ssim == 0.875);
    CHECK(std::isnan(rows[2].loss));
  }
}

TEST_CASE("log: bicubic interpolation is written once a file", "[log]") {
  const TemporaryFolder folder;
  const RunDirectory run(folder.path() / "run", RunMode::fresh);
  for (int i = 0; i < 2; ++i) {
    TrainingLog log(run);
    log.bicubic({29.5, 0.75});
    log.bicubic({28.5, 0.5});
  }
  CHECK(read_csv(run.metrics()).size() == 1);
}

/// A number of a report as its cell has it.
bool is_cell(const std::string& cell, double value, double digits) {
  return std::abs(std::stod(cell) - value) <=
         std::pow(10, -digits) * std::max(1e-9, std::abs(value));
}

TEST_CASE("log: a run's files and curves hold what it reported, and that is what happened",
          "[log]") {
  const TemporaryFolder folder;
  const fs::path out = folder.path() / "run";
  const TrainConfig config =
      smallest_config({"train.phase=all", "train.total_iter=5", "train.print_freq=3",
                       "val.val_freq=4", "train.learning_rate=0.004",
                       "train.final_learning_rate=0.001", "train.student.learning_rate=0.002",
                       "train.distillation_weight=0.1", "train.imitation_weight=0.1"});
  const Told told = told_by_training(config, out);
  REQUIRE(told.steps.size() == 10);
  REQUIRE(told.reports.size() == 4);
  REQUIRE(told.validations.size() == 4);
  const std::vector<CsvRow> rows = read_csv(out / "metrics.csv");
  REQUIRE(rows.size() == 9);
  const auto curves = read_curves(out);
  CHECK(curves.size() == 4 * 6 + 4 * 2);
  const std::string log = read_text(out / "train.log");

  std::size_t step = 0;
  for (const StepReport& report : told.reports) {
    const std::string phase = phase_name(report.phase);
    CAPTURE(phase, report.iteration);
    // The means of the updates since the last report, with the rate and place of the last of them.
    kernels::StepValues sum;
    int count = 0;
    for (; step < told.steps.size() && told.steps[step].phase == report.phase &&
           told.steps[step].iteration <= report.iteration;
         ++step, ++count) {
      const StepReport& one = told.steps[step];
      CHECK(one.iteration == static_cast<std::int64_t>(step % 5) + 1);
      CHECK(one.total_iter == 5);
      CHECK(one.auxiliary_name == std::string(report.auxiliary_name));
      const double first = report.phase == TrainingPhase::teacher ? 0.004 : 0.002;
      CHECK(one.learning_rate ==
            Approx(0.001 + (first - 0.001) *
                               (1 + std::cos(3.14159265358979 *
                                             static_cast<double>(one.iteration - 1) / 5)) /
                               2));
      CHECK(one.values.loss == Approx(one.values.reconstruction + 0.1 * one.values.auxiliary));
      sum.loss += one.values.loss;
      sum.reconstruction += one.values.reconstruction;
      sum.auxiliary += one.values.auxiliary;
      sum.gradient_norm += one.values.gradient_norm;
    }
    REQUIRE(count == (report.iteration == 3 ? 3 : 2));
    const StepReport& last = told.steps[step - 1];
    CHECK(report.iteration == last.iteration);
    CHECK(report.learning_rate == last.learning_rate);
    CHECK(report.values.loss == Approx(sum.loss / count));
    CHECK(report.values.reconstruction == Approx(sum.reconstruction / count));
    CHECK(report.values.auxiliary == Approx(sum.auxiliary / count));
    CHECK(report.values.gradient_norm == Approx(sum.gradient_norm / count));
    CHECK(report.auxiliary_name ==
          std::string(report.phase == TrainingPhase::teacher ? "imitation" : "distillation"));
    CHECK(report.iterations_per_second > 0);
    CHECK(report.eta_seconds ==
          Approx(static_cast<double>(5 - report.iteration) / report.iterations_per_second));
    CHECK(report.data_share > 0);
    CHECK(report.data_share < 1);

    const auto row = std::ranges::find_if(rows, [&](const CsvRow& cells) {
      return cells.at("phase") == phase &&
             cells.at("iteration") == std::to_string(report.iteration) && !cells.at("loss").empty();
    });
    REQUIRE(row != rows.end());
    CHECK(is_cell(row->at("loss"), report.values.loss, 6));
    CHECK(is_cell(row->at("reconstruction"), report.values.reconstruction, 6));
    CHECK(is_cell(row->at("auxiliary"), report.values.auxiliary, 6));
    CHECK(is_cell(row->at("gradient_norm"), report.values.gradient_norm, 4));
    CHECK(is_cell(row->at("learning_rate"), report.learning_rate, 5));
    CHECK(is_cell(row->at("iterations_per_second"), report.iterations_per_second, 3));
    CHECK(std::abs(std::stod(row->at("data_share")) - report.data_share) <= 0.00051);
    CHECK(log.find(" " + to_text(report) + "\n") != std::string::npos);
    const auto curve = [&](const std::string& tag) {
      return static_cast<double>(curves.at({phase + "/" + tag, report.iteration}));
    };
    for (const std::string column :
         {"loss", "reconstruction", "gradient_norm", "learning_rate", "iterations_per_second"}) {
      CAPTURE(column);
      CHECK(is_cell(row->at(column), curve(column), 3));
    }
    CHECK(is_cell(row->at("auxiliary"), curve(report.auxiliary_name), 3));
  }
  CHECK(step == told.steps.size());

  for (const ValidationReport& report : told.validations) {
    const std::string phase = phase_name(report.phase);
    const auto row = std::ranges::find_if(rows, [&](const CsvRow& cells) {
      return cells.at("phase") == phase &&
             cells.at("iteration") == std::to_string(report.iteration) && cells.at("loss").empty();
    });
    REQUIRE(row != rows.end());
    CHECK(is_cell(row->at("psnr"), report.score.psnr, 6));
    CHECK(is_cell(row->at("ssim"), report.score.ssim, 5));
    CHECK(is_cell(row->at("psnr"),
                  static_cast<double>(curves.at({phase + "/psnr", report.iteration})), 6));
    CHECK(is_cell(row->at("ssim"),
                  static_cast<double>(curves.at({phase + "/ssim", report.iteration})), 5));
    CHECK(log.find(" " + to_text(report) + "\n") != std::string::npos);
    CHECK(report.score.psnr > 1);
    CHECK(report.score.ssim < 1);
  }
  CHECK(rows.front().at("phase") == "bicubic");
  CHECK(is_cell(rows.front().at("psnr"), told.validations.front().bicubic.psnr, 6));
  CHECK(is_cell(rows.front().at("ssim"), told.validations.front().bicubic.ssim, 5));
  for (const std::string& line : told.lines) {
    CHECK(log.find(" " + line + "\n") != std::string::npos);
  }
}

TEST_CASE("log: skipped updates have a line and no part in the means", "[log]") {
  const TemporaryFolder folder;
  // The first update leads so far off that the next ones cannot be made.
  const TrainConfig config =
      smallest_config({"train.learning_rate=1e30", "train.final_learning_rate=1e30",
                       "val.val_freq=1000", "train.save_checkpoint_freq=1000",
                       "train.max_bad_steps=3", "train.print_freq=2", "train.total_iter=100"});
  const fs::path out = folder.path() / "run";
  CHECK_THROWS_AS(told_by_training(config, out), Error);
  const std::vector<CsvRow> rows = read_csv(out / "metrics.csv");
  REQUIRE(rows.size() >= 2);
  CHECK(rows[1].at("iteration") == "2");
  const double loss = std::stod(rows[1].at("loss"));
  CHECK(loss > 0);
  CHECK(loss < 10);  // of the first update alone, not halved by the second
  const Told first =
      told_by_training(smallest_config({"train.total_iter=1"}), folder.path() / "one");
  CHECK(loss == Approx(first.steps.front().values.loss));
  CHECK(read_text(out / "train.log").find("baseline iteration 2 skipped: ") != std::string::npos);
}

TEST_CASE("log: what a run says of its data and its size", "[log]") {
  const TemporaryFolder folder;
  const TrainConfig config = smallest_config({"train.total_iter=2", "train.phase=teacher"});
  const Told told = told_by_training(config, folder.path() / "run");
  const PhaseModel model(config, TrainingPhase::teacher);
  std::vector<std::string> wanted{
      "seed 5, 1 thread",
      message("teacher: ", model.parameters().count(), " parameters to train, 2 iterations")};
  const TrainingData& data = training_images(config);
  for (const std::string& source : data.train.sources) {
    wanted.push_back("training data: " + source);
  }
  for (const std::string& source : data.validation.data.sources) {
    wanted.push_back("validation data: " + source);
  }
  std::vector<std::string> got = told.lines;
  std::ranges::sort(wanted);
  std::ranges::sort(got);
  CHECK(got == wanted);
  // Counts and sizes of the images are theirs.
  CHECK(data.train.sources.front().find("3") != std::string::npos);
  CHECK(data.train.sources.front().find("32") != std::string::npos);
}

}  // namespace
}  // namespace pisr
