// pisr_upscale: enlarges images, folders of them, pipes and video.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "core/atomic_file.h"
#include "core/context.h"
#include "core/parallel.h"
#include "core/printable.h"
#include "pisr/inference/file_upscaler.h"
#include "pisr/model/architectures.h"
#include "pisr/model/weights.h"
#include "tools/device_option.h"
#include "tools/interruption.h"
#include "tools/output_name.h"
#include "tools/program.h"
#include "tools/progress.h"
#include "tools/table.h"
#include "tools/upscale_batch.h"
#include "tools/upscale_command.h"
#include "tools/upscale_jobs.h"
#include "tools/upscale_progress.h"
#include "tools/upscale_report.h"
#include "tools/upscale_video.h"
#include "tools/weights_choice.h"

namespace {

using namespace pisr;

/// A network and the name of its weights.
struct NamedNetwork {
  std::string name;
  std::unique_ptr<SrNetwork> network;
};

NamedNetwork load(const UpscaleCommand& command, UpscaleProgress& progress) {
  WeightsOptions wanted = command.weights;
  wanted.note = [&progress](const std::string& text) { progress.note(text); };
  NamedNetwork loaded;
  if (!command.model_file.empty()) {
    loaded.name = std::filesystem::path(command.model_file).stem().string();
    loaded.network = load_network(command.model_file, wanted);
  } else {
    const std::string name = command.model_name.empty() ? kDefaultModel : command.model_name;
    loaded.network = load_named_network(name, command.scale_of_name(), wanted, loaded.name);
  }
  return loaded;
}

void say_what_runs(const NamedNetwork& loaded, const ThreadPool& pool, UpscaleProgress& progress) {
  const NetworkSpec& spec = loaded.network->spec();
  progress.say(message("weights ", loaded.name, ": ", title(spec), " x", spec.scale, ", ",
                       pool.threads(), pool.threads() == 1 ? " thread" : " threads"));
}

int list_models() {
  std::vector<std::vector<std::string>> rows;
  for (const FoundWeights& found : list_weights()) {
    rows.push_back(
        {printable(found.name), found.built_in != nullptr ? "built in" : printable(found.file)});
  }
  print_table(rows, 2);
  return 0;
}

/// What can be known before the weights are loaded: a single output that cannot be written.
void check_single_output(const UpscaleCommand& command, const UpscaleJobs& jobs) {
  std::error_code none;
  if (command.writes_to_stdout() || is_folder(command, jobs.several) || command.dry_run ||
      (command.skip_existing && std::filesystem::exists(command.output, none))) {
    return;
  }
  UpscaleOptions options;
  options.overwrite = command.overwrite;
  check_output(command.output, options);
}

int upscale_images(const UpscaleCommand& command, const DeviceOption& device_option,
                   UpscaleProgress& progress) {
  const auto start = std::chrono::steady_clock::now();
  const OutputName checked(command.name);
  UpscaleJobs jobs = find_jobs(command);
  check_single_output(command, jobs);
  const std::unique_ptr<kernels::Device> device = command.dry_run ? nullptr : device_option.open();
  const NamedNetwork loaded = load(command, progress);
  UpscaleRun run;
  run.model = loaded.name;
  run.scale = loaded.network->spec().scale;
  run.planned = command.dry_run;
  name_outputs(command, run.scale, loaded.name, jobs);
  for (const std::string& warning : jobs.warnings) {
    progress.warn(warning);
  }
  int code = 0;
  const Interruption interruption;
  if (command.dry_run) {
    code = plan_jobs(command, run.scale, jobs, progress);
  } else {
    loaded.network->move_to(device.get());
    ThreadPool pool(command.threads);
    Context context(pool, device.get(), device_option.host_backend());
    say_what_runs(loaded, pool, progress);
    code = run_jobs(context, *loaded.network, command, jobs, progress);
  }
  run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  write_report(command, run, jobs);
  return code;
}

int upscale_video(const UpscaleCommand& command, const DeviceOption& device_option,
                  UpscaleProgress& progress) {
  check_video_output(command);
  const std::unique_ptr<kernels::Device> device = device_option.open();
  const NamedNetwork loaded = load(command, progress);
  loaded.network->move_to(device.get());
  ThreadPool pool(command.threads);
  Context context(pool, device.get(), device_option.host_backend());
  say_what_runs(loaded, pool, progress);
  return upscale_video_command(context, *loaded.network, loaded.name, command, progress);
}

int upscale(const UpscaleCommand& command, const DeviceOption& device_option) {
  if (command.list_models) {
    return list_models();
  }
  check(command);
  // Files are to be finished whoever reads what is printed beside.
  const bool prints_result = command.writes_to_stdout() || command.dry_run;
  if (!prints_result) {
    outlive_readers();
  }
  UpscaleProgress progress(progress_style_from_name(command.progress), command.quiet,
                           command.verbose);
  if (!command.report.empty() && command.report != kStdout) {
    check_writable(command.report);
  }
  const int code = command.is_video() ? upscale_video(command, device_option, progress)
                                      : upscale_images(command, device_option, progress);
  if (!prints_result) {
    forget_gone_reader();
  }
  return code;
}

/// Planes and rows of one strip take the memory of those before. glibc would return it to the
/// system and have every page cleared again.
void keep_freed_memory() {
#if defined(__GLIBC__)
  constexpr int kMost = 1 << 30;
  ::mallopt(M_MMAP_THRESHOLD, kMost);
  ::mallopt(M_TRIM_THRESHOLD, kMost);
#endif
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): before run_program only memory can run out.
int main(int argc, char** argv) {
  UpscaleCommand command;
  CLI::App app(
      "Enlarges images and video: luminance by a network and colour by bicubic interpolation, or "
      "both by a network on RGB",
      kUpscaleProgram);
  add_upscale_options(app, command);
  const DeviceOption device_option(app);
  keep_freed_memory();
  return run_program(app, argc, argv, [&] { return upscale(command, device_option); });
}
