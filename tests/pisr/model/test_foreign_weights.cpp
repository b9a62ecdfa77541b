// Weights as others name and publish them, and what they do not tell.

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "nn/init.h"
#include "pisr/model/architectures.h"
#include "pisr/model/drcn.h"
#include "pisr/model/fsrcnn.h"
#include "pisr/model/srcnn.h"
#include "pisr/model/weights.h"
#include "tests/catch.h"
#include "tests/pisr/model/weights_files.h"

namespace pisr {

TEST_CASE("FSRCNN as others name its layers", "[weights]") {
  const SafeTensors file = published();
  const std::unique_ptr<SrNetwork> wanted = make_network(file, "w");
  const auto renamed = [&](const std::map<std::string, std::string>& names) {
    SafeTensors result;
    result.metadata = file.metadata;
    for (const auto& [from, to] : names) {
      for (const char* const part : {".weight", ".bias"}) {
        if (file.tensors.contains(from + part)) {
          result.tensors[to + part] = file.tensors.at(from + part);
        }
      }
      if (file.tensors.contains(from)) {
        result.tensors[to + ".weight"] = file.tensors.at(from);  // slopes
      }
    }
    CHECK(result.tensors.size() == file.tensors.size());
    return result;
  };
  const std::map<std::string, std::string> slopes = {
      {"conv1", "conv1"},   {"conv2", "conv2"},   {"conv3", "conv3"},   {"conv4", "conv4"},
      {"conv5", "conv5"},   {"deconv", "deconv"}, {"prelu1", "prelu1"}, {"prelu2", "prelu2"},
      {"prelu3", "prelu3"}, {"prelu4", "prelu4"}, {"prelu5", "prelu5"}};
  const std::map<std::string, std::string> three_parts = {
      {"conv1", "first_part.0"}, {"prelu1", "first_part.1"}, {"conv2", "mid_part.0"},
      {"prelu2", "mid_part.1"},  {"conv3", "mid_part.2"},    {"prelu3", "mid_part.3"},
      {"conv4", "mid_part.4"},   {"prelu4", "mid_part.5"},   {"conv5", "mid_part.6"},
      {"prelu5", "mid_part.7"},  {"deconv", "last_part"}};
  const std::map<std::string, std::string> five_parts = {{"conv1", "feature_extraction.0"},
                                                         {"prelu1", "feature_extraction.1"},
                                                         {"conv2", "shrink.0"},
                                                         {"prelu2", "shrink.1"},
                                                         {"conv3", "map.0"},
                                                         {"prelu3", "map.1"},
                                                         {"conv4", "map.2"},
                                                         {"prelu4", "map.3"},
                                                         {"conv5", "expand.0"},
                                                         {"prelu5", "expand.1"},
                                                         {"deconv", "deconv"}};
  for (const auto& names : {slopes, three_parts, five_parts}) {
    const SafeTensors theirs = renamed(names);
    check_equal(*make_network(theirs, "w"), *wanted);
    const std::string last = names.at("deconv") + ".bias";
    check_refused(
        theirs, [&](SafeTensors& f) { f.tensors.erase(last); },
        kNearestFsrcnn + "tensor '" + last + "' is missing, wanted [1]");
  }
}

TEST_CASE("a 1x1 convolution before depth to space is a transposed one", "[weights]") {
  const FsrcnnOptions options{.feature_channels = 5,
                              .shrink_channels = 3,
                              .mapping_layers = 2,
                              .scale = 3,
                              .slope_per_channel = true,
                              .depth_to_space = true};
  SafeTensors file = published();
  file.metadata.clear();
  file.tensors.erase("deconv.weight");
  file.tensors.erase("deconv.bias");
  file.tensors["tail.weight"] = Tensor::empty({9, 5, 1, 1});
  file.tensors["tail.bias"] = Tensor::full({1}, 0.5);
  for (int i = 0; i < 45; ++i) {
    file.tensors.at("tail.weight").data<float>()[i] = static_cast<float>(i);
  }
  const std::unique_ptr<SrNetwork> network = make_network(file, "w");
  CHECK(network->spec() == fsrcnn_spec(options));
  const NamedParameter weight = *(network->parameters().end() - 2);
  CHECK(weight.name == "deconvolution.weight");
  for (int in = 0; in < 5; ++in) {
    for (int out = 0; out < 9; ++out) {
      CHECK(weight.parameter->value.data<float>()[9 * in + out] == 5 * out + in);
    }
  }
  check_refused(
      file,
      [](SafeTensors& f) {
        f.tensors["tail.weight"] = Tensor::zeros({8, 5, 1, 1});
      },
      kNearestFsrcnn +
          "tensor 'tail.weight' must have shape [s^2,5,1,1] for a scale s, got [8,5,1,1]");
  check_refused(
      file,
      [](SafeTensors& f) {
        f.tensors["tail.weight"] = Tensor::zeros({9, 4, 1, 1});
      },
      kNearestFsrcnn + "tensor 'tail.weight' must have shape [5,1,3,3], got [4,1,3,3]");
}

TEST_CASE("SRCNN's kernels, colours and names are told by its tensors", "[weights]") {
  for (const auto& [first, second, third] : {std::array<std::string, 3>{"conv1", "conv2", "conv3"},
                                             {"features.0", "map.0", "reconstruction"}}) {
    for (const int middle : {1, 3, 5}) {
      for (const int channels : {1, 3}) {
        const SrcnnOptions options{.feature_channels = 6,
                                   .mapping_channels = 4,
                                   .middle_kernel = middle,
                                   .scale = 3,
                                   .channels = channels};
        Srcnn network(options);
        initialise(network, 1);
        SafeTensors file;
        const std::map<std::string, std::string> names = {
            {"extraction", first}, {"mapping", second}, {"reconstruction", third}};
        for (const NamedParameter& named : network.parameters()) {
          const std::size_t dot = named.name.find('.');
          file.tensors[names.at(named.name.substr(0, dot)) + named.name.substr(dot)] =
              named.parameter->value;
        }
        const auto loaded = make_network(file, "w", 3);
        CHECK(loaded->spec() == srcnn_spec(options));
        check_equal(*loaded, network);
        check_refused(
            file, [bias = third + ".bias"](SafeTensors& f) { f.tensors.erase(bias); },
            message("fits no network; the nearest is srcnn, but tensor '", third,
                    ".bias' is missing, wanted [", channels, "]"),
            3);
      }
    }
  }
}

TEST_CASE("DRCN's published layout is on 0..255", "[weights]") {
  Drcn network({.feature_channels = 3, .recursions = 4});
  initialise(network, 1);
  const std::map<std::string, std::string> names = {{"embed.0", "embed1"},
                                                    {"embed.1", "embed2"},
                                                    {"recursion", "infer"},
                                                    {"reconstruct.0", "recon1"},
                                                    {"reconstruct.1", "recon2"}};
  SafeTensors file;
  for (const NamedParameter& named : network.parameters()) {
    const std::size_t dot = named.name.rfind('.');
    const std::string key = dot == std::string::npos
                                ? "layer_weights"
                                : names.at(named.name.substr(0, dot)) + named.name.substr(dot);
    file.tensors[key] = named.parameter->value.clone();
    if (key.ends_with(".bias")) {
      for (float& value : file.tensors.at(key).values<float>()) {
        value *= 255;
      }
    }
  }
  const auto loaded = make_network(file, "w", 2);
  CHECK(loaded->spec() == network.spec());
  const auto wanted = network.parameters();
  const auto got = loaded->parameters();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto values = got[i].parameter->value.values<float>();
    for (std::size_t j = 0; j < values.size(); ++j) {
      CHECK(values[j] == Approx(wanted[i].parameter->value.values<float>()[j]).epsilon(1e-6));
    }
  }
  check_refused(
      file, [](SafeTensors& f) { f.tensors.erase("recon1.bias"); },
      "fits no network; the nearest is drcn, but tensor 'recon1.bias' is missing, wanted [3]", 2);
}

namespace {

struct Told {
  std::map<std::string, std::string> metadata;
  std::map<std::string, OptionValue> options;  ///< by a person
  bool replicate = false;
  int deconvolution = 4;
  bool noted = false;
};

}  // namespace

TEST_CASE("padding is what metadata, a person or prose say, otherwise zeros, which is said",
          "[weights]") {
  const std::map<std::string, OptionValue> nobody;
  const std::map<std::string, OptionValue> replicate = {{"replicate_padding", true}};
  const std::map<std::string, OptionValue> zero = {{"replicate_padding", false}};
  for (const Told& told : std::vector<Told>{
           {{}, nobody, false, 4, true},
           {{{"padding", "zero"}}, nobody},
           {{{"padding", "replicate"}}, nobody, true},
           {{{"replicate_padding", "true"}, {"deconvolution_padding", "3"}}, nobody, true, 3},
           {{{"padding", "zero"}}, zero},
           {{}, zero},
           {{}, replicate, true},
           {{}, {{"replicate_padding", true}, {"deconvolution_padding", 3}}, true, 3},
           {{{"arch", "FSRCNN, REPLICATE padding, deconv 9x9 padding 3"}}, nobody, true, 3},
           {{{"architecture", "replication padding; deconv: padding = 4"}}, nobody, true, 4},
           {{{"arch", "zero padded, deconv pad 3"}}, nobody, false, 3},
           {{{"arch", "zero-padded, deconv(output_padding=4, padding=3)"}}, nobody, false, 3},
           {{{"arch", "replicate padding"}, {"padding", "zero"}}, nobody},
           {{{"arch", "replicate padding"}}, zero},
           {{{"arch", "replicate padding or zero padding"}}, nobody, false, 4, true},
           {{{"arch", "deconv padding same"}}, replicate, true},
           {{{"arch", "padding 3"}}, nobody, false, 4, true}}) {
    SafeTensors file = published();
    file.metadata.insert(told.metadata.begin(), told.metadata.end());
    CAPTURE(told.metadata, told.replicate);
    std::vector<std::string> notes;
    WeightsOptions wanted;
    wanted.options = told.options;
    wanted.note = [&](const std::string& note) { notes.push_back(note); };
    const NetworkSpec spec = make_network(file, "w", wanted)->spec();
    CHECK(flag_option(spec, "replicate_padding") == told.replicate);
    CHECK(number_option(spec, "deconvolution_padding") == told.deconvolution);
    CHECK(notes.size() == (told.noted ? 1 : 0));
    if (told.noted && !notes.empty()) {
      CHECK(notes[0] ==
            "'w': nothing tells the padding of its convolutions: zeros are taken; --padding "
            "replicate repeats the border");
    }
  }
}

TEST_CASE("padding that contradicts the weights is refused", "[weights]") {
  const auto refused = [](SafeTensors file, const std::map<std::string, OptionValue>& options,
                          const std::string& text) {
    WeightsOptions wanted;
    wanted.scale = 2;
    wanted.options = options;
    try {
      make_network(file, "w", wanted);
      FAIL("accepted, wanted: " << text);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::weights);
      CHECK(error.what() == "'w': " + text);
    }
  };
  const std::map<std::string, OptionValue> replicate = {{"replicate_padding", true}};
  SafeTensors file = published();
  file.metadata["padding"] = "zero";
  refused(file, replicate, "these weights have replicate_padding false, wanted true");
  file.metadata["padding"] = "reflect";
  refused(file, {}, "metadata 'padding' must be 'zero' or 'replicate', got 'reflect'");
  file.metadata["padding"] = "zero";
  file.metadata["deconvolution_padding"] = "2";
  refused(file, {}, "fsrcnn: deconvolution_padding must be in 3..4, got 2");
  // Our own, with and without the entry.
  SafeTensors ours = saved({.feature_channels = 5, .shrink_channels = 3, .mapping_layers = 2});
  refused(ours, replicate, "these weights have replicate_padding false, wanted true");
  ours.metadata.erase("replicate_padding");
  refused(ours, replicate, "these weights have replicate_padding false, wanted true");
  WeightsOptions zero;
  zero.options = {{"replicate_padding", false}};
  CHECK(!flag_option(make_network(ours, "w", zero)->spec(), "replicate_padding"));
  // A network without the choice.
  SafeTensors plain;
  const auto network = make_network(default_spec("plain"));
  store_parameters(*network, "", plain.tensors);
  plain.metadata = {{"architecture", "plain"}, {"format_version", "1"}, {"scale", "2"},
                    {"colour", "y"},           {"layers", "4"},         {"feature_channels", "16"}};
  CHECK_NOTHROW(make_network(plain, "w"));
  refused(plain, replicate,
          "these weights are of the architecture plain, which has no option replicate_padding");
}

}  // namespace pisr
