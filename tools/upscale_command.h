#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "pisr/inference/upscaler.h"
#include "pisr/model/weights.h"
#include "tools/program.h"

namespace pisr {

/// Of the program, in messages.
inline constexpr const char* kUpscaleProgram = "pisr_upscale";

/// As an input: the standard input.
inline constexpr const char* kStdin = "-";

class UpscaleProgress;

/// What the command line of pisr_upscale says.
struct UpscaleCommand {
  std::vector<std::string> inputs;
  std::string output;
  bool recursive = false;
  std::string name = "{stem}_x{scale}.{ext}";
  bool name_is_told = false;
  std::string format;  ///< an extension without its dot; empty: that of the input
  bool skip_existing = false;
  bool overwrite = false;
  bool dry_run = false;

  std::string model_name;  ///< empty: the built-in weights
  std::string model_file;
  WeightsOptions weights;  ///< its scale is 0 where none is told
  bool list_models = false;
  bool self_ensemble = false;
  int tile = 0;  ///< 0: by itself
  int threads = 0;

  std::string metadata = "keep";
  int png_level = 1;
  int jpeg_quality = 95;
  std::int64_t max_pixels = UpscaleOptions{}.max_pixels;

  bool y4m = false;
  std::string raw_video;  ///< "WxH:FORMAT[:FPS]"; empty: none
  std::int64_t start_frame = 0;
  std::int64_t frames = -1;  ///< -1: all
  bool no_header = false;
  bool continue_video = false;

  std::string report;
  std::string progress = "auto";
  bool quiet = false;
  bool verbose = false;

  bool is_video() const { return y4m || !raw_video.empty(); }
  bool writes_to_stdout() const { return output == kStdout; }
  /// The scale of weights that are found by name: 2 where none is told.
  int scale_of_name() const { return weights.scale > 0 ? weights.scale : 2; }
};

/// Adds the options of the program. `app` keeps references to `command`.
void add_upscale_options(CLI::App& app, UpscaleCommand& command);

/// Throws Error usage where options are missing or exclude each other. To be called once the
/// command line is read.
void check(const UpscaleCommand& command);

/// What the command says about how one image is enlarged. The signals of Interruption cancel. Notes
/// and progress go to `progress`, to which it keeps a reference.
UpscaleOptions upscale_options(const UpscaleCommand& command, UpscaleProgress& progress);

}  // namespace pisr
