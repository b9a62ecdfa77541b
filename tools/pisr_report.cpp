// pisr_report: one page about a training run, or several compared.

#include <iostream>
#include <string>
#include <vector>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "pisr/evaluate.h"
#include "pisr/report_run.h"
#include "tools/program.h"

int main(int argc, char** argv) {
  using namespace pisr;
  std::vector<std::string> runs;
  std::vector<std::string> data;
  std::string output;
  std::string protocol = "pisr";
  int scale = 2;
  int threads = 0;
  ReportRequest request;

  CLI::App app(
      "Measures the networks of training runs and writes a page with tables, curves and pictures",
      "pisr_report");
  app.add_option("runs", runs, "Run directories; several are compared")->required();
  app.add_option("-d,--data", data, "Folders of images to measure on, as for pisr_eval")
      ->required();
  app.add_option("-o,--output", output, "Page to write; report.html of the first run by default");
  app.add_option("-s,--scale", scale, "Scale of the runs: 2, 3 or 4")
      ->capture_default_str()
      ->check(CLI::IsMember({2, 3, 4}));
  app.add_option("-p,--protocol", protocol, "How to compare: pisr or matlab")
      ->capture_default_str();
  app.add_option("--title", request.title, "Title of the page");
  app.add_option("-j,--threads", threads, "Threads; 0 = all")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  return run_program(app, argc, argv, [&] {
    request.protocol = protocol_from_name(protocol);
    request.runs.assign(runs.begin(), runs.end());
    std::vector<EvaluationSet> sets;
    for (const std::string& path : data) {
      for (const std::filesystem::path& folder : find_evaluation_sets(path)) {
        sets.push_back(load_evaluation_set(folder, scale));
      }
    }
    request.sets = sets;
    const std::filesystem::path page =
        output.empty() ? request.runs.front() / "report.html" : std::filesystem::path(output);
    ThreadPool pool(threads);
    Context context(pool);
    write_report(page, gather_report(context, pool, request));
    std::cout << page.string() << '\n';
    return 0;
  });
}
