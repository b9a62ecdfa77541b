// Weights that others published: names of tensors, recognition, and what is said where nothing
// fits.

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "nn/init.h"
#include "pisr/model/architectures.h"
#include "pisr/model/tensor_names.h"
#include "pisr/model/weights.h"
#include "tests/catch.h"
#include "tests/shared_data.h"
#include "tests/temporary_folder.h"

namespace pisr {
namespace {

using Tensors = std::map<std::string, Tensor>;

Tensors named(const std::vector<std::string>& names) {
  Tensors tensors;
  for (const std::string& name : names) {
    tensors[name] = Tensor::zeros({1});
  }
  return tensors;
}

std::vector<std::string> keys(const Tensors& tensors) {
  std::vector<std::string> names;
  for (const auto& item : tensors) {
    names.push_back(item.first);
  }
  return names;
}

/// Weights of a network, small where its options let it be, under its own names.
SafeTensors own_weights(const Architecture& row, int scale = 2, int layers = 4) {
  NetworkSpec spec;
  spec.architecture = row.name;
  spec.scale = scale;
  for (const NetworkOption& option : row.options) {
    if (option.told_by_shapes && !option.of_training &&
        std::holds_alternative<int>(option.default_value)) {
      const int value = std::clamp(layers, option.lowest, option.highest);
      spec.options[option.name] = value - (value - option.lowest) % option.step;
    }
  }
  const auto network = make_network(spec);
  initialise(*network, 11);
  SafeTensors file;
  store_parameters(*network, "", file.tensors);
  return file;
}

/// The same under the names that somebody published, where {last} stands for the number `layers`.
SafeTensors renamed(const SafeTensors& file, const LayerNames& names, int layers = 4) {
  Tensors places;
  for (const LayerName& name : names) {
    std::string theirs = name.theirs;
    const std::string last = "{last}";
    if (const std::size_t at = theirs.find(last); at != std::string::npos) {
      places[theirs.replace(at, last.size(), std::to_string(layers))] = Tensor::zeros({1});
    }
  }
  const TensorNames table(names, places);
  SafeTensors result;
  for (const auto& [own, tensor] : file.tensors) {
    result.tensors[table.theirs(own)] = tensor;
  }
  return result;
}

bool equal(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::ranges::equal(a.values<float>(), b.values<float>());
}

WeightsOptions at_scale(int scale, const std::string& architecture = "") {
  WeightsOptions wanted;
  wanted.scale = scale;
  wanted.architecture = architecture;
  return wanted;
}

/// "ERROR; HINT" of a file that is refused.
std::string refusal(const SafeTensors& file, const WeightsOptions& wanted = at_scale(2)) {
  try {
    make_network(file, "w", wanted);
    return "none";
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::weights);
    return error.what() + ("; " + error.hint());
  }
}

const std::string kThereAre = "; the networks there are: " + architecture_names();

}  // namespace

TEST_CASE("names of tensors are translated by rules, both ways", "[weights]") {
  const LayerNames names = {{"conv1", "first"},
                            {"conv{last}", "last"},
                            {"conv{n+2}", "body.{n}"},
                            {"prelu{last-1}", "late.slope"},
                            {"act.{2n+1}.{k}", "slopes.{k}.{n}"}};
  const TensorNames table(
      names, named({"conv1.weight", "conv1.bias", "conv2.weight", "conv3.weight", "conv10.weight",
                    "conv", "conv01.weight", "conv1x.weight", "prelu8", "prelu9", "act.1.4.weight",
                    "act.2.4.weight", "act.7.0.weight", "conv5"}));
  CHECK(keys(table.tensors()) ==
        std::vector<std::string>{"act.2.4.weight", "body.0.weight", "body.1.weight", "body.3",
                                 "conv", "conv01.weight", "conv1x.weight", "first.bias",
                                 "first.weight", "last.weight", "late.slope", "prelu9",
                                 "slopes.0.3.weight", "slopes.4.0.weight"});
  CHECK(table.theirs("first.weight") == "conv1.weight");
  CHECK(table.theirs("last.weight") == "conv10.weight");
  CHECK(table.theirs("last.bias") == "conv10.bias");
  CHECK(table.theirs("body.6.weight") == "conv8.weight");
  CHECK(table.theirs("late.slope") == "prelu8");
  CHECK(table.theirs("slopes.5.2") == "act.5.5");
  CHECK(table.theirs("unknown.weight") == "unknown.weight");
  // The longest rule of ours is meant.
  const TensorNames pair({{"a", "layer"}, {"b", "layer.slope"}}, {});
  CHECK(pair.theirs("layer.slope") == "b");
  CHECK(pair.theirs("layer.weight") == "a.weight");
  // The second of two that would have one name keeps its own.
  const TensorNames twice({{"x", "layer"}}, named({"layer.weight", "x.weight"}));
  CHECK(keys(twice.tensors()) == std::vector<std::string>{"layer.weight", "x.weight"});
}

TEST_CASE("every published way to name a network's tensors is read", "[weights]") {
  int ways = 0;
  for (const Architecture& row : architectures()) {
    for (const LayerNames& names : row.published_names) {
      for (const int scale : {2, 3, 4}) {
        const SafeTensors own = own_weights(row, scale);
        const SafeTensors file = renamed(own, names);
        CAPTURE(row.name, ways, scale, keys(file.tensors));
        REQUIRE(file.tensors.size() == own.tensors.size());
        const auto network = make_network(file, "w", at_scale(scale));
        CHECK(network->spec().architecture == row.name);
        for (const NamedParameter& parameter : network->parameters()) {
          CHECK(equal(parameter.parameter->value, own.tensors.at(parameter.name)));
        }
      }
      ++ways;
    }
  }
  CHECK(ways >= 7);
}

TEST_CASE("the network is told by names and shapes alone, and the scale where they can",
          "[weights]") {
  for (const Architecture& row : architectures()) {
    for (const int scale : {2, 3, 4}) {
      CAPTURE(row.name, scale);
      const SafeTensors file = own_weights(row, scale);
      const auto network = make_network(file, "w", at_scale(scale));
      CHECK(network->spec().architecture == row.name);
      const SafeTensors other = own_weights(row, scale == 2 ? 3 : 2);
      const bool differ = !std::ranges::equal(file.tensors, other.tensors, [](auto& a, auto& b) {
        return a.first == b.first && a.second.shape() == b.second.shape();
      });
      if (differ) {
        CHECK(make_network(file, "w")->spec().scale == scale);
        CHECK(refusal(file, at_scale(scale == 2 ? 3 : 2)) ==
              message("'w': these weights are for scale ", scale, ", wanted ", scale == 2 ? 3 : 2,
                      "; "));
      } else {
        CHECK(refusal(file, at_scale(0)) == "'w': metadata lack 'scale'; -s tells it: 2, 3 or 4");
      }
    }
  }
}

TEST_CASE("where nothing fits, the nearest network and the first difference are named",
          "[weights]") {
  const Architecture& row = architecture("vdsr");
  const SafeTensors good = renamed(own_weights(row, 2, 6), row.published_names.front(), 6);
  REQUIRE(good.tensors.contains("conv6.weight"));
  const std::string nearest = "'w': fits no network; the nearest is vdsr, but ";
  SafeTensors file = good;
  file.tensors.erase("conv3.bias");
  CHECK(refusal(file) == nearest + "tensor 'conv3.bias' is missing, wanted [6]" + kThereAre);
  file = good;
  file.tensors.erase("conv4.weight");
  file.tensors.erase("conv4.bias");
  CHECK(refusal(file) ==
        nearest + "tensor 'conv4.weight' is missing, wanted [6,6,3,3]" + kThereAre);
  file = good;
  file.tensors["conv4.weight"] = Tensor::zeros({6, 6, 5, 5});
  CHECK(refusal(file) ==
        nearest + "tensor 'conv4.weight' must have shape [6,6,3,3], got [6,6,5,5]" + kThereAre);
  file = good;
  file.tensors["bn.mean"] = Tensor::zeros({6});
  CHECK(refusal(file) == nearest + "tensor 'bn.mean' [6] is not part of this network" + kThereAre);
  // Told to be another network.
  CHECK(refusal(good, at_scale(2, "idn")) ==
        "'w': these weights are of the architecture vdsr, wanted idn; ");
  CHECK(refusal(file, at_scale(2, "vdsr")) ==
        "'w': does not fit vdsr: tensor 'bn.mean' [6] is not part of this network" + kThereAre);
  // Nothing in common with any.
  file.tensors = {{"\x1bzz", Tensor::zeros({3, 7})}, {"zzz", Tensor::zeros({1})}};
  CHECK(refusal(file) ==
        "'w': is of no network there is: it has 2 tensors, the first '?zz' [3,7]" + kThereAre);
  CHECK(refusal(SafeTensors{}) == "'w': holds no tensors" + kThereAre);
}

TEST_CASE("where the network is told, tensors of unknown names are taken by shapes and order",
          "[weights]") {
  const auto network = make_network(default_spec("vdsr"));
  initialise(*network, 4);
  SafeTensors file;
  int layer = 0;
  for (const NamedParameter& named : network->parameters()) {
    const bool is_weight = named.name.ends_with(".weight");
    file.tensors[message("net.", 2 * layer, is_weight ? ".weight" : ".bias")] =
        named.parameter->value;
    layer += is_weight ? 0 : 1;
  }
  REQUIRE(file.tensors.size() == 40);
  CHECK(refusal(file) ==
        "'w': fits no network by the names of its tensors; the nearest is vdsr, which has their "
        "shapes; --architecture vdsr takes them by their shapes and order" +
            kThereAre);
  std::vector<std::string> notes;
  WeightsOptions wanted = at_scale(3, "vdsr");
  wanted.note = [&](const std::string& note) { notes.push_back(note); };
  const auto loaded = make_network(file, "w", wanted);
  CHECK(loaded->spec().scale == 3);
  CHECK(notes == std::vector<std::string>{
                     "'w': the names of its tensors are not known: those of vdsr are taken by "
                     "their shapes and order"});
  const auto theirs = loaded->parameters();
  const auto ours = network->parameters();
  for (std::size_t i = 0; i < ours.size(); ++i) {
    CHECK(equal(theirs[i].parameter->value, ours[i].parameter->value));
  }
  CHECK(refusal(file, at_scale(2, "drrn")).starts_with("'w': does not fit drrn: tensor "));
  // Layers that are numbered apart have no certain order.
  SafeTensors apart = file;
  for (const char* const part : {".weight", ".bias"}) {
    auto moved = apart.tensors.extract(message("net.8", part));
    moved.key() = message("extra.8", part);
    apart.tensors.insert(std::move(moved));
  }
  CHECK(refusal(apart, at_scale(2, "vdsr")).starts_with("'w': does not fit vdsr: tensor "));
  // One too few, one too many.
  SafeTensors other = file;
  other.tensors.erase("net.10.weight");
  other.tensors.erase("net.10.bias");
  CHECK(refusal(other, at_scale(2, "vdsr")).starts_with("'w': does not fit vdsr: tensor "));
  other = file;
  other.tensors["net.50.weight"] = Tensor::zeros({64, 64, 3, 3});
  CHECK(refusal(other, at_scale(2, "vdsr")).starts_with("'w': does not fit vdsr: tensor "));
}

TEST_CASE("a network of more layers than any is refused at once", "[weights]") {
  SafeTensors file = own_weights(architecture("vdsr"), 2, 6);
  file.tensors["body.999999.weight"] = Tensor::zeros({6, 6, 3, 3});
  const std::string text = refusal(file);
  CAPTURE(text);
  CHECK(text.find("the nearest is vdsr, but tensor 'body.4.weight' is missing") !=
        std::string::npos);
  file.tensors.erase("body.999999.weight");
  file.tensors["body.123456789012345.weight"] = Tensor::zeros({6, 6, 3, 3});
  CHECK(refusal(file).find("nearest is vdsr") != std::string::npos);
}

TEST_CASE("metadata of weights that others published are heeded", "[weights]") {
  const auto with = [](const char* architecture_name, const std::string& key,
                       const std::string& value) {
    const Architecture& row = architecture(architecture_name);
    SafeTensors file = renamed(own_weights(row), row.published_names.front());
    file.metadata = {{key, value}};
    return file;
  };
  CHECK(make_network(with("drrn", "units", "9"), "w", at_scale(2))->spec().options.at("units") ==
        OptionValue(9));
  CHECK(refusal(with("drrn", "units", "many")) ==
        "'w': metadata 'units' must be a number, got 'many'; ");
  CHECK(refusal(with("vdsr", "padding", "zero")) == "none");
  CHECK(refusal(with("vdsr", "padding", "replicate")) ==
        "'w': metadata 'padding' must be 'zero' for vdsr, got 'replicate'; ");
  CHECK(refusal(with("vdsr", "range", "0..1")) == "none");
  CHECK(refusal(with("vdsr", "range", "0..255")) ==
        "'w': metadata 'range' must be '0..1', got '0..255'; ");
  CHECK(refusal(with("vdsr", "colour", "Y/255, bicubic")) == "none");
  CHECK(refusal(with("vdsr", "colour", "rgb")) ==
        "'w': metadata 'colour' must be 'y' for tensors of these shapes, got 'rgb'; ");
  CHECK(refusal(with("vdsr", "architecture", "vdsr")) == "none");
  CHECK(refusal(with("vdsr", "architecture", "VDSR of somebody")) == "none");
  CHECK(refusal(with("vdsr", "architecture", "idn")) ==
        "'w': metadata 'architecture' must be 'vdsr', got 'idn'; ");
  CHECK(refusal(with("vdsr", "scale", "3")) == "'w': these weights are for scale 3, wanted 2; ");
  CHECK(refusal(with("vdsr", "scale", "2,3,4 in one file"), at_scale(0)) ==
        "'w': these weights are for the scales 2,3,4 in one file; -s chooses one");
  CHECK(make_network(with("vdsr", "scale", "2,3,4"), "w", at_scale(4))->spec().scale == 4);
}

TEST_CASE("files of other frameworks are named as what they are", "[weights]") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& name, const std::string& bytes) {
    const auto path = folder.path() / name;
    std::ofstream(path, std::ios::binary) << bytes;
    try {
      load_model(path);
      return std::string("accepted");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::weights);
      const std::string text = error.what();
      CHECK(text.starts_with("'" + path.string() + "': "));
      return text.substr(path.string().size() + 4) + "; " + error.hint();
    }
  };
  const auto converts = [&](const std::string& name) {
    const auto path = folder.path() / name;
    return message("is a PyTorch file, not safetensors; python3 tools/convert_weights.py '",
                   path.string(), "' -o '", (folder.path() / "w.safetensors").string(),
                   "' converts it");
  };
  const std::string zip("PK\x03\x04\0\0\0\0\0\0\0\0", 12);
  for (const std::string name : {"w.pth", "w.pt", "w.ckpt", "w", "w.bin", "w.safetensors"}) {
    CHECK(refused(name, zip) == converts(name));
    CHECK(refused(name, std::string("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9", 9)) == converts(name));
  }
  // A name alone says it too: whatever it holds is no safetensors.
  CHECK(refused("w.pth", "anything at all") == converts("w.pth"));
  const std::string others =
      ", not safetensors; weights are safetensors files; docs/networks.md "
      "says more";
  CHECK(refused("w.onnx", std::string("\x08\x07\x12\x07pytorch", 11)) ==
        "is an ONNX network" + others);
  CHECK(refused("w.pb", "\n\x05input") == "is a TensorFlow graph" + others);
  CHECK(refused("w.caffemodel", "\n\x04VDSR") == "is a Caffe network" + others);
  CHECK(refused("w.npz", zip) == "is a NumPy archive" + others);
  CHECK(refused("w.any", "\x89HDF\r\n\x1a\n") == "is an HDF5 file, as Keras writes them" + others);
  CHECK(refused("w.mat", "MATLAB 5.0 MAT-file, Platform") == "is a MATLAB file" + others);
  // Whatever its name, a safetensors file is one; its length may look like a pickle.
  const std::string header = "{\"__metadata__\":{\"a\":\"" + std::string(640 - 25, 'x') + "\"}}";
  REQUIRE(header.size() == 640);
  CHECK(refused("w.pth", std::string("\x80\x02\0\0\0\0\0\0", 8) + header)
            .starts_with("holds no tensors"));
  CHECK(refused("empty.pth", "").starts_with("not a safetensors file"));
}

TEST_CASE("published weights of every scale and form in shared/ are recognised", "[weights]") {
  struct Row {
    const char* file;
    const char* architecture;
    std::vector<int> scales;
  };
  const std::vector<Row> rows = {{"vdsr_x234_official-via-huangzehao", "vdsr", {2, 3, 4}},
                                 {"drrn_x234_jt827859032-via-SRZoo", "drrn", {2, 3, 4}},
                                 {"idn_x2_Zheng222-caffe", "idn", {2}},
                                 {"fsrcnn_x2_yjn870", "fsrcnn", {2}},
                                 {"fsrcnn_x2_Saafke-opencv", "fsrcnn", {2}},
                                 {"srcnn-955_x3_fuyongXu", "srcnn", {3}},
                                 {"srcnn-955_x4_official-via-CudaChen", "srcnn", {4}},
                                 {"carn-m_x234_nmhkahn", "carn", {2, 3, 4}},
                                 {"imdn_x2_Zheng222", "imdn", {2}}};
  for (const Row& row : rows) {
    const auto path = shared_data(message("weights/", row.file, ".safetensors"));
    if (!path) return;
    SafeTensors file = read_safetensors(*path);
    file.metadata.clear();
    for (const int scale : row.scales) {
      CAPTURE(row.file, scale);
      const auto network = make_network(file, "w", at_scale(scale));
      CHECK(network->spec().architecture == std::string(row.architecture));
      CHECK(network->spec().scale == scale);
    }
  }
}

}  // namespace pisr
