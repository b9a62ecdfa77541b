#include "tools/padding_options.h"

#include "pisr/model/padding.h"

namespace pisr {

void add_padding_options(CLI::App& app, std::map<std::string, OptionValue>& options) {
  app.add_option_function<std::string>(
         "--padding",
         [&options](const std::string& padding) {
           options[kReplicatePadding] = padding == "replicate";
         },
         "What convolutions see around an image: zero, or replicate, its border repeated; needed "
         "where the weights do not tell theirs, otherwise checked")
      ->check(CLI::IsMember({"zero", "replicate"}));
  app.add_option_function<int>(
         "--deconvolution-padding",
         [&options](int padding) { options[kDeconvolutionPadding] = padding; },
         "Rows and columns that a deconvolution's output lacks above and at the left: 4, or 3; as "
         "--padding")
      ->check(CLI::IsMember({3, 4}));
}

}  // namespace pisr
