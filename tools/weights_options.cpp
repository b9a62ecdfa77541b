#include "tools/weights_options.h"

#include "pisr/model/architectures.h"
#include "tools/padding_options.h"

namespace pisr {

void add_weights_options(CLI::App& app, std::string& model_name, std::string& model_file,
                         WeightsOptions& weights) {
  app.add_option("-s,--scale", weights.scale,
                 "Scale: 2, 3 or 4. Without -m it chooses the weights, 2 by default; with -m it is "
                 "needed where they do not tell theirs, and checked otherwise")
      ->check(CLI::IsMember({2, 3, 4}));
  CLI::Option* const name =
      app.add_option("-n,--model-name", model_name,
                     "Weights by name: built-in ones, or a file of PISR_WEIGHTS_PATH or "
                     "share/pisr/weights; without -n and -m the built-in ones of the scale")
          ->type_name("NAME");
  app.add_option("-m,--model", model_file, "File of weights (safetensors)")
      ->type_name("FILE")
      ->excludes(name);
  app.add_option("--architecture", weights.architecture,
                 "Network; needed where the weights do not tell theirs, otherwise checked")
      ->type_name("{" + architecture_names() + "}");
  add_padding_options(app, weights.options);
}

}  // namespace pisr
