// pisr_export: writes a network for other programs.

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/safetensors.h"
#include "pisr/export/c_source.h"
#include "pisr/export/facts.h"
#include "pisr/export/glsl.h"
#include "pisr/export/onnx.h"
#include "pisr/model/teacher.h"
#include "pisr/model/weight_file.h"
#include "pisr/model/weight_metadata.h"
#include "pisr/model/weights.h"
#include "tools/program.h"
#include "tools/weights_choice.h"
#include "tools/weights_options.h"

namespace {

using namespace pisr;

constexpr const char* kProgram = "pisr_export";

struct ExportCommand {
  std::string model_file;
  std::string model_name;
  WeightsOptions weights;  ///< its scale is 0 where none is told
  std::string format;
  std::string output;
  bool overwrite = false;
  std::string upsampling = "shuffle";
  bool opencv = false;
  std::string variant = "compute";
  std::string name;
  Facts notes;  ///< told on the command line
};

/// A network, or for a format that takes them a teacher, and what its file tells beside.
struct ChosenNetwork {
  std::unique_ptr<SrNetwork> network;
  std::unique_ptr<Teacher> teacher;  ///< where network is null
  Facts facts;

  const ImageModel& model() const {
    return network != nullptr ? *network : static_cast<const ImageModel&>(*teacher);
  }
};

/// What makes an export of a format.
struct Format {
  const char* name;
  const char* what;
  bool is_text;
  std::vector<std::string> options;  ///< that others do not have
  bool takes_teachers;
  std::string (*file)(const ChosenNetwork& chosen, const ExportCommand& command);
};

const std::vector<Format>& formats() {
  static const std::vector<Format> kFormats = {
      {"onnx",
       "for ONNX Runtime, FFmpeg, OpenCV and vs-mlrt",
       false,
       {"--upsampling", "--opencv"},
       false,
       [](const ChosenNetwork& chosen, const ExportCommand& command) {
         return onnx_file(
             *chosen.network, chosen.facts,
             {.depth_to_space = command.upsampling == "shuffle", .channels_last = command.opencv});
       }},
      {"glsl",
       "a user shader for mpv and libplacebo",
       true,
       {"--variant"},
       false,
       [](const ChosenNetwork& chosen, const ExportCommand& command) {
         return glsl_shader(
             *chosen.network, chosen.facts,
             command.variant == "compute" ? ShaderVariant::compute : ShaderVariant::fragment);
       }},
      {"c",
       "a C99 header with the numbers and a plain function",
       true,
       {"--name"},
       false,
       [](const ChosenNetwork& chosen, const ExportCommand& command) {
         const NetworkSpec& spec = chosen.network->spec();
         const std::string name =
             command.name.empty() ? message(spec.architecture, "_x", spec.scale) : command.name;
         return c_source(*chosen.network, chosen.facts, name);
       }},
      {"safetensors",
       "weights with pisr's names and metadata",
       false,
       {},
       true,
       [](const ChosenNetwork& chosen, const ExportCommand&) {
         SafeTensors file;
         file.metadata = chosen.facts;
         store_parameters(chosen.model(), "", file.tensors);
         const std::vector<std::byte> bytes = serialise_safetensors(file);
         return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
       }},
  };
  return kFormats;
}

const Format& format_of(const std::string& name) {
  std::string names;
  for (const Format& format : formats()) {
    if (name == format.name) {
      return format;
    }
    names += (names.empty() ? "" : ", ") + std::string(format.name);
  }
  throw Error(ErrorKind::usage, message("--format must be one of ", names, ", got '", name, '\''));
}

void add_options(CLI::App& app, ExportCommand& command) {
  add_weights_options(app, command.model_name, command.model_file, command.weights);
  std::string list;
  for (const Format& format : formats()) {
    list += (list.empty() ? "" : "; ") + std::string(format.name) + ", " + format.what;
  }
  app.add_option("-f,--format", command.format, "What to write: " + list)->required();
  app.add_option("-o,--output", command.output, "The file; - is the standard output")
      ->type_name("FILE")
      ->required();
  app.add_flag("--overwrite", command.overwrite, "Replace a file that exists");
  app.add_option("--upsampling", command.upsampling,
                 "onnx: shuffle, a transposed convolution becomes a convolution and depth to "
                 "space, which runs everywhere; deconvolution, it stays one. The numbers are the "
                 "same")
      ->capture_default_str()
      ->check(CLI::IsMember({"shuffle", "deconvolution"}));
  app.add_flag("--opencv", command.opencv,
               "onnx: input [1, height, width, 1], as OpenCV's dnn_superres gives it");
  app.add_option("--variant", command.variant,
                 "glsl: compute, a pass for each layer or two; fragment, more passes, which run "
                 "wherever mpv does")
      ->capture_default_str()
      ->check(CLI::IsMember({"compute", "fragment"}));
  app.add_option("--name", command.name,
                 "c: what the names of functions and arrays begin with; without it that of the "
                 "network and its scale, plain_x2");
  for (const char* const fact : {"licence", "data", "source"}) {
    app.add_option_function<std::string>(
        message("--", fact),
        [&command, fact](const std::string& text) { command.notes[fact] = text; },
        message("The weights' ", fact, ", for the file's metadata; replaces what they tell"));
  }
}

/// Options of other formats are refused.
void check_options(const CLI::App& app, const Format& chosen) {
  for (const Format& format : formats()) {
    for (const std::string& option : format.options) {
      if (app.count(option) > 0 &&
          std::ranges::find(chosen.options, option) == chosen.options.end()) {
        throw Error(ErrorKind::usage, message(option, " is of --format ", format.name,
                                              ", not of --format ", chosen.name));
      }
    }
  }
}

void check_output(const ExportCommand& command, const Format& format) {
  if (command.output == kStdout) {
    if (!format.is_text && ::isatty(STDOUT_FILENO) != 0) {
      throw Error(ErrorKind::usage, "the standard output is a terminal",
                  "pisr_export ... -o - | PROGRAM");
    }
    return;
  }
  check_output_file(command.output, command.overwrite);
}

ChosenNetwork load(const ExportCommand& command, const Format& format) {
  WeightsOptions wanted = command.weights;
  wanted.note = [](const std::string& text) { note(kProgram, text); };
  SafeTensors file;
  std::string place = command.model_file;
  if (!command.model_file.empty()) {
    file = read_weight_file(command.model_file, wanted.note);
  } else {
    const std::string name = command.model_name.empty() ? kDefaultModel : command.model_name;
    const int scale = wanted.scale > 0 ? wanted.scale : 2;
    std::string found;
    file = read_named_weights(name, scale, wanted.note, found, place);
  }
  ChosenNetwork chosen;
  const auto architecture = file.metadata.find("architecture");
  if (format.takes_teachers && !command.model_file.empty() && architecture != file.metadata.end() &&
      architecture->second == kTeacherArchitecture) {
    chosen.teacher = load_teacher(command.model_file, wanted);
  } else {
    chosen.network = make_network(file, place, wanted);
  }
  Facts notes = command.notes;
  notes.insert(file.metadata.begin(), file.metadata.end());
  chosen.facts = facts_of(chosen.model(), notes);
  return chosen;
}

int export_network(const CLI::App& app, const ExportCommand& command) {
  const Format& format = format_of(command.format);
  check_options(app, format);
  check_output(command, format);
  const ChosenNetwork chosen = load(command, format);
  const std::string bytes = format.file(chosen, command);
  if (command.output == kStdout) {
    std::cout << bytes;
  } else {
    write_file_atomically(command.output, bytes);
  }
  return 0;
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): before run_program only memory can run out.
int main(int argc, char** argv) {
  ExportCommand command;
  CLI::App app("Writes a network for other programs", kProgram);
  add_options(app, command);
  return run_program(app, argc, argv, [&] { return export_network(app, command); });
}
