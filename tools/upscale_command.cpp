#include "tools/upscale_command.h"

#include <algorithm>

#include <unistd.h>

#include "core/error.h"
#include "pisr/image/image_io.h"
#include "tools/interruption.h"
#include "tools/output_name.h"
#include "tools/program.h"
#include "tools/progress.h"
#include "tools/upscale_progress.h"
#include "tools/weights_options.h"

namespace pisr {
namespace {

[[noreturn]] void refuse(const std::string& text, const std::string& hint = "") {
  throw Error(ErrorKind::usage, text, hint);
}

void add_file_options(CLI::App& app, UpscaleCommand& command) {
  app.add_option("-i,--input,inputs", command.inputs,
                 "Images, or folders of them, to enlarge; - is the standard input")
      ->type_name("PATH");
  app.add_option("-o,--output", command.output,
                 "A file, whose extension decides its format; a folder, which several inputs need; "
                 "- is the standard output")
      ->type_name("PATH");
  app.add_flag("-r,--recursive", command.recursive,
               "Sub-folders of folders too; the output has the same ones");
  app.add_option_function<std::string>(
         "--name",
         [&command](const std::string& pattern) {
           command.name = pattern;
           command.name_is_told = true;
         },
         "Names of files in an output folder, of {stem}, {name}, {ext}, {scale}, {model}")
      ->type_name("PATTERN")
      ->default_str(command.name);
  app.add_option("-f,--format", command.format,
                 "Extension of the outputs in a folder, format of the standard output; without it "
                 "that of the input")
      ->type_name("EXTENSION");
  app.add_flag("--skip-existing", command.skip_existing, "Pass over inputs whose output exists");
  app.add_flag("--overwrite", command.overwrite, "Replace outputs that exist");
  app.add_flag("--dry-run", command.dry_run,
               "Only print what would be written, and find what cannot be done");
  app.add_option("--report", command.report,
                 "Also write what became of each input as JSON; - is the standard output")
      ->type_name("FILE");
}

void add_network_options(CLI::App& app, UpscaleCommand& command) {
  add_weights_options(app, command.model_name, command.model_file, command.weights);
  app.add_flag("--list-models", command.list_models, "Print the weights that -n finds");
  app.add_flag("-x,--self-ensemble", command.self_ensemble,
               "The mean of eight results, of the image turned and mirrored: eight times the work");
  app.add_option("-t,--tile", command.tile,
                 "Side of tiles in pixels of the input; 0: as memory allows. No tile changes the "
                 "result")
      ->capture_default_str()
      ->check(CLI::Range(0, 1 << 20));
  app.add_option("-j,--threads", command.threads, "Threads; 0 = all")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
}

void add_output_options(CLI::App& app, UpscaleCommand& command) {
  app.add_option("--metadata", command.metadata,
                 "keep: ICC profile, EXIF, density and the like of the input; strip: none of them")
      ->capture_default_str()
      ->check(CLI::IsMember({"keep", "strip"}));
  app.add_option("--png-level", command.png_level, "Compression of PNG and TIFF, 0 to 9")
      ->capture_default_str()
      ->check(CLI::Range(0, 9));
  app.add_option("--quality", command.jpeg_quality, "Quality of JPEG and WebP, 1 to 100")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  app.add_option("--max-pixels", command.max_pixels, "Largest number of pixels of an output")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--progress", command.progress,
                 "auto: a line on a terminal, nothing elsewhere; line; log: a line each input, on "
                 "stderr; json: an object each, on stdout; none")
      ->type_name("{auto,line,log,json,none}")
      ->capture_default_str();
  app.add_flag("-q,--quiet", command.quiet, "No progress, notes and warnings; errors remain");
  app.add_flag("-v,--verbose", command.verbose, "Say on stderr what is done");
}

void add_video_options(CLI::App& app, UpscaleCommand& command) {
  CLI::Option* const y4m = app.add_flag("--y4m", command.y4m, "Input and output are YUV4MPEG2");
  app.add_option("--raw-video", command.raw_video,
                 "Input and output are frames without a header: WxH:FORMAT[:FPS], W and H of the "
                 "input, FORMAT yuv420p, yuv422p, yuv444p, gray, or those of 10 bits: "
                 "yuv420p10le, ..., gray10le")
      ->type_name("FRAMES")
      ->excludes(y4m);
  app.add_option("--start-frame", command.start_frame, "Pass over so many frames first")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--frames", command.frames, "Stop after so many frames")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--no-header", command.no_header,
               "Of YUV4MPEG2 only the frames, to be joined to what was written before");
  app.add_flag("--continue", command.continue_video,
               "Go on with OUTPUT.part, which a stopped run has left");
}

void check_video(const UpscaleCommand& command) {
  if (!command.is_video()) {
    for (const auto& [given, option] : {std::pair{command.start_frame > 0, "--start-frame"},
                                        {command.frames >= 0, "--frames"},
                                        {command.no_header, "--no-header"},
                                        {command.continue_video, "--continue"}}) {
      if (given) {
        refuse(std::string(option) + " is of video", "--y4m or --raw-video");
      }
    }
    return;
  }
  if (command.inputs.size() != 1) {
    refuse(message("video: one input at a time, got ", command.inputs.size()));
  }
  for (const auto& [given, option] : {std::pair{command.recursive, "--recursive"},
                                      {command.name_is_told, "--name"},
                                      {!command.format.empty(), "--format"},
                                      {command.skip_existing, "--skip-existing"},
                                      {command.self_ensemble, "--self-ensemble"},
                                      {command.dry_run, "--dry-run"}}) {
    if (given) {
      refuse(std::string(option) + " is of images, not of video");
    }
  }
  if (command.continue_video && (command.writes_to_stdout() || command.no_header)) {
    refuse("--continue goes on with a file; it excludes -o - and --no-header",
           "--start-frame N --no-header writes what follows N frames");
  }
}

/// stdout holds one thing.
void check_stdout(const UpscaleCommand& command) {
  std::vector<std::string> on_stdout;
  if (command.writes_to_stdout()) {
    on_stdout.emplace_back("-o -");
  }
  if (command.report == kStdout) {
    on_stdout.emplace_back("--report -");
  }
  if (command.progress == "json" && !command.quiet) {
    on_stdout.emplace_back("--progress json");
  }
  if (on_stdout.size() > 1) {
    refuse(on_stdout[0] + " and " + on_stdout[1] + " both need the standard output");
  }
}

}  // namespace

void add_upscale_options(CLI::App& app, UpscaleCommand& command) {
  add_file_options(app, command);
  add_network_options(app, command);
  add_output_options(app, command);
  add_video_options(app, command);
}

void check(const UpscaleCommand& command) {
  progress_style_from_name(command.progress);
  if (command.inputs.empty()) {
    refuse("no input", "pisr_upscale -i IN -o OUT; -h lists the options");
  }
  if (command.output.empty()) {
    refuse("--output is required");
  }
  if (std::ranges::count(command.inputs, "") > 0) {
    refuse("the name of an input is empty");
  }
  if (command.skip_existing && command.overwrite) {
    refuse("--skip-existing and --overwrite exclude each other");
  }
  if (command.model_name.find('/') != std::string::npos) {
    refuse(message("-n '", command.model_name, "': is a name, not a path"),
           "-m names a file of weights");
  }
  if (!command.format.empty() && !has_image_extension("x." + command.format)) {
    std::string known;
    for (const std::string& extension : image_extensions()) {
      known += (known.empty() ? "" : ", ") + extension;
    }
    refuse(message("-f '", command.format, "': unknown image format"), "there are " + known);
  }
  if (!command.format.empty() && command.name_is_told &&
      !OutputName(command.name).has_extension_field()) {
    refuse("-f and a --name without {ext} exclude each other");
  }
  check_video(command);
  check_stdout(command);
  const auto from_stdin = std::ranges::count(command.inputs, kStdin);
  if (from_stdin > 1) {
    refuse("the standard input can be read only once");
  }
  if (from_stdin == 1 && ::isatty(STDIN_FILENO) != 0) {
    refuse("the standard input is a terminal", "PROGRAM | pisr_upscale -i - ...");
  }
  if (command.writes_to_stdout()) {
    if (command.inputs.size() > 1) {
      refuse(message("-o - takes one input, got ", command.inputs.size()));
    }
    if (command.name_is_told) {
      refuse("--name is of output folders");
    }
    if (!command.dry_run && ::isatty(STDOUT_FILENO) != 0) {
      refuse("the standard output is a terminal", "pisr_upscale ... -o - | PROGRAM");
    }
  }
  if (command.dry_run && !command.report.empty() && command.report != kStdout) {
    refuse("--dry-run writes nothing, so no --report FILE", "--report - prints it");
  }
}

UpscaleOptions upscale_options(const UpscaleCommand& command, UpscaleProgress& progress) {
  UpscaleOptions options;
  options.overwrite = command.overwrite;
  options.max_pixels = command.max_pixels;
  options.jpeg_quality = command.jpeg_quality;
  options.png_level = command.png_level;
  options.keep_metadata = command.metadata == "keep";
  options.tile = command.tile;
  options.self_ensemble = command.self_ensemble;
  options.progress = [&progress](std::int64_t done, std::int64_t rows) {
    progress.rows(done, rows);
  };
  options.warn = [&progress](const std::string& text) { progress.warn(text); };
  options.note = [&progress](const std::string& text) { progress.note(text); };
  options.cancelled = [] { return Interruption::signal() != 0; };
  return options;
}

}  // namespace pisr
