// pisr_export: what it writes, what it refuses, and that it leaves no half of a file.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/safetensors.h"
#include "pisr/model/built_in_weights.h"
#include "pisr/model/fsrcnn.h"
#include "pisr/model/teacher.h"
#include "pisr/model/weights.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"
#include "tests/tensors.h"
#include "tests/thrown.h"
#include "tests/tools/run_program.h"

using namespace pisr;

namespace {

namespace fs = std::filesystem;

class Exports {
 public:
  Exports() {
    save_weights(path() / "x3.safetensors", Fsrcnn({.scale = 3}),
                 {{"licence", "MIT"}, {"manual_seed", "5"}});
    save_weights(path() / "teacher.safetensors", Teacher(default_spec()));
    std::ofstream(path() / "garbled.safetensors") << "no weights at all";
    std::ofstream(path() / "there.onnx") << "as it was";
    fs::create_directory(path() / "folder");
  }
  const fs::path& path() const { return folder_.path(); }
  ProgramRun run(std::vector<std::string> arguments) const {
    return run_program(path(), "pisr_export", arguments);
  }
  std::size_t files() const {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& item : fs::directory_iterator(path())) ++count;
    return count;
  }

 private:
  TemporaryFolder folder_;
};

struct Wrong {
  std::vector<std::string> arguments;
  int code;
  std::string error;
};

}  // namespace

TEST_CASE("pisr_export refuses in one line and writes nothing", "[programs]") {
  const Exports exports;
  const std::size_t files = exports.files();
  for (const Wrong& wrong : std::vector<Wrong>{
           {{"-f", "png", "-o", "a"},
            2,
            "--format must be one of onnx, glsl, c, safetensors, got 'png'"},
           {{"-o", "a"}, 2, "--format is required"},
           {{"-f", "onnx"}, 2, "--output is required"},
           {{"-f", "onnx", "-o", "a", "--variant", "compute"},
            2,
            "--variant is of --format glsl, not of --format onnx"},
           {{"-f", "glsl", "-o", "a", "--opencv"},
            2,
            "--opencv is of --format onnx, not of --format glsl"},
           {{"-f", "glsl", "-o", "a", "--upsampling", "shuffle"},
            2,
            "--upsampling is of --format onnx, not of --format glsl"},
           {{"-f", "safetensors", "-o", "a", "--name", "x"},
            2,
            "--name is of --format c, not of --format safetensors"},
           {{"-f", "onnx", "-o", "a", "--upsampling", "bilinear"},
            2,
            "--upsampling: bilinear not in"},
           {{"-f", "c", "-o", "a", "--name", "2x"}, 2, "the name '2x' is no identifier of C"},
           {{"-f", "onnx", "-o", "a", "-m", "x3.safetensors", "-n", "pisr-plain"}, 2, "excludes"},
           {{"-f", "onnx", "-o", "there.onnx"}, 4, "'there.onnx' exists"},
           {{"-f", "onnx", "-o", "folder"}, 4, "'folder': it is a folder"},
           {{"-f", "onnx", "-o", "folder", "--overwrite"}, 4, "'folder': it is a folder"},
           {{"-f", "onnx", "-o", "missing/a"}, 4, "missing"},
           {{"-f", "onnx", "-o", "a", "-m", "none.safetensors"}, 5, "none.safetensors"},
           {{"-f", "onnx", "-o", "a", "-m", "garbled.safetensors"}, 5, "garbled.safetensors"},
           {{"-f", "onnx", "-o", "a", "-m", "teacher.safetensors"}, 5, "not of a teacher"},
           {{"-f", "onnx", "-o", "a", "-m", "x3.safetensors", "-s", "2"}, 5, "scale 3, wanted 2"},
           {{"-f", "onnx", "-o", "a", "-n", "none"}, 5, "no weights 'none' for scale 2"},
           {{"-f", "onnx", "-o", "a", "-s", "5"}, 2, "--scale"},
       }) {
    std::string line;
    for (const std::string& argument : wrong.arguments) line += argument + ' ';
    CAPTURE(line);
    const ProgramRun run = exports.run(wrong.arguments);
    CHECK(run.code == wrong.code);
    CHECK(run.err.starts_with("pisr_export: error: "));
    CHECK(contains(run.err, wrong.error));
    CHECK(run.out.empty());
  }
  CHECK(exports.files() == files);
  CHECK(read_whole(exports.path() / "there.onnx") == "as it was");
}

TEST_CASE("pisr_export writes each format to a file and to the standard output", "[programs]") {
  const Exports exports;
  for (const std::string format : {"onnx", "glsl", "c", "safetensors"}) {
    CAPTURE(format);
    const ProgramRun to_file = exports.run({"-f", format, "-o", "file." + format});
    CHECK(to_file.code == 0);
    CHECK(to_file.out.empty());
    CHECK(to_file.err.empty());
    const ProgramRun to_stdout = exports.run({"-f", format, "-o", "-"});
    CHECK(to_stdout.code == 0);
    CHECK(to_stdout.out.size() > 1000);
    CHECK(to_stdout.out == read_whole(exports.path() / ("file." + format)));
  }
  CHECK(exports.run({"-f", "onnx", "-o", "there.onnx", "--overwrite"}).code == 0);
  CHECK(read_whole(exports.path() / "there.onnx") == read_whole(exports.path() / "file.onnx"));
}

TEST_CASE("pisr_export writes weights of ours with all that is known of them", "[programs]") {
  const Exports exports;
  REQUIRE(exports
              .run({"-m", "x3.safetensors", "-f", "safetensors", "-o", "again.safetensors",
                    "--data", "T91"})
              .code == 0);
  const SafeTensors before = read_safetensors(exports.path() / "x3.safetensors");
  const SafeTensors again = read_safetensors(exports.path() / "again.safetensors");
  auto metadata = before.metadata;
  metadata["data"] = "T91";
  CHECK(again.metadata == metadata);
  CHECK(again.tensors.size() == before.tensors.size());
  CHECK(load_network(exports.path() / "again.safetensors")->spec() == Fsrcnn({.scale = 3}).spec());
}

TEST_CASE("pisr_export gives a teacher's weights a licence", "[programs]") {
  const Exports exports;
  const ProgramRun run = exports.run({"-m", "teacher.safetensors", "-f", "safetensors", "--licence",
                                      "MIT", "-o", "licensed.safetensors"});
  CHECK(run.code == 0);
  const SafeTensors before = read_safetensors(exports.path() / "teacher.safetensors");
  SafeTensors after = read_safetensors(exports.path() / "licensed.safetensors");
  CHECK(after.metadata["licence"] == "MIT");
  after.metadata.erase("licence");
  CHECK(after.metadata == before.metadata);
  CHECK(load_teacher(exports.path() / "licensed.safetensors")->parameter_count() ==
        load_teacher(exports.path() / "teacher.safetensors")->parameter_count());
  REQUIRE(after.tensors.size() == before.tensors.size());
  for (const auto& [name, tensor] : before.tensors) {
    CHECK(furthest(after.tensors.at(name), tensor) == 0);
  }
}

TEST_CASE("weights that come with pisr tell their licence and data", "[programs]") {
  int starts = 0;
  for (const auto& file :
       fs::directory_iterator(fs::path(PISR_SOURCE_DIR) / "pisr/weights/starts")) {
    CAPTURE(file.path());
    const std::map<std::string, std::string> metadata = read_safetensors(file.path()).metadata;
    CHECK(metadata.contains("licence"));
    CHECK(metadata.contains("data"));
    CHECK(load_model(file.path()) != nullptr);
    ++starts;
  }
  CHECK(starts > 0);
  for (const BuiltInWeights& weights : built_in_weights()) {
    CAPTURE(std::string(weights.name));
    const SafeTensors file = parse_safetensors(weights.file, std::string(weights.name));
    CHECK(file.metadata.contains("licence"));
    CHECK(file.metadata.contains("data"));
  }
}
