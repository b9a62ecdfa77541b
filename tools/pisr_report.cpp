// pisr_report: one page about a training run, or several compared.

#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

#include "core/atomic_file.h"
#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/printable.h"
#include "pisr/eval/evaluate.h"
#include "pisr/model/architectures.h"
#include "pisr/report/report_run.h"
#include "pisr/train/config.h"
#include "pisr/train/training_data.h"
#include "tools/device_option.h"
#include "tools/interruption.h"
#include "tools/program.h"

namespace {

constexpr const char* kProgram = "pisr_report";

/// "Set5: student 34.811 dB / 0.9404", a line for each model on each set.
void print_table(const pisr::ReportData& report) {
  for (const pisr::EvaluationResult& result : report.table.results) {
    std::string label = result.model;
    for (const pisr::ReportModel& model : report.models) {
      if (model.name == result.model && !model.label.empty()) {
        label = model.label + (model.note.empty() ? "" : " (" + model.note + ")");
      }
    }
    std::cout << result.set << ": " << label << " " << std::fixed << std::setprecision(3)
              << result.mean.psnr << " dB / " << std::setprecision(4) << result.mean.ssim << '\n';
  }
}

/// The sets that `paths` name, or where there are none the validation images of the run.
std::vector<pisr::EvaluationSet> load_sets(const std::vector<std::string>& paths, int scale,
                                           pisr::TrainConfig config, int threads) {
  std::vector<pisr::EvaluationSet> sets;
  for (const std::string& path : paths) {
    for (const std::filesystem::path& folder : pisr::find_evaluation_sets(path)) {
      sets.push_back(pisr::load_evaluation_set(folder, scale, threads));
    }
  }
  if (sets.empty()) {
    config.threads = threads;
    sets.push_back(pisr::load_validation_set(config));
  }
  for (const pisr::EvaluationSet& set : sets) {
    for (const std::string& warning : set.data.warnings) {
      pisr::warn(kProgram, warning);
    }
  }
  return sets;
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): before run_program only memory can run out.
int main(int argc, char** argv) {
  using namespace pisr;
  std::vector<std::string> runs;
  std::vector<std::string> data;
  std::string output;
  std::string protocol = "pisr";
  int scale = 0;
  int threads = 0;
  ReportRequest request;

  CLI::App app(
      "Measures the networks of training runs and writes a page with tables, curves and pictures",
      kProgram);
  app.add_option("runs", runs, "Run directories; several are compared")
      ->type_name("FOLDER")
      ->required();
  app.add_option("-d,--data", data,
                 "Folders of images to measure on, as for pisr_eval; the validation images of the "
                 "first run where none is named")
      ->type_name("FOLDER");
  app.add_option("-o,--output", output,
                 "Page to write; report.html of the first run by default; - prints it")
      ->type_name("FILE");
  app.add_option("-s,--scale", scale, "Scale: 2, 3 or 4; that of the first run by default")
      ->check(CLI::IsMember({2, 3, 4}));
  app.add_option("--architecture", request.weights.architecture,
                 "Network of the weights, which they are checked against; without it, weights that "
                 "do not tell theirs have that of the run's configuration")
      ->type_name("{" + architecture_names() + "}");
  app.add_option("-p,--protocol", protocol,
                 "How to compare networks on luminance: pisr or matlab; those on RGB have a "
                 "protocol of their own, rgb")
      ->type_name("{pisr,matlab}")
      ->capture_default_str();
  app.add_option("--title", request.title, "Title of the page");
  app.add_flag("--time", request.time,
               "Also measure how long each network takes for an output of 1280x720; nothing else "
               "should run on the machine");
  app.add_option("-j,--threads", threads, "Threads; 0 = all")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  const BackendOption backend_option(app);
  return run_program(app, argc, argv, [&] {
    const BackendChoice backend = backend_option.value_or_own();
    if (backend == BackendChoice::cudnn) {
      throw Error(ErrorKind::usage, "backend: cudnn runs on a CUDA device, pisr_report on the CPU");
    }
    request.protocol = protocol_from_name(protocol);
    request.runs.assign(runs.begin(), runs.end());
    request.weights.note = [](const std::string& text) { note(kProgram, text); };
    request.stop = [] { return Interruption::signal() != 0; };
    const TrainConfig config = read_run_config(request.runs.front());
    const std::filesystem::path page =
        output.empty() ? request.runs.front() / "report.html" : std::filesystem::path(output);
    if (page != kStdout) {
      check_writable(page);
    }
    const std::vector<EvaluationSet> sets =
        load_sets(data, scale == 0 ? config.network.scale : scale, config, threads);
    request.sets = sets;
    ThreadPool pool(threads);
    Context context(pool, host_backend(backend));
    const Interruption interruption;
    try {
      const ReportData report = gather_report(context, pool, request);
      if (page == kStdout) {
        std::cout << render_report(report);
        return 0;
      }
      write_report(page, report);
      print_table(report);
      std::cout << printable(page) << '\n';
      return 0;
    } catch (const EvaluationStopped&) {
      std::cerr << kProgram << ": stopped\n";
      return Interruption::exit_code();
    }
  });
}
