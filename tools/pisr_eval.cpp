// pisr_eval: PSNR and SSIM of networks on folders of images, bicubic first; the list of networks.

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/printable.h"
#include "pisr/eval/evaluate.h"
#include "pisr/eval/evaluation_json.h"
#include "pisr/image/image_io.h"
#include "pisr/model/architectures.h"
#include "pisr/model/network_list.h"
#include "pisr/model/weights.h"
#include "tools/device_option.h"
#include "tools/interruption.h"
#include "tools/padding_options.h"
#include "tools/program.h"
#include "tools/table.h"

namespace {

using namespace pisr;

constexpr const char* kProgram = "pisr_eval";

/// The output size that the literature counts multiply-adds for.
constexpr int kCountedWidth = 1280;
constexpr int kCountedHeight = 720;

struct Options {
  std::vector<std::string> weights;
  std::vector<std::string> data;
  int scale = 2;
  bool scale_is_told = false;
  std::string architecture;
  std::map<std::string, OptionValue> network_options;  ///< that weights may not tell
  std::string protocol = "pisr";
  std::string json;
  int threads = 0;
};

/// Weights to evaluate: a network, or a teacher, which is given the truth to see.
struct Model {
  std::string name;
  std::unique_ptr<ImageModel> model;
};

/// Names weights by their file names, or by their paths where two file names are equal.
std::vector<Model> load_models(const Options& options, kernels::Device* device) {
  std::vector<Model> models;
  WeightsOptions wanted;
  // The default is no word of the user's: weights that do not tell their scale need one.
  wanted.scale = options.scale_is_told ? options.scale : 0;
  wanted.architecture = options.architecture;
  wanted.options = options.network_options;
  wanted.note = [](const std::string& text) { note(kProgram, text); };
  for (const std::string& path : options.weights) {
    Model model{printable(std::filesystem::path(path).stem()), load_model(path, wanted)};
    const int scale = model.model->spec().scale;
    if (scale != options.scale) {
      throw Error(
          ErrorKind::weights,
          message("'", path, "': these weights are for scale ", scale, ", wanted ", options.scale),
          message("-s ", scale, " measures them"));
    }
    model.model->move_to(device);
    models.push_back(std::move(model));
  }
  std::vector<std::string> names = {kBicubicModel};
  for (const Model& model : models) {
    names.push_back(model.name);
  }
  for (std::size_t i = 0; i < models.size(); ++i) {
    if (std::count(names.begin(), names.end(), models[i].name) > 1) {
      models[i].name = printable(options.weights[i]);
    }
  }
  return models;
}

/// Those of the models, each once: what bicubic interpolation is measured under. `wanted` is that
/// of models on luminance.
std::vector<Protocol> protocols_of(const std::vector<Model>& models, Protocol wanted) {
  std::vector<Protocol> protocols;
  for (const Model& model : models) {
    const Protocol own =
        protocol_for(wanted, model.model->spec().channels, message("'", model.name, "'"));
    if (std::ranges::find(protocols, own) == protocols.end()) {
      protocols.push_back(own);
    }
  }
  return protocols.empty() ? std::vector{wanted} : protocols;
}

/// The bicubic row of a set under a protocol; `results` begins with those of all protocols.
const EvaluationResult& bicubic_of(const std::vector<EvaluationResult>& results,
                                   Protocol protocol) {
  return *std::ranges::find(results, protocol, &EvaluationResult::protocol);
}

/// "protocol pisr", "protocols pisr and rgb".
std::string text_of(const std::vector<Protocol>& protocols) {
  std::string text = protocols.size() == 1 ? "protocol " : "protocols ";
  for (const Protocol& protocol : protocols) {
    text += message(&protocol == protocols.data() ? "" : " and ", name(protocol));
  }
  return text;
}

/// The first cells of a row: the protocol only where there are several.
std::vector<std::string> first_cells(const std::string& model, const std::string& protocol,
                                     const std::vector<Protocol>& protocols) {
  return protocols.size() == 1 ? std::vector{model} : std::vector{model, protocol};
}

void print_set(const EvaluationSet& set, const std::vector<EvaluationResult>& results, int scale,
               const std::vector<Protocol>& protocols) {
  std::cout << set.name << ", x" << scale << ", " << text_of(protocols) << ", "
            << set.data.images.size() << " images\n";
  std::vector<std::vector<std::string>> rows = {first_cells("model", "protocol", protocols)};
  const std::size_t left = rows[0].size() + 1;
  rows[0].insert(rows[0].end(), {"image", "PSNR/dB", "SSIM", "ms"});
  const auto row = [&](const EvaluationResult& result, const std::string& image, const Score& score,
                       double milliseconds) {
    rows.push_back(first_cells(result.model, name(result.protocol), protocols));
    rows.back().insert(rows.back().end(), {image, decimal(score.psnr, 3), decimal(score.ssim, 4),
                                           decimal(milliseconds, 1)});
  };
  for (const EvaluationResult& result : results) {
    for (const ImageResult& image : result.images) {
      row(result, image.name, image.score, image.milliseconds);
    }
    row(result, "mean", result.mean, result.mean_milliseconds());
  }
  print_table(rows, left);
  std::cout << std::endl;
}

/// All networks there are, without weights or images.
int list_networks(const std::string& json) {
  const std::vector<NetworkFacts> networks = network_list(kCountedWidth, kCountedHeight);
  if (json == kStdout) {
    std::cout << to_json(networks);
    return 0;
  }
  std::vector<std::vector<std::string>> rows = {{"name", "network", "colour", "input", "scale",
                                                 "parameters", "MultiAdds (paper)",
                                                 "MultiAdds (exact)", "halo"}};
  for (const NetworkFacts& network : networks) {
    const auto& count = network.multiply_adds;
    rows.push_back({network.name, network.title, network.channels == 3 ? "rgb" : "y",
                    network.input == NetworkInput::low ? "low" : "enlarged",
                    std::to_string(network.scale),
                    network.parameters ? std::to_string(*network.parameters) : "-",
                    count ? giga(count->paper) : "-", count ? giga(count->exact) : "-",
                    network.halo ? std::to_string(*network.halo) : "whole image"});
  }
  std::cout << "Networks with their default options; MultiAdds for an output of " << kCountedWidth
            << "x" << kCountedHeight << "; halo in pixels of the low-resolution image\n";
  print_table(rows, 4);
  if (!json.empty()) {
    write_file_atomically(json, to_json(networks));
  }
  return 0;
}

/// `results`: for each set bicubic under each protocol, then the models.
void print_summary(const std::vector<EvaluationResult>& results, const std::vector<Model>& models,
                   const std::vector<EvaluationSet>& sets, const std::vector<Protocol>& protocols) {
  std::vector<std::vector<std::string>> rows = {first_cells("model", "protocol", protocols)};
  const std::size_t left = rows[0].size();
  for (const EvaluationSet& set : sets) {
    rows[0].push_back(set.name);
  }
  rows[0].insert(rows[0].end(), {"parameters", "MultiAdds (paper)", "MultiAdds (exact)"});
  const std::size_t bicubic = protocols.size();
  const std::size_t a_set = bicubic + models.size();
  for (std::size_t i = 0; i < a_set; ++i) {
    std::vector<std::string> row =
        first_cells(results[i].model, name(results[i].protocol), protocols);
    for (std::size_t set = 0; set < sets.size(); ++set) {
      const Score& mean = results[set * a_set + i].mean;
      row.push_back(decimal(mean.psnr, 3) + "/" + decimal(mean.ssim, 4));
    }
    if (i < bicubic) {
      row.insert(row.end(), {"-", "-", "-"});
    } else {
      const ImageModel& model = *models[i - bicubic].model;
      row.push_back(std::to_string(model.parameter_count()));
      if (const auto* const network = dynamic_cast<const SrNetwork*>(&model)) {
        const MultiplyAdds count = network->multiply_adds(kCountedWidth, kCountedHeight);
        row.insert(row.end(), {giga(count.paper), giga(count.exact)});
      } else {
        row.insert(row.end(), {"-", "-"});
      }
    }
    rows.push_back(row);
  }
  print_table(rows, left);
}

int evaluate_all(const Options& options, const DeviceOption& device_option) try {
  const Protocol protocol = protocol_from_name(options.protocol);
  const bool json_on_stdout = options.json == kStdout;
  if (!options.json.empty() && !json_on_stdout) {
    check_writable(options.json);
  }
  const std::unique_ptr<kernels::Device> device = device_option.open();
  const std::vector<Model> models = load_models(options, device.get());
  const std::vector<Protocol> protocols = protocols_of(models, protocol);
  std::vector<EvaluationSet> sets;
  for (const std::string& path : options.data) {
    for (const std::filesystem::path& folder : find_evaluation_sets(path)) {
      sets.push_back(load_evaluation_set(folder, options.scale, options.threads));
      for (const std::string& warning : sets.back().data.warnings) {
        warn(kProgram, warning);
      }
    }
  }
  const Interruption interruption;
  const StopCheck stop = [] { return Interruption::signal() != 0; };
  ThreadPool pool(options.threads);
  Context context(pool, device.get(), device_option.host_backend());
  EvaluationTable table{protocols.front(), options.scale, {}};
  for (const EvaluationSet& set : sets) {
    std::vector<EvaluationResult> results;
    for (const Protocol of_models : protocols) {
      results.push_back(evaluate_bicubic(pool, set, of_models, stop));
      const std::string difference = compare_with_known(results.back(), options.scale, of_models);
      if (!difference.empty()) {
        warn(kProgram, difference);
      }
    }
    for (const Model& model : models) {
      results.push_back(evaluate(context, pool, set, protocol, model.name, *model.model, stop));
      results.back().suspicion =
          compare_with_bicubic(results.back(), bicubic_of(results, results.back().protocol));
      if (!results.back().suspicion.empty()) {
        warn(kProgram, results.back().suspicion);
      }
    }
    if (!json_on_stdout) {
      print_set(set, results, options.scale, protocols);
    }
    std::move(results.begin(), results.end(), std::back_inserter(table.results));
  }
  if (json_on_stdout) {
    std::cout << to_json(table);
    return 0;
  }
  std::cout << "Mean PSNR/SSIM, x" << options.scale << ", " << text_of(protocols)
            << "; MultiAdds for an output of " << kCountedWidth << "x" << kCountedHeight << "\n";
  print_summary(table.results, models, sets, protocols);
  if (!options.json.empty()) {
    write_file_atomically(options.json, to_json(table));
  }
  return 0;
} catch (const EvaluationStopped&) {
  std::cerr << kProgram << ": stopped\n";
  return Interruption::exit_code();
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): before run_program only memory can run out.
int main(int argc, char** argv) {
  Options options;
  CLI::App app("PSNR and SSIM of networks on folders of images, on luminance, bicubic first",
               kProgram);
  app.add_option("-m,--model", options.weights,
                 "Weights (safetensors); several are compared; none: bicubic alone")
      ->type_name("FILE");
  app.add_option("-d,--data", options.data,
                 "Folders of images: a benchmark set (HR, perhaps LR_bicubic), a folder of such "
                 "sets, DIV2K, or any folder of images (" +
                     image_formats() + "); needed but for --list")
      ->type_name("FOLDER");
  bool list = false;
  app.add_flag("--list", list,
               "Print the networks there are instead: parameters, MultiAdds, colour, input, halo");
  const CLI::Option* const scale =
      app.add_option("-s,--scale", options.scale,
                     "Scale: 2, 3 or 4; must be given where weights do not tell theirs")
          ->capture_default_str()
          ->check(CLI::IsMember({2, 3, 4}));
  app.add_option("--architecture", options.architecture,
                 "Network; needed where weights do not tell theirs, otherwise checked")
      ->type_name("{" + architecture_names() + "}");
  add_padding_options(app, options.network_options);
  app.add_option("-p,--protocol", options.protocol,
                 "How to compare networks on luminance: pisr or matlab; those on RGB have a "
                 "protocol of their own, rgb")
      ->type_name("{pisr,matlab}")
      ->capture_default_str();
  app.add_option("--json", options.json,
                 "Also write all results to this file; - prints them instead of the tables")
      ->type_name("FILE");
  app.add_option("-j,--threads", options.threads, "Threads; 0 = all")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  const DeviceOption device_option(app);
  return run_program(app, argc, argv, [&] {
    if (list) {
      return list_networks(options.json);
    }
    if (options.data.empty()) {
      throw Error(ErrorKind::usage, "--data is required");
    }
    options.scale_is_told = scale->count() > 0;
    return evaluate_all(options, device_option);
  });
}
