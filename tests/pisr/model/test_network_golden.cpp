// What PyTorch computes for every network of the table: forward pass, gradients and one step of
// Adam (tests/golden/make_networks.py), in f32 and f64.
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "nn/adam.h"
#include "pisr/model/architectures.h"
#include "tests/catch.h"
#include "tests/golden.h"
#include "tests/worse.h"

namespace pisr {
namespace {

using golden::counter_numbers;
using golden::relative_error;

/// The largest relative error of each quantity.
using Errors = std::map<std::string, double>;

void note(Errors& errors, const std::string& quantity, double error) {
  double& worst = errors[quantity];
  worst = worse(worst, error);
}

/// The names of tests/golden/network_*.safetensors.
std::vector<std::string> golden_files() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path(PISR_SOURCE_DIR) / "tests/golden")) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("network_") && name.ends_with(".safetensors")) {
      names.push_back(name);
    }
  }
  return names;
}

int number(const SafeTensors& file, const std::string& key) {
  return std::stoi(file.metadata.at(key));
}

NetworkSpec spec_of(const SafeTensors& file) {
  NetworkSpec spec;
  spec.architecture = file.metadata.at("architecture");
  spec.scale = number(file, "scale");
  spec.channels = number(file, "channels");
  const auto options = nlohmann::json::parse(file.metadata.at("options"));
  for (const auto& [name, value] : options.items()) {
    spec.options[name] =
        value.is_boolean() ? OptionValue(value.get<bool>()) : OptionValue(value.get<int>());
  }
  return spec;
}

/// Each parameter's row of a table of the file, by the parameter's name.
std::map<std::string, Tensor> rows_of(const SafeTensors& file, const std::string& table) {
  const auto names = nlohmann::json::parse(file.metadata.at("parameters"));
  const Tensor& values = file.tensors.at(table);
  REQUIRE(values.shape() == Shape{static_cast<std::int64_t>(names.size()), 2});
  std::map<std::string, Tensor> rows;
  for (std::size_t i = 0; i < names.size(); ++i) {
    rows[names[i].get<std::string>()] = values.slice_flat(2 * static_cast<std::int64_t>(i), {2});
  }
  return rows;
}

/// One step of training as make_networks.py's step().
Errors step_errors(const SafeTensors& file, DType dtype) {
  const std::string& prefix = file.metadata.at("prefix");
  const std::unique_ptr<SrNetwork> network = make_network(spec_of(file));
  network->convert(dtype);
  golden::set_parameters(*network, prefix);
  const std::int64_t scale = number(file, "scale");
  const Shape low{1, number(file, "channels"), number(file, "height"), number(file, "width")};
  const Shape high{1, low[1], low[2] * scale, low[3] * scale};

  const FlatParameters flat({{"", network.get()}});
  Adam adam(flat);
  Context context;
  Tape tape(context);
  const SrNetwork::Result result =
      network->forward(tape.constant(counter_numbers(prefix + "image.low", low, 0.0, 1.0, dtype)));
  const Variable loss = l1_loss(
      result.image, tape.constant(counter_numbers(prefix + "image.high", high, 0.0, 1.0, dtype)));
  Errors errors;
  note(errors, "output", relative_error(result.image.value(), file.tensors.at("output")));
  note(errors, "feature",
       relative_error(golden::projected("feature", result.feature.value()),
                      file.tensors.at("feature")));
  note(errors, "loss", relative_error(loss.value(), file.tensors.at("loss")));
  CHECK(result.feature.shape()[1] == network->feature_channels());

  const Tensor gradient = flat.make_gradient();
  gradient.set_zero();
  tape.backward(loss, gradient);
  adam.step(context, gradient, std::stod(file.metadata.at("learning_rate")));
  const auto gradients = rows_of(file, "gradients");
  const auto updated = rows_of(file, "updated");
  auto parameters = network->parameters();
  std::erase_if(parameters,
                [](const NamedParameter& named) { return named.role == ParameterRole::constant; });
  REQUIRE(parameters.size() == gradients.size());
  REQUIRE(flat.entries().size() == parameters.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const std::string& name = parameters[i].name;
    CAPTURE(name);
    REQUIRE(gradients.contains(name));
    note(errors, "gradient of " + name,
         relative_error(golden::projected(name, FlatParameters::part(gradient, flat.entries()[i])),
                        gradients.at(name)));
    note(errors, name + " after a step of Adam",
         relative_error(golden::projected(name, parameters[i].parameter->value), updated.at(name)));
  }
  return errors;
}

}  // namespace

TEST_CASE("a step of every network's training agrees with PyTorch", "[golden]") {
  for (const std::string& name : golden_files()) {
    const SafeTensors file = golden::read(name);
    for (const DType dtype : {DType::f32, DType::f64}) {
      for (const auto& [quantity, error] : step_errors(file, dtype)) {
        CAPTURE(name, dtype, quantity, error);
        CHECK(error <= golden::bound(dtype));
      }
    }
  }
}

TEST_CASE("every architecture has a step of PyTorch's to be compared with", "[golden]") {
  std::set<std::string> compared;
  for (const std::string& name : golden_files()) {
    compared.insert(golden::read(name).metadata.at("architecture"));
  }
  for (const Architecture& row : architectures()) {
    CAPTURE(row.name);
    CHECK(compared.contains(row.name));
  }
}

}  // namespace pisr
