#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/philox.h"
#include "kernels/open_cuda.h"
#include "pisr/data/dead_leaves.h"
#include "pisr/image/image_io.h"
#include "pisr/model/architectures.h"
#include "pisr/model/fsrcnn.h"
#include "pisr/model/weights.h"
#include "pisr/train/config.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"
#include "tests/tools/run_program.h"

using namespace pisr;

namespace {

/// A folder with weights for x2 and x3, a set of images and what programs stumble over.
class Workplace {
 public:
  Workplace() {
    for (const int scale : {2, 3}) {
      FsrcnnOptions options;
      options.scale = scale;
      Fsrcnn network(options);
      Random random(5, RandomUse::test, 3);
      for (const NamedParameter& named : network.parameters()) {
        for (float& value : named.parameter->value.values<float>()) {
          value = static_cast<float>(random.uniform(-0.1, 0.1));
        }
      }
      save_weights(path() / ("x" + std::to_string(scale) + ".safetensors"), network);
    }
    std::filesystem::create_directories(path() / "sets" / "Tiny" / "HR");
    write_image(path() / "sets" / "Tiny" / "HR" / "one.png", dead_leaves(1, 0, 40, 30));
    write_image(path() / "sets" / "Tiny" / "HR" / "two.png", dead_leaves(1, 1, 31, 41));
    std::filesystem::create_directory(path() / "empty");
    std::filesystem::create_directory(path() / "small");
    write_image(path() / "small" / "dot.png", Image8(1, 1, 3));
    write_image(path() / "photo.png", dead_leaves(1, 2, 17, 13));
    std::ofstream(path() / "garbled.png") << "no image at all";
    std::ofstream(path() / "garbled.safetensors") << "no weights at all";
    std::filesystem::copy_file(path() / "x2.safetensors", path() / "cut.safetensors");
    std::filesystem::resize_file(path() / "cut.safetensors", 5000);
  }
  const std::filesystem::path& path() const { return folder_.path(); }
  ProgramRun run(const std::string& program, const std::vector<std::string>& arguments) const {
    return run_program(path(), program, arguments);
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path())) {
      names.push_back(entry.path().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  TemporaryFolder folder_;
};

/// What pisr_eval says of the random weights of the workplace.
std::string suspicion(const std::string& err) {
  const std::size_t at = err.find("pisr_eval: warning: 'x2' scores ");
  const bool is_one = at != std::string::npos && err.find('\n', at) == err.size() - 1;
  return is_one ? err.substr(0, at) + "suspect" : err;
}

struct BadUse {
  std::string program;
  std::vector<std::string> arguments;
  int code;
};

}  // namespace

TEST_CASE("pisr_upscale makes one image of one", "[tools]") {
  const Workplace work;
  const ProgramRun run = work.run("pisr_upscale", {"-i", "photo.png", "-o", "large.png", "-m",
                                                   "x3.safetensors", "--device", "cpu"});
  CHECK(run.code == 0);
  CHECK(run.out.empty());
  CHECK(run.err.empty());
  const Image8 image = read_image8(work.path() / "large.png");
  CHECK(image.width == 51);
  CHECK(image.height == 39);
  // The same bytes for any number of threads.
  for (const char* threads : {"1", "2"}) {
    CHECK(work.run("pisr_upscale", {"-i", "photo.png", "-o", "again.png", "-m", "x3.safetensors",
                                    "-s", "3", "-j", threads, "--overwrite"})
              .code == 0);
    CHECK(read_whole(work.path() / "again.png") == read_whole(work.path() / "large.png"));
  }
}

TEST_CASE("pisr_eval prints bicubic first and writes the same as JSON", "[tools]") {
  const Workplace work;
  const ProgramRun run =
      work.run("pisr_eval", {"-m", "x2.safetensors", "-d", "sets", "-s", "2", "--protocol",
                             "matlab", "--json", "r.json", "--device", "cpu"});
  CHECK(run.code == 0);
  CHECK(suspicion(run.err) == "suspect");
  CHECK(run.out.find("Tiny, x2, protocol matlab, 2 images") == 0);
  CHECK(run.out.find("bicubic") < run.out.find("x2  "));
  CHECK(run.out.find("12644") != std::string::npos);
  CHECK(run.out.find("6.01 G") != std::string::npos);
  CHECK(run.out.find("2.87 G") != std::string::npos);

  const auto json = nlohmann::json::parse(read_whole(work.path() / "r.json"));
  CHECK(json.size() == 3);
  CHECK(json["protocol"] == "matlab");
  CHECK(json["scale"] == 2);
  REQUIRE(json["results"].size() == 2);
  CHECK(json["results"][0]["model"] == "bicubic");
  CHECK(json["results"][1]["model"] == "x2");
  CHECK(!json["results"][0].contains("suspect"));
  const std::string suspect = json["results"][1]["suspect"];
  CHECK(run.err == "pisr_eval: warning: " + suspect + "\n");
  for (const auto& result : json["results"]) {
    CHECK(result.size() == (result["model"] == "x2" ? 7 : 6));
    CHECK(result["protocol"] == "matlab");
    CHECK(result["set"] == "Tiny");
    CHECK(result["psnr"].is_number());
    CHECK(result["ssim"].is_number());
    REQUIRE(result["images"].size() == 2);
    CHECK(result["images"][0]["name"] == "one");
    for (const auto& image : result["images"]) {
      CHECK(image.size() == 4);
      CHECK(image["psnr"].is_number());
      CHECK(image["ssim"].is_number());
      CHECK(image["ms"].is_number());
    }
  }
}

TEST_CASE("pisr_eval --list prints every network of the table, as text and as JSON", "[tools]") {
  const Workplace work;
  const ProgramRun run = work.run("pisr_eval", {"--list", "--json", "list.json"});
  CHECK(run.code == 0);
  CHECK(run.err.empty());
  const std::string text = read_whole(work.path() / "list.json");
  CHECK(work.run("pisr_eval", {"--list", "--json", "-"}).out == text);
  const auto json = nlohmann::json::parse(text);
  std::istringstream lines(run.out);
  std::string line;
  std::getline(lines, line);
  CHECK(line.find("MultiAdds for an output of 1280x720") != std::string::npos);
  std::getline(lines, line);
  for (const auto& network : json) {
    REQUIRE(std::getline(lines, line));
    CAPTURE(line);
    CHECK(network.size() == 9);
    const std::string name = network["name"];
    CHECK(line.starts_with(name + " "));
    for (const char* const key : {"title", "colour", "input"}) {
      CHECK(line.find(network[key].get<std::string>()) != std::string::npos);
    }
    const std::string parameters =
        network["parameters"].is_null() ? "-" : network["parameters"].dump();
    CHECK(line.find(" " + parameters + " ") != std::string::npos);
    CHECK(
        line.ends_with(network["halo"].is_null() ? "  whole image" : " " + network["halo"].dump()));
  }
  CHECK_FALSE(std::getline(lines, line));
  CHECK(json[0]["name"] == "bicubic");
  CHECK(json[0]["multiply_adds"].is_null());
  CHECK(json[0]["halo"] == 2);
  for (const Architecture& row : architectures()) {
    CHECK(std::count_if(json.begin(), json.end(), [&](const auto& network) {
            return network["name"] == row.name;
          }) == static_cast<std::ptrdiff_t>(3 * row.channels.size()));
  }
  CHECK(json[3]["title"] == "FSRCNN(56, 12, 4)");
  CHECK(json[3]["parameters"] == 12644);
  CHECK(json[3]["multiply_adds"] == 2871705600);
  CHECK(json[3]["multiply_adds_paper"] == 6006988800);
  CHECK(work.run("pisr_eval", {"--list", "--json", "none/list.json"}).code == 4);
}

TEST_CASE("files of other frameworks are refused as weights, with the command that converts them",
          "[tools]") {
  const Workplace work;
  std::ofstream(work.path() / "net.pth") << "PK\x03\x04 and so on";
  std::ofstream(work.path() / "net.onnx") << "any";
  for (const auto& [program, more] :
       {std::pair{"pisr_upscale", std::vector<std::string>{"-i", "photo.png", "-o", "o.png"}},
        std::pair{"pisr_eval", std::vector<std::string>{"-d", "sets"}}}) {
    std::vector<std::string> arguments = more;
    arguments.insert(arguments.end(), {"-m", "net.pth"});
    const ProgramRun run = work.run(program, arguments);
    CHECK(run.code == 5);
    CHECK(run.err == message(program, ": error: 'net.pth': is a PyTorch file, not safetensors\n",
                             "hint: python3 tools/convert_weights.py 'net.pth' -o "
                             "'net.safetensors' converts it\n"));
    arguments.back() = "net.onnx";
    CHECK(work.run(program, arguments)
              .err.starts_with(message(program, ": error: 'net.onnx': is an ONNX network")));
  }
}

TEST_CASE("weights of one name are told apart by their paths", "[tools]") {
  const Workplace work;
  std::filesystem::copy_file(work.path() / "x2.safetensors",
                             work.path() / "empty" / "x2.safetensors");
  const ProgramRun run = work.run("pisr_eval", {"-m", "x2.safetensors", "empty/x2.safetensors",
                                                "-d", "sets/Tiny", "--json", "r.json"});
  CHECK(run.code == 0);
  const auto json = nlohmann::json::parse(read_whole(work.path() / "r.json"));
  REQUIRE(json["results"].size() == 3);
  CHECK(json["results"][1]["model"] == "x2.safetensors");
  CHECK(json["results"][2]["model"] == "empty/x2.safetensors");
}

TEST_CASE("pisr_report writes a page about a run", "[tools]") {
  const Workplace work;
  std::filesystem::create_directory(work.path() / "run");
  std::ofstream(work.path() / "run" / "config.json") << config_json(TrainConfig{});
  std::filesystem::copy_file(work.path() / "x2.safetensors",
                             work.path() / "run" / "baseline.safetensors");
  const ProgramRun run = work.run("pisr_report", {"run", "-d", "sets"});
  CHECK(run.code == 0);
  CHECK(run.out.find("Tiny: Bicubic ") == 0);
  CHECK(run.out.find("Tiny: Baseline ") != std::string::npos);
  CHECK(run.out.find("\nrun/report.html\n") != std::string::npos);
  CHECK(read_whole(work.path() / "run" / "report.html").find("Tiny") != std::string::npos);
  CHECK(work.run("pisr_report", {"run", "-d", "sets", "-s", "3"}).code == 5);
  CHECK(work.run("pisr_report", {"empty", "-d", "sets"}).code == 3);
  CHECK(work.run("pisr_report", {"run", "-d", "sets", "-o", "none/page.html"}).code == 4);
}

TEST_CASE("pisr_eval without weights measures bicubic interpolation alone", "[tools]") {
  const Workplace work;
  const ProgramRun run = work.run("pisr_eval", {"-d", "sets", "-s", "3", "--json", "r.json"});
  CHECK(run.code == 0);
  CHECK(run.err.empty());
  CHECK(run.out.find("bicubic") != std::string::npos);
  const auto json = nlohmann::json::parse(read_whole(work.path() / "r.json"));
  CHECK(json["scale"] == 3);
  REQUIRE(json["results"].size() == 1);
  CHECK(json["results"][0]["model"] == "bicubic");
  CHECK(json["results"][0]["images"].size() == 2);
  CHECK(work.run("pisr_eval", {"-d", "sets"}).out.find("Tiny, x2, ") == 0);
}

TEST_CASE("an output called - is the standard output", "[tools]") {
  const Workplace work;
  std::filesystem::create_directory(work.path() / "run");
  std::ofstream(work.path() / "run" / "config.json") << config_json(TrainConfig{});
  std::filesystem::copy_file(work.path() / "x2.safetensors",
                             work.path() / "run" / "baseline.safetensors");
  const std::vector<std::string> before = work.files();
  const ProgramRun run =
      work.run("pisr_eval", {"-d", "sets", "-m", "x2.safetensors", "--json", "-"});
  CHECK(run.code == 0);
  CHECK(suspicion(run.err) == "suspect");
  CHECK(nlohmann::json::parse(run.out)["results"].size() == 2);
  const ProgramRun page = work.run("pisr_report", {"run", "-d", "sets", "-o", "-"});
  CHECK(page.code == 0);
  CHECK(page.out.rfind("<!doctype html>", 0) == 0);
  CHECK(page.out.find("</html>") > page.out.size() - 10);
  const ProgramRun image =
      work.run("pisr_upscale", {"-i", "photo.png", "-o", "-", "-m", "x2.safetensors"});
  CHECK(image.code == 0);
  CHECK((image.out.starts_with("\x89PNG")));
  CHECK(work.files() == before);
}

TEST_CASE("an output that cannot be written is refused before any work", "[tools]") {
  const Workplace work;
  std::filesystem::create_directory(work.path() / "run");
  std::ofstream(work.path() / "run" / "config.json") << config_json(TrainConfig{});
  // What is missing of the input would be found by the first work.
  for (const char* output : {"none/o.png", "/proc/o.png", "empty", "photo.png/o.png"}) {
    const std::string path = output;
    const ProgramRun upscale =
        work.run("pisr_upscale", {"-i", "missing.png", "-o", path == "empty" ? "photo.png/" : path,
                                  "-m", "missing.safetensors"});
    const ProgramRun evaluate =
        work.run("pisr_eval", {"-d", "missing", "-m", "missing.safetensors", "--json", path});
    const ProgramRun report = work.run("pisr_report", {"run", "-d", "missing", "-o", path});
    INFO(path << '\n' << upscale.err << evaluate.err << report.err);
    CHECK(upscale.code == 4);
    CHECK(evaluate.code == 4);
    CHECK(report.code == 4);
  }
  std::filesystem::create_directory(work.path() / "run" / "report.html");
  CHECK(work.run("pisr_report", {"run", "-d", "missing"}).code == 4);
}

TEST_CASE("weights that do not tell what they are", "[tools]") {
  const Workplace work;
  SafeTensors file = read_safetensors(work.path() / "x3.safetensors");
  file.metadata = {{"format", "pt"}};
  write_safetensors(work.path() / "plain.safetensors", file);
  std::map<std::string, Tensor> prefixed;
  for (const auto& [name, tensor] : file.tensors) {
    prefixed["module." + name] = tensor;
  }
  file.tensors = prefixed;
  write_safetensors(work.path() / "prefixed.safetensors", file);
  const auto upscale = [&](const std::string& weights, std::vector<std::string> more) {
    more.insert(more.end(), {"-i", "photo.png", "-o", weights + ".png", "-m", weights});
    return work.run("pisr_upscale", more);
  };
  CHECK(upscale("x3.safetensors", {}).code == 0);
  const ProgramRun refused = upscale("plain.safetensors", {});
  CHECK(refused.code == 5);
  CHECK(refused.err ==
        "pisr_upscale: error: 'plain.safetensors': metadata lack 'scale'\n"
        "hint: -s tells it: 2, 3 or 4\n");
  CHECK(upscale("x3.safetensors", {"--architecture", "plain", "--overwrite"}).code == 5);
  CHECK(upscale("plain.safetensors", {"--architecture", "edsr", "-s", "3"}).code == 2);
  CHECK(upscale("plain.safetensors", {"--architecture", "fsrcnn", "-s", "3"}).code == 0);
  const ProgramRun noted = upscale("prefixed.safetensors", {"--architecture", "fsrcnn", "-s", "3"});
  CHECK(noted.code == 0);
  CHECK(noted.err ==
        "pisr_upscale: note: 'prefixed.safetensors': the prefix 'module.' of all names of its "
        "tensors is passed over\n"
        "pisr_upscale: note: 'prefixed.safetensors': nothing tells the padding of its "
        "convolutions: zeros are taken; --padding replicate repeats the border\n");
  const std::string picture = read_whole(work.path() / "x3.safetensors.png");
  CHECK(read_whole(work.path() / "plain.safetensors.png") == picture);
  CHECK(read_whole(work.path() / "prefixed.safetensors.png") == picture);

  // Padding, which a person may tell.
  const auto padded = [&](const std::string& option, const std::string& value) {
    return upscale("plain.safetensors",
                   {"--architecture", "fsrcnn", "-s", "3", "--overwrite", option, value});
  };
  const auto padded_picture = [&](const std::string& option, const std::string& value) {
    CHECK(padded(option, value).code == 0);
    return read_whole(work.path() / "plain.safetensors.png");
  };
  CHECK(padded("--padding", "zero").err.empty());
  CHECK(padded("--padding", "mirror").code == 2);
  CHECK(padded("--deconvolution-padding", "5").code == 2);
  CHECK(padded_picture("--padding", "replicate") != picture);
  CHECK(padded_picture("--padding", "zero") == picture);
  CHECK(padded_picture("--deconvolution-padding", "3") != picture);
  CHECK(padded_picture("--deconvolution-padding", "4") == picture);
  const std::string otherwise =
      ": error: 'x3.safetensors': these weights have replicate_padding false, wanted true\n";
  const ProgramRun upscaled = upscale("x3.safetensors", {"--padding", "replicate", "--overwrite"});
  CHECK(upscaled.code == 5);
  CHECK(upscaled.err == "pisr_upscale" + otherwise);
  const ProgramRun evaluated = work.run(
      "pisr_eval", {"-d", "sets", "-s", "3", "-m", "x3.safetensors", "--padding", "replicate"});
  CHECK(evaluated.code == 5);
  CHECK(evaluated.err == "pisr_eval" + otherwise);

  // The default scale of pisr_eval is no word of the user's.
  const std::vector<std::string> evaluate = {"-d", "sets", "--architecture", "fsrcnn", "-m"};
  const auto with = [&](const std::string& weights, std::vector<std::string> more) {
    more.insert(more.begin(), evaluate.begin(), evaluate.end());
    more.insert(more.begin() + static_cast<std::ptrdiff_t>(evaluate.size()), weights);
    return work.run("pisr_eval", more);
  };
  CHECK(with("plain.safetensors", {}).err.find("metadata lack 'scale'") != std::string::npos);
  CHECK(with("plain.safetensors", {"-s", "3"}).code == 0);
  const ProgramRun other = with("x3.safetensors", {});
  CHECK(other.code == 5);
  CHECK(other.err.find("are for scale 3, wanted 2\nhint: -s 3 measures them\n") !=
        std::string::npos);

  // A run's configuration tells it.
  std::filesystem::create_directory(work.path() / "run");
  std::ofstream(work.path() / "run" / "config.json")
      << config_json(parse_config(R"({"network": {"scale": 3}})", "test"));
  std::filesystem::copy_file(work.path() / "prefixed.safetensors",
                             work.path() / "run" / "baseline.safetensors");
  const ProgramRun report = work.run("pisr_report", {"run", "-d", "sets"});
  CHECK(report.code == 0);
  CHECK(report.err.rfind("pisr_report: note: 'run/baseline.safetensors': the prefix", 0) == 0);
  CHECK(work.run("pisr_report", {"run", "-d", "sets", "--architecture", "plain"}).code == 5);
}

TEST_CASE("paths that are not UTF-8 serve like others, and are shown escaped", "[tools]") {
  const Workplace work;
  const std::string name = "caf\xE9";
  const std::filesystem::path folder = work.path() / name;
  std::filesystem::create_directory(folder);
  write_image(folder / (name + ".png"), dead_leaves(1, 2, 40, 30));
  std::filesystem::copy_file(work.path() / "x2.safetensors", folder / (name + ".safetensors"));
  const std::string image = name + "/" + name + ".png";
  const std::string weights = name + "/" + name + ".safetensors";

  CHECK(work.run("pisr_upscale", {"-i", image, "-o", name + "/out.png", "-m", weights}).code == 0);
  std::filesystem::rename(folder / "out.png", work.path() / (name + ".large.png"));
  for (const auto& [arguments, code] : std::vector<std::pair<std::vector<std::string>, int>>{
           {{"-i", name, "-o", "o.png", "-m", weights}, 2},
           {{"-i", image, "-o", name + "/none/o.png", "-m", weights}, 4},
           {{"-i", image, "-o", "o.png", "-m", name}, 5}}) {
    const ProgramRun run = work.run("pisr_upscale", arguments);
    CHECK(run.code == code);
    CHECK(run.err.find("caf\\xe9") != std::string::npos);
    CHECK(run.err.find(name) == std::string::npos);
  }

  const ProgramRun evaluated =
      work.run("pisr_eval", {"-d", name, "-m", weights, "--json", name + "/" + name + ".json"});
  CHECK(evaluated.code == 0);
  CHECK(evaluated.out.rfind("caf\\xe9, x2", 0) == 0);
  const auto json = nlohmann::json::parse(read_whole(folder / (name + ".json")));
  CHECK(json["results"][1]["set"] == "caf\\xe9");
  CHECK(json["results"][1]["model"] == "caf\\xe9");
  CHECK(json["results"][1]["images"][0]["name"] == "caf\\xe9");

  std::ofstream(folder / (name + ".conf")) << R"({"network": {"d": 6, "s": 4, "m": 1},
    "train": {"total_iter": 4, "batch_size": 2, "gt_size": 16, "print_freq": 2}})";
  const std::string run_path = name + "/run" + name;
  const ProgramRun trained =
      work.run("pisr_train", {"-c", name + "/" + name + ".conf", "-d", name, "--val", name, "-o",
                              run_path, "--progress", "json"});
  INFO(trained.err);
  CHECK(trained.code == 0);
  std::istringstream lines(trained.out);
  for (std::string line; std::getline(lines, line);) {
    CHECK_NOTHROW(nlohmann::json::parse(line));
  }
  const std::filesystem::path run = work.path() / run_path;
  const auto config = nlohmann::json::parse(read_whole(run / "config.json"));
  CHECK(config["data"]["train"] == std::vector<std::string>{"caf\\xe9"});
  CHECK(read_whole(run / "train.log").find(name) == std::string::npos);
  // Its configuration leads back to the same folders.
  const ProgramRun resumed = work.run("pisr_train", {"-o", run_path, "--resume", "auto"});
  CHECK(resumed.code == 0);
  CHECK(resumed.err.find("training data: 'caf\\xe9'") != std::string::npos);
  const std::string teacher = "train.teacher_weights=" + run_path + "/teacher.safetensors";
  CHECK(work.run("pisr_train", {"-c", name + "/" + name + ".conf", "-d", name, "--phase", "student",
                                "--set", teacher, "-o", "student", "-q"})
            .code == 0);

  const ProgramRun report =
      work.run("pisr_report", {run_path, "-d", name, "-o", name + "/page.html", "--title", name});
  CHECK(report.code == 0);
  CHECK(report.out.find(name) == std::string::npos);
  CHECK(read_whole(folder / "page.html").find(name) == std::string::npos);
  CHECK(work.run("pisr_report", {run_path}).code == 0);
  CHECK(work.run("pisr_report", {name}).err.find("'caf\\xe9' is no run") != std::string::npos);
}

TEST_CASE("sub-folders whose images are not read are a warning", "[tools]") {
  const Workplace work;
  std::filesystem::create_directory(work.path() / "photos");
  for (const char* path : {"photos/a.png", "sets/b.png"}) {
    write_image(work.path() / path, dead_leaves(1, 2, 40, 30));
  }
  std::filesystem::copy(work.path() / "sets", work.path() / "photos" / "inner",
                        std::filesystem::copy_options::recursive);
  const ProgramRun run = work.run("pisr_eval", {"-d", "photos"});
  CHECK(run.code == 0);
  CHECK(run.err ==
        "pisr_eval: warning: 'photos': the images of its sub-folders 'inner' are not read; a "
        "sub-folder is read where it is named\n");
}

TEST_CASE("bad use gives one line, its exit code, and no file", "[tools]") {
  const Workplace work;
  const auto upscale = [](const std::string& input, const std::string& output,
                          const std::string& weights, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"-i", input, "-o", output, "-m", weights};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  };
  const auto evaluate = [](const std::string& weights, const std::string& data,
                           std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"-m", weights, "-d", data};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  };
  const std::vector<BadUse> table = {
      {"pisr_upscale", {}, 2},
      {"pisr_upscale", {"--nonsense"}, 2},
      {"pisr_upscale", upscale("photo.png", "o.png", "x2.safetensors", {"-s", "5"}), 2},
      {"pisr_upscale", upscale("photo.png", "o.png", "x2.safetensors", {"-j", "-1"}), 2},
      {"pisr_upscale", upscale("photo.png", "o.png", "x2.safetensors", {"--quality", "0"}), 2},
      {"pisr_upscale", upscale("photo.png", "o.gif", "x2.safetensors"), 2},
      {"pisr_upscale", upscale("missing.png", "o.png", "x2.safetensors"), 3},
      {"pisr_upscale", upscale("garbled.png", "o.png", "x2.safetensors"), 3},
      {"pisr_upscale", upscale("empty", "o.png", "x2.safetensors"), 3},
      {"pisr_upscale", upscale("photo.png", "none/o.png", "x2.safetensors"), 4},
      {"pisr_upscale", upscale("photo.png", "photo.png", "x2.safetensors"), 4},
      {"pisr_upscale", upscale("photo.png", "o.png", "missing.safetensors"), 5},
      {"pisr_upscale", upscale("photo.png", "o.png", "garbled.safetensors"), 5},
      {"pisr_upscale", upscale("photo.png", "o.png", "cut.safetensors"), 5},
      {"pisr_upscale", upscale("photo.png", "o.png", "x2.safetensors", {"-s", "3"}), 5},
      {"pisr_upscale", upscale("photo.png", "o.png", "x2.safetensors", {"--max-pixels", "800"}), 7},
      {"pisr_eval", {}, 2},
      {"pisr_eval", evaluate("x2.safetensors", "sets", {"--protocol", "other"}), 2},
      {"pisr_eval", evaluate("x2.safetensors", "sets", {"-s", "x"}), 2},
      {"pisr_eval", evaluate("x2.safetensors", "missing"), 3},
      {"pisr_eval", evaluate("x2.safetensors", "empty"), 3},
      {"pisr_eval", evaluate("x2.safetensors", "garbled.png"), 3},
      {"pisr_eval", evaluate("x2.safetensors", "small"), 3},
      {"pisr_eval", evaluate("x2.safetensors", "photo.png"), 3},
      {"pisr_eval", evaluate("x2.safetensors", "sets", {"--json", "none/r.json"}), 4},
      {"pisr_eval", evaluate("x2.safetensors", "sets", {"-s", "3"}), 5},
      {"pisr_eval", evaluate("cut.safetensors", "sets"), 5},
      {"pisr_report", {}, 2},
  };
  const std::vector<std::string> before = work.files();
  for (const BadUse& use : table) {
    const ProgramRun run = work.run(use.program, use.arguments);
    std::string command = use.program;
    for (const std::string& argument : use.arguments) {
      command += " " + argument;
    }
    CAPTURE(command, run.err);
    CHECK(run.code == use.code);
    CHECK(run.err.rfind(use.program + ": error: ", 0) == 0);
    const std::size_t end = run.err.find('\n');
    CHECK((end == run.err.size() - 1 || run.err.compare(end + 1, 6, "hint: ") == 0));
    CHECK(std::count(run.err.begin(), run.err.end(), '\n') <= 2);
    CHECK(std::all_of(run.err.begin(), run.err.end(),
                      [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
  }
  CHECK(work.files() == before);
}

TEST_CASE("a device that is not there: auto runs on the CPU, cuda is refused", "[tools]") {
  const Workplace work;
  std::string why_not;
  if (kernels::open_cuda_device({}, why_not) != nullptr) {
    std::cout << "SKIPPED: a missing device: there is one\n";
    return;
  }
  const std::vector<std::string> upscale = {"-i",    "photo.png", "-o",
                                            "o.png", "-m",        "x2.safetensors"};
  const std::vector<std::string> evaluate = {"-m", "x2.safetensors", "-d", "sets"};
  for (const auto& [program, arguments] :
       {std::pair{"pisr_upscale", upscale}, std::pair{"pisr_eval", evaluate}}) {
    const auto with = [&, program = program, &common = arguments](std::vector<std::string> more) {
      more.insert(more.begin(), common.begin(), common.end());
      return work.run(program, more);
    };
    const std::string name = program;
    const std::vector<std::string> before = work.files();
    for (const char* device : {"cuda", "cuda:0", "0"}) {
      const ProgramRun refused = with({"--device", device});
      CHECK(refused.code == 6);
      CHECK(refused.out.empty());
      CHECK(refused.err == name + ": error: no CUDA device can be used: " + why_not +
                               "\nhint: --device auto or cpu runs on the CPU\n");
    }
    CHECK(with({"--device", "gpu"}).code == 2);
    CHECK(with({"--device", "cpu", "--precision", "tf32"}).code == 2);
    CHECK(with({"--precision", "half"}).code == 2);
    CHECK(with({"--backend", "other"}).code == 2);
    CHECK(work.files() == before);
    const ProgramRun fallen = with({"-g", "auto"});
    CHECK(fallen.code == 0);
    const std::string said = name == "pisr_eval" ? "suspect" : "";
    CHECK(suspicion(fallen.err) == name + ": note: running on the CPU: " + why_not + "\n" + said);
    std::filesystem::remove(work.path() / "o.png");
    const ProgramRun rounded = with({"--precision", "fp16"});
    CHECK(rounded.code == 0);
    CHECK(suspicion(rounded.err) ==
          name + ": note: running on the CPU in fp32: " + why_not + "\n" + said);
    std::filesystem::remove(work.path() / "o.png");
    const ProgramRun cpu = with({"-g", "-1"});
    CHECK(cpu.code == 0);
    CHECK(suspicion(cpu.err) == said);
    std::filesystem::remove(work.path() / "o.png");
    const ProgramRun list = work.run(program, {"--list-devices"});
    CHECK(list.code == 0);
    CHECK(list.out == "cpu\n");
    CHECK(list.err == name + ": note: only the CPU: " + why_not + "\n");
  }
}

TEST_CASE("the back end: an option, or the environment variable PISR_BACKEND", "[tools]") {
  const Workplace work;
  std::filesystem::create_directory(work.path() / "run");
  std::ofstream(work.path() / "run" / "config.json") << config_json(TrainConfig{});
  std::filesystem::copy_file(work.path() / "x2.safetensors",
                             work.path() / "run" / "baseline.safetensors");
  const std::vector<std::string> upscale = {"-i", "photo.png",      "-o",         "o.png",
                                            "-m", "x2.safetensors", "--overwrite"};
  const std::vector<std::string> evaluate = {"-m", "x2.safetensors", "-d", "sets"};
  const std::vector<std::string> report = {"run", "-d", "sets"};
  for (const auto& [program, arguments] :
       {std::pair{"pisr_upscale", upscale}, {"pisr_eval", evaluate}, {"pisr_report", report}}) {
    const auto with = [&, program = program, &common = arguments](const std::string& environment,
                                                                  std::vector<std::string> more) {
      more.insert(more.begin(), common.begin(), common.end());
      return run_command(work.path(), environment, std::string(PISR_PROGRAMS "/") + program, more);
    };
    CAPTURE(program);
    const std::string name = program;
    const std::string three = ": must be own, eigen or cudnn, got 'other'\n";
    CHECK(with("", {"--backend", "eigen"}).code == 0);
    CHECK(with("PISR_BACKEND=eigen", {}).code == 0);
    CHECK(with("PISR_BACKEND=other", {"--backend", "own"}).code == 0);
    const ProgramRun unknown = with("PISR_BACKEND=other", {});
    CHECK(unknown.code == 2);
    CHECK(unknown.err == name + ": error: PISR_BACKEND" + three);
    CHECK(with("", {"--backend", "other"}).err == name + ": error: --backend" + three);
  }
  const ProgramRun refused = work.run("pisr_eval", {"-m", "x2.safetensors", "-d", "sets",
                                                    "--backend", "eigen", "--device", "cuda"});
  CHECK(refused.code == 2);
  CHECK(refused.err.find("pisr_eval: error: backend: eigen runs on the CPU") == 0);
  CHECK(work.run("pisr_report", {"run", "-d", "sets", "--backend", "cudnn"}).code == 2);

  // The same image, but for its last bit.
  const auto enlarged = [&](const char* backend) {
    CHECK(work.run("pisr_upscale", {"-i", "photo.png", "-o", "o.png", "-m", "x2.safetensors",
                                    "--overwrite", "--backend", backend})
              .code == 0);
    return read_image8(work.path() / "o.png");
  };
  const Image8 own = enlarged("own");
  const Image8 eigen = enlarged("eigen");
  REQUIRE(own.samples.size() == eigen.samples.size());
  for (std::size_t i = 0; i < own.samples.size(); ++i) {
    REQUIRE(std::abs(own.samples[i] - eigen.samples[i]) <= 1);
  }
}

TEST_CASE("help and version go to stdout and are no failure", "[tools]") {
  const TemporaryFolder folder;
  for (const char* program : {"pisr_eval", "pisr_upscale", "pisr_report"}) {
    const std::string full = std::string(PISR_PROGRAMS "/") + program + " -h >/dev/full";
    CHECK(run_command(folder.path(), "", "/bin/sh", {"-c", full}).code == 4);
    const ProgramRun help = run_program(folder.path(), program, {"-h"});
    CHECK(help.code == 0);
    CHECK(help.err.empty());
    CHECK(help.out.find("--threads") != std::string::npos);
    const ProgramRun version = run_program(folder.path(), program, {"-V"});
    CHECK(version.code == 0);
    CHECK(version.out.rfind(std::string(program) + " ", 0) == 0);
  }
}
