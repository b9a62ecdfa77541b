#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/safetensors.h"
#include "pisr/model/network.h"
#include "pisr/model/tensor_names.h"

/// The one table of the networks there are. A new one is its own file and a row in
/// architectures.cpp; nothing else names it.
namespace pisr {

/// Weights in a layout that somebody else published: which network they are of, and the tensor of
/// the file for each of its parameters. One that key_of does not name has its own name there.
struct ForeignWeights {
  NetworkSpec spec;                           ///< its scale does not count
  std::map<std::string, std::string> key_of;  ///< by the parameter's name
  int scale = 0;                              ///< which the shapes tell; 0 where they do not
  /// What the names of tensors begin with that this network does without, such as those that
  /// enlarge by another scale.
  std::vector<std::string> unused = {};
  /// What the network has in place of tensors of the file that hold the same in another order or
  /// unit, by their names in the file.
  std::map<std::string, Tensor> converted = {};
};

/// The options of a network whose parameters have these names and shapes, for weights whose
/// metadata do not tell them. Of tensors of something else any options: they then do not fit.
using OptionsOfShapes =
    std::map<std::string, OptionValue> (*)(const std::map<std::string, Tensor>& tensors);

/// A row of the table of networks.
struct Architecture {
  const char* name;  ///< in configurations and weights
  std::vector<NetworkOption> options;
  /// A network of zeros. `spec` is completed.
  std::unique_ptr<SrNetwork> (*make)(const NetworkSpec& spec);
  /// For tables and reports, e.g. "FSRCNN(56, 12, 4)".
  std::string (*title)(const NetworkSpec& spec);
  /// Recognises published weights that published_names cannot describe, by the names and shapes of
  /// their tensors; nothing where they are of something else. What is missing is found by comparing
  /// with the network of the spec. `name` stands for the file in messages. Is asked for each scale.
  /// Null where published_names say it all.
  std::optional<ForeignWeights> (*recognise)(const SafeTensors& file, const std::string& name,
                                             int scale);
  OptionsOfShapes options_of_shapes;
  /// Of an image that it takes: 1 luminance, 3 RGB. The first is the default.
  std::vector<int> channels = {1};
  /// How those who published weights name its layers, one entry for each way. Only of trainers
  /// whose network computes the same: other activations, skips or padding are another network.
  std::vector<LayerNames> published_names = {};
  /// Whether `make` takes the scale 1, for make_network_of_truth().
  bool keeps_size = false;
};

std::span<const Architecture> architectures();
/// Null for an unknown name.
const Architecture* find_architecture(const std::string& name);
/// Throws Error(usage) with the list of names for an unknown one.
const Architecture& architecture(const std::string& name);
/// As in messages: "fsrcnn, plain".
std::string architecture_names();

/// The spec of an architecture with all its defaults, at scale 2; without a name that of the first
/// in the table.
NetworkSpec default_spec();
NetworkSpec default_spec(const std::string& architecture);

/// Fills in defaults and checks; throws Error(usage).
NetworkSpec completed(const NetworkSpec& spec);
/// A network of zeros.
std::unique_ptr<SrNetwork> make_network(const NetworkSpec& spec);
/// The same with what enlarges replaced by layers of the same kind that keep the size: a network
/// from the truth to itself. Throws Error(usage) for an architecture that has no such form.
std::unique_ptr<SrNetwork> make_network_of_truth(const NetworkSpec& spec);
std::string title(const NetworkSpec& spec);

}  // namespace pisr
