// What the programs print: each number under its name, and equal to the one it stands for.

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/context.h"
#include "core/parallel.h"
#include "nn/init.h"
#include "pisr/data/dead_leaves.h"
#include "pisr/eval/evaluate.h"
#include "pisr/image/image_io.h"
#include "pisr/inference/upscaler.h"
#include "pisr/model/fsrcnn.h"
#include "pisr/model/plain.h"
#include "pisr/model/teacher.h"
#include "pisr/model/weights.h"
#include "pisr/train/config.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"
#include "tests/tools/run_program.h"

using namespace pisr;

namespace {

namespace fs = std::filesystem;

using Texts = std::vector<std::string>;

/// The lines of a text, each cut where there are two spaces or more.
std::vector<Texts> table_of(const std::string& text) {
  std::vector<Texts> rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    Texts& cells = rows.emplace_back();
    for (std::size_t at = 0; at < line.size();) {
      const std::size_t end = std::min(line.find("  ", at), line.size());
      cells.push_back(line.substr(at, end - at));
      at = std::min(line.find_first_not_of(' ', end), line.size());
    }
  }
  return rows;
}

std::string fixed(double value, int digits) {
  std::ostringstream text;
  text.precision(digits);
  text << std::fixed << value;
  return text.str();
}

/// Two sets of images, a network and a teacher that are not alike.
class Workplace {
 public:
  Workplace() {
    for (const char* set : {"One", "Two"}) {
      fs::create_directories(path() / "sets" / set / "HR");
    }
    write_image(path() / "sets/One/HR/a.png", dead_leaves(1, 0, 30, 26));
    write_image(path() / "sets/One/HR/b.png", dead_leaves(1, 1, 26, 34));
    write_image(path() / "sets/Two/HR/c.png", dead_leaves(1, 2, 28, 28));
    initialise(network_, 1);
    initialise(teacher_, 2);
    save_weights(path() / "student.safetensors", network_);
    save_weights(path() / "teacher.safetensors", teacher_);
  }
  const fs::path& path() const { return folder_.path(); }
  ProgramRun run(const std::string& program, const Texts& arguments) const {
    return run_program(path(), program, arguments);
  }
  const Fsrcnn& network() const { return network_; }
  /// Bicubic, the network and the teacher on the first set, then on the second.
  std::vector<EvaluationResult> evaluated(Protocol protocol) const {
    ThreadPool pool(1);
    Context context(pool);
    std::vector<EvaluationResult> results;
    for (const char* set : {"One", "Two"}) {
      const EvaluationSet images = load_evaluation_set(path() / "sets" / set, 2);
      results.push_back(evaluate_bicubic(pool, images, protocol));
      results.push_back(evaluate(context, pool, images, protocol, "student", network_));
      results.push_back(evaluate(context, pool, images, protocol, "teacher", teacher_));
    }
    return results;
  }

 private:
  TemporaryFolder folder_;
  Fsrcnn network_;
  Teacher teacher_{fsrcnn_spec()};
};

}  // namespace

TEST_CASE("pisr_eval's tables and JSON hold what evaluating gives", "[tools]") {
  const Workplace work;
  for (const Protocol protocol : {Protocol::pisr, Protocol::matlab}) {
    CAPTURE(name(protocol));
    fs::remove(work.path() / "r.json");
    Texts arguments{"-m",
                    "student.safetensors",
                    "teacher.safetensors",
                    "-d",
                    "sets",
                    "--json",
                    "r.json",
                    "--device",
                    "cpu"};
    if (protocol == Protocol::matlab) {  // pisr is the default
      arguments.insert(arguments.end(), {"-p", "matlab"});
    }
    const ProgramRun run = work.run("pisr_eval", arguments);
    REQUIRE(run.code == 0);
    const std::vector<EvaluationResult> wanted = work.evaluated(protocol);
    const auto json = nlohmann::json::parse(read_whole(work.path() / "r.json"));
    CHECK(json["protocol"] == name(protocol));
    REQUIRE(json["results"].size() == 6);
    std::vector<Texts> rows;
    std::vector<std::string> printed_times;
    for (std::size_t i = 0; i < 6; ++i) {
      const EvaluationResult& result = wanted[i];
      const auto& got = json["results"][i];
      CAPTURE(result.set, result.model);
      CHECK(got["set"] == result.set);
      CHECK(got["model"] == result.model);
      CHECK(got["psnr"].get<double>() == Approx(result.mean.psnr).epsilon(1e-9));
      CHECK(got["ssim"].get<double>() == Approx(result.mean.ssim).epsilon(1e-9));
      REQUIRE(got["images"].size() == result.images.size());
      if (i % 3 == 0) {
        rows.push_back({message(result.set, ", x2, protocol ", name(protocol), ", ",
                                result.images.size(), " images")});
        rows.push_back({"model", "image", "PSNR/dB", "SSIM", "ms"});
      }
      double milliseconds = 0;
      for (std::size_t k = 0; k < result.images.size(); ++k) {
        const auto& image = got["images"][k];
        const Score& score = result.images[k].score;
        CHECK(image["name"] == result.images[k].name);
        CHECK(image["psnr"].get<double>() == Approx(score.psnr).epsilon(1e-9));
        CHECK(image["ssim"].get<double>() == Approx(score.ssim).epsilon(1e-9));
        milliseconds += image["ms"].get<double>();
        rows.push_back({result.model, result.images[k].name, fixed(score.psnr, 3),
                        fixed(score.ssim, 4), fixed(image["ms"].get<double>(), 1)});
      }
      rows.push_back({result.model, "mean", fixed(result.mean.psnr, 3), fixed(result.mean.ssim, 4),
                      fixed(milliseconds / static_cast<double>(result.images.size()), 1)});
      if (i % 3 == 2) {
        rows.emplace_back();
      }
    }
    rows.push_back({message("Mean PSNR/SSIM, x2, protocol ", name(protocol),
                            "; MultiAdds for an output of 1280x720")});
    rows.push_back({"model", "One", "Two", "parameters", "MultiAdds (paper)", "MultiAdds (exact)"});
    const std::vector<Texts> sizes = {
        {"-", "-", "-"},
        {"12644", "6.01 G", "2.87 G"},
        {std::to_string(load_teacher(work.path() / "teacher.safetensors")->parameter_count()), "-",
         "-"}};
    for (std::size_t i = 0; i < 3; ++i) {
      Texts& row = rows.emplace_back(Texts{wanted[i].model});
      for (const std::size_t set : {std::size_t{0}, std::size_t{3}}) {
        const Score& mean = wanted[set + i].mean;
        row.push_back(fixed(mean.psnr, 3) + "/" + fixed(mean.ssim, 4));
      }
      row.insert(row.end(), sizes[i].begin(), sizes[i].end());
    }
    CHECK(table_of(run.out) == rows);
  }
}

TEST_CASE("pisr_eval's table of networks on luminance and on RGB names the protocol of each row",
          "[tools]") {
  const Workplace work;
  Plain rgb({.feature_channels = 3, .layers = 1, .channels = 3});
  initialise(rgb, 4);
  save_weights(work.path() / "rgb.safetensors", rgb);
  const ProgramRun run =
      work.run("pisr_eval", {"-m", "student.safetensors", "rgb.safetensors", "-d", "sets", "-p",
                             "matlab", "--json", "r.json", "--device", "cpu"});
  REQUIRE(run.code == 0);
  ThreadPool pool(1);
  Context context(pool);
  std::vector<EvaluationResult> wanted;
  for (const char* set : {"One", "Two"}) {
    const EvaluationSet images = load_evaluation_set(work.path() / "sets" / set, 2);
    wanted.push_back(evaluate_bicubic(pool, images, Protocol::matlab));
    wanted.push_back(evaluate_bicubic(pool, images, Protocol::rgb));
    wanted.push_back(evaluate(context, pool, images, Protocol::matlab, "student", work.network()));
    wanted.push_back(evaluate(context, pool, images, Protocol::rgb, "rgb", rgb));
  }
  const auto json = nlohmann::json::parse(read_whole(work.path() / "r.json"));
  CHECK(json["protocol"] == "matlab");
  REQUIRE(json["results"].size() == 8);
  const std::vector<Texts> table = table_of(run.out);
  const auto has_row = [&](const Texts& row) {
    return std::any_of(table.begin(), table.end(), [&](const Texts& cells) {
      return cells.size() >= row.size() && std::equal(row.begin(), row.end(), cells.begin());
    });
  };
  for (std::size_t i = 0; i < 8; ++i) {
    const EvaluationResult& result = wanted[i];
    const std::string protocol = i % 2 == 0 ? "matlab" : "rgb";
    CAPTURE(result.set, result.model, protocol);
    CHECK(json["results"][i]["model"] == result.model);
    CHECK(json["results"][i]["protocol"] == protocol);
    CHECK(json["results"][i]["psnr"].get<double>() == Approx(result.mean.psnr).epsilon(1e-9));
    CHECK(has_row(
        {result.model, protocol, "mean", fixed(result.mean.psnr, 3), fixed(result.mean.ssim, 4)}));
    if (i < 4) {
      const auto text = [](const Score& score) {
        return fixed(score.psnr, 3) + "/" + fixed(score.ssim, 4);
      };
      CHECK(has_row({result.model, protocol, text(result.mean), text(wanted[i + 4].mean)}));
    }
  }
  CHECK(has_row({"model", "protocol", "image", "PSNR/dB", "SSIM", "ms"}));
  CHECK(table[0] == Texts{"One, x2, protocols matlab and rgb, 2 images"});

  // Alone it leaves no protocol of luminance in the table.
  const ProgramRun alone = work.run("pisr_eval", {"-m", "rgb.safetensors", "-d", "sets/One"});
  CHECK(table_of(alone.out)[0] == Texts{"One, x2, protocol rgb, 2 images"});
  const ProgramRun refused =
      work.run("pisr_eval", {"-m", "student.safetensors", "-d", "sets/One", "-p", "rgb"});
  CHECK(refused.code == 2);
  CHECK(refused.err ==
        "pisr_eval: error: protocol rgb is for networks on RGB, 'student' is on luminance\n"
        "hint: protocols for luminance are pisr and matlab\n");
}

TEST_CASE("pisr_report prints what it measured, under the protocol that is asked for", "[tools]") {
  const Workplace work;
  fs::create_directory(work.path() / "run");
  std::ofstream(work.path() / "run/config.json") << config_json(TrainConfig{});
  for (const char* phase : {"student", "teacher"}) {
    fs::copy_file(work.path() / (std::string(phase) + ".safetensors"),
                  work.path() / "run" / (std::string(phase) + "_last.safetensors"));
  }
  for (const Protocol protocol : {Protocol::pisr, Protocol::matlab}) {
    const ProgramRun run = work.run("pisr_report", {"run", "-d", "sets", "-p", name(protocol), "-o",
                                                    "page.html", "--title", "A title"});
    REQUIRE(run.code == 0);
    const std::vector<EvaluationResult> wanted = work.evaluated(protocol);
    std::string lines;
    // The teacher comes before its student.
    for (const std::size_t i : {0, 2, 1, 3, 5, 4}) {
      const EvaluationResult& result = wanted[i];
      lines += message(result.set, ": ",
                       i % 3 == 0   ? "Bicubic"
                       : i % 3 == 1 ? "Student"
                                    : "Teacher (sees the truth: no super-resolution)",
                       " ", fixed(result.mean.psnr, 3), " dB / ", fixed(result.mean.ssim, 4), "\n");
    }
    CHECK(run.out == lines + "page.html\n");
    const std::string page = read_whole(work.path() / "page.html");
    CHECK(page.find("<h1>A title</h1>") != std::string::npos);
    CHECK(page.find(message("protocol <b>", name(protocol), "</b>")) != std::string::npos);
    CHECK(page.find(fixed(wanted[4].mean.psnr, 2)) != std::string::npos);
  }
}

TEST_CASE("pisr_upscale writes what the library makes of image, scale and quality", "[tools]") {
  const Workplace work;
  const Image8 image = dead_leaves(2, 0, 20, 16);
  write_image(work.path() / "in.png", image);
  Context context;
  const AnyImage wanted = upscale_image(context, work.network(), AnyImage{image});
  const auto written = [&](const std::string& output, const Texts& more) {
    Texts arguments{"-i", "in.png", "-o", output, "-m", "student.safetensors", "--overwrite"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    CHECK(work.run("pisr_upscale", arguments).code == 0);
    return read_whole(work.path() / output);
  };
  const auto encoded = [&](const std::string& extension, int quality) {
    WriteOptions options;
    options.jpeg_quality = quality;
    std::string text;
    for (const std::byte byte : encode_image(to_8_bit(wanted), extension, options)) {
      text += static_cast<char>(byte);
    }
    return text;
  };
  CHECK(written("out.png", {}) == encoded("png", 95));
  CHECK(written("out.jpg", {"--quality", "20"}) == encoded("jpg", 20));
  CHECK(written("out.jpg", {"--quality", "80"}) == encoded("jpg", 80));
  CHECK(written("out.jpg", {}) == encoded("jpg", 95));
  CHECK(encoded("jpg", 20) != encoded("jpg", 80));
  CHECK(written("out.bmp", {"--max-pixels", "1280"}) == encoded("bmp", 95));
}

TEST_CASE("pisr_train: --progress json has the numbers of metrics.csv", "[tools]") {
  const Workplace work;
  std::ofstream(work.path() / "small.json") << R"({
    "network": {"d": 4, "s": 3, "m": 1},
    "data": {"built_in": {"count": 1, "validation_count": 1, "size": 32}},
    "train": {"total_iter": 5, "batch_size": 2, "gt_size": 8, "print_freq": 3}, "threads": 1})";
  const ProgramRun run = work.run("pisr_train", {"-c", "small.json", "-o", "run", "--progress",
                                                 "json", "--set", "val.val_freq=4"});
  REQUIRE(run.code == 0);
  std::vector<nlohmann::json> steps;
  std::vector<nlohmann::json> validations;
  std::istringstream events(run.out);
  for (std::string line; std::getline(events, line);) {
    const auto event = nlohmann::json::parse(line);
    if (event["event"] == "step") {
      steps.push_back(event);
    } else if (event["event"] == "validation") {
      validations.push_back(event);
    } else {
      CHECK(event["event"] == "message");
      CHECK(event["text"].is_string());
    }
  }
  std::istringstream lines(read_whole(work.path() / "run/metrics.csv"));
  std::string line;
  std::getline(lines, line);
  REQUIRE(line ==
          "phase,iteration,loss,reconstruction,auxiliary,gradient_norm,learning_rate,"
          "iterations_per_second,data_share,psnr,ssim");
  const Texts columns{"phase",      "iteration",     "loss",          "reconstruction",
                      "auxiliary",  "gradient_norm", "learning_rate", "iterations_per_second",
                      "data_share", "psnr",          "ssim"};
  std::size_t step = 0;
  std::size_t validation = 0;
  std::string bicubic_psnr;
  std::string bicubic_ssim;
  while (std::getline(lines, line)) {
    std::map<std::string, std::string> row;
    std::istringstream cells(line + ",");
    for (const std::string& column : columns) {
      std::getline(cells, row[column], ',');
    }
    const auto check = [&](const nlohmann::json& got, const std::string& cell, double digits) {
      CAPTURE(line, cell);
      CHECK(std::abs(got.get<double>() - std::stod(cell)) <=
            std::pow(10, -digits) * std::max(1e-9, std::abs(std::stod(cell))));
    };
    if (row["phase"] == "bicubic") {
      bicubic_psnr = row["psnr"];
      bicubic_ssim = row["ssim"];
      continue;
    }
    if (row["loss"].empty()) {
      REQUIRE(validation < validations.size());
      const auto& event = validations[validation++];
      CHECK(event["phase"] == row["phase"]);
      CHECK(event["iteration"] == std::stoi(row["iteration"]));
      CHECK(event["set"] == "built-in held-out");
      CHECK(event["best"].is_boolean());
      check(event["psnr"], row["psnr"], 6);
      check(event["ssim"], row["ssim"], 5);
      check(event["bicubic_psnr"], bicubic_psnr, 6);
      check(event["bicubic_ssim"], bicubic_ssim, 5);
      CHECK(event.size() == 9);
      continue;
    }
    REQUIRE(step < steps.size());
    const auto& event = steps[step++];
    CHECK(event["phase"] == row["phase"]);
    CHECK(event["iteration"] == std::stoi(row["iteration"]));
    CHECK(event["total_iter"] == 5);
    check(event["loss"], row["loss"], 6);
    check(event["reconstruction"], row["reconstruction"], 6);
    check(event[row["phase"] == "teacher" ? "imitation" : "distillation"], row["auxiliary"], 6);
    check(event["gradient_norm"], row["gradient_norm"], 4);
    check(event["learning_rate"], row["learning_rate"], 5);
    check(event["iterations_per_second"], row["iterations_per_second"], 3);
    CHECK(std::abs(event["data_share"].get<double>() - std::stod(row["data_share"])) <= 0.00051);
    CHECK(event["eta_seconds"].get<double>() ==
          Approx((5 - std::stod(row["iteration"])) / event["iterations_per_second"].get<double>()));
    CHECK(event.size() == 12);
  }
  CHECK(step == 4);
  CHECK(step == steps.size());
  CHECK(validation == 4);
  CHECK(validation == validations.size());
  // The report of the run is of its validation images, under its protocol.
  CHECK(read_whole(work.path() / "run/report.html").find("built-in held-out") != std::string::npos);
  const ProgramRun other =
      work.run("pisr_train", {"-c", "small.json", "-o", "other", "--set", "val.protocol=matlab"});
  CHECK(other.out ==
        "teacher: best weights other/teacher.safetensors, weights of the last iteration "
        "other/teacher_last.safetensors\n"
        "student: best weights other/student.safetensors, weights of the last iteration "
        "other/student_last.safetensors\n"
        "report: other/report.html\n");
  CHECK(read_whole(work.path() / "other/report.html").find("protocol <b>matlab</b>") !=
        std::string::npos);
  // A value that differs from the checkpoint's is said, both ways.
  const ProgramRun resumed = work.run(
      "pisr_train", {"-o", "other", "--resume", "auto", "-q", "--set", "train.batch_size=3"});
  CHECK(resumed.err == "pisr_train: warning: train.batch_size was 2, now is 3\n");
}

TEST_CASE("pisr_train: each flag is the key that it stands for, and --set wins", "[tools]") {
  const Workplace work;
  const auto config = [&](const Texts& flags) {
    Texts arguments{"--print-config"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const ProgramRun run = work.run("pisr_train", arguments);
    REQUIRE(run.code == 0);
    return parse_config(run.out, "printed");
  };
  const TrainConfig all = config({"-d", "a", "b", "--val", "c", "d", "--phase", "student", "-j",
                                  "3", "--device", "cpu", "--backend", "eigen"});
  CHECK(all.data.train == Texts{"a", "b"});
  CHECK(all.data.validation == Texts{"c", "d"});
  CHECK(all.train.phase == PhaseChoice::student);
  CHECK(all.threads == 3);
  CHECK(all.device == "cpu");
  CHECK(all.backend == BackendChoice::eigen);
  const TrainConfig set =
      config({"-d", "a", "--val", "c", "--phase", "student", "-j", "3", "--device", "cpu",
              "--backend", "eigen", "--set", "data.train=e", "data.validation=f",
              "train.phase=teacher", "threads=4", "device=cuda:2", "backend=cudnn"});
  CHECK(set.device == "cuda:2");
  CHECK(set.backend == BackendChoice::cudnn);
  CHECK(set.data.train == Texts{"e"});
  CHECK(set.data.validation == Texts{"f"});
  CHECK(set.train.phase == PhaseChoice::teacher);
  CHECK(set.threads == 4);
}
