#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <utility>

#include "nn/flat_parameters.h"
#include "nn/init.h"
#include "pisr/model/architectures.h"
#include "pisr/model/drcn.h"
#include "pisr/model/fsrcnn.h"
#include "pisr/model/metadata.h"
#include "pisr/model/srcnn.h"
#include "pisr/model/weights.h"
#include "tests/catch.h"
#include "tests/shared_data.h"
#include "tests/temporary_folder.h"

namespace pisr {
namespace {

constexpr FsrcnnOptions kSmall{
    .feature_channels = 5, .shrink_channels = 3, .mapping_layers = 2, .scale = 3};

bool equal(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         std::ranges::equal(a.values<float>(), b.values<float>());
}

void check_equal(const Module& a, const Module& b) {
  const auto first = a.parameters();
  const auto second = b.parameters();
  REQUIRE(first.size() == second.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    CHECK(first[i].name == second[i].name);
    CHECK(equal(first[i].parameter->value, second[i].parameter->value));
  }
}

/// The weights of a small network as saved.
SafeTensors saved(const FsrcnnOptions& options = kSmall) {
  const TemporaryFolder folder;
  Fsrcnn network(options);
  initialise(network, 1);
  save_weights(folder.path() / "w.safetensors", network);
  return read_safetensors(folder.path() / "w.safetensors");
}

/// The published layout of the same weights.
SafeTensors published() {
  SafeTensors file = saved({.feature_channels = 5,
                            .shrink_channels = 3,
                            .mapping_layers = 2,
                            .slope_per_channel = true});
  const std::map<std::string, std::string> layers = {
      {"feature", "1"}, {"shrink", "2"}, {"mapping.0", "3"}, {"mapping.1", "4"}, {"expand", "5"}};
  SafeTensors result;
  result.metadata["scale"] = "2";
  for (const auto& [layer, index] : layers) {
    result.tensors["conv" + index + ".weight"] = file.tensors.at(layer + ".weight");
    result.tensors["conv" + index + ".bias"] = file.tensors.at(layer + ".bias");
    result.tensors["prelu" + index] = file.tensors.at(layer + ".slope");
  }
  result.tensors["deconv.weight"] = file.tensors.at("deconvolution.weight");
  result.tensors["deconv.bias"] = file.tensors.at("deconvolution.bias");
  return result;
}

void check_refused(SafeTensors file, const std::function<void(SafeTensors&)>& change,
                   const std::string& text, int scale = 0) {
  change(file);
  try {
    make_network(file, "w", scale);
    FAIL("accepted, wanted: " << text);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::weights);
    CHECK(error.what() == "'w': " + text);
  }
}

void nothing(SafeTensors&) {}

const std::string kNearestFsrcnn = "fits no network; the nearest is fsrcnn, but ";

}  // namespace

TEST_CASE("saved weights come back as they were", "[weights]") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "student.safetensors";
  for (const bool slope_per_channel : {false, true}) {
    FsrcnnOptions options = kSmall;
    options.slope_per_channel = slope_per_channel;
    Fsrcnn network(options);
    initialise(network, 7);
    save_weights(path, network, {{"iterations", "5000"}, {"scale", "4"}});
    const std::unique_ptr<SrNetwork> loaded = load_network(path, 3);
    CHECK(loaded->spec() == fsrcnn_spec(options));
    check_equal(network, *loaded);
  }
  const SafeTensors file = read_safetensors(path);
  CHECK(file.metadata.at("architecture") == "fsrcnn");
  CHECK(file.metadata.at("format_version") == "1");
  CHECK(file.metadata.at("scale") == "3");
  CHECK(file.metadata.at("colour") == "y");
  CHECK(file.metadata.at("iterations") == "5000");
}

TEST_CASE("a saved teacher comes back as it was and is no student", "[weights]") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "teacher.safetensors";
  Teacher teacher(fsrcnn_spec(kSmall));
  initialise(teacher, 7);
  save_weights(path, teacher);
  const std::unique_ptr<Teacher> loaded = load_teacher(path);
  CHECK(loaded->spec() == fsrcnn_spec(kSmall));
  check_equal(teacher, *loaded);
  CHECK_THROWS_WITH(load_network(path), "'" + path.string() +
                                            "': metadata 'architecture' must be that of a network, "
                                            "not of a teacher, got 'pisr_teacher'");
}

TEST_CASE("a teacher's weights that do not name the decoder are FSRCNN's", "[weights]") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "teacher.safetensors";
  Teacher teacher(fsrcnn_spec(kSmall));
  initialise(teacher, 7);
  save_weights(path, teacher);
  SafeTensors file = read_safetensors(path);
  CHECK(file.metadata.at("decoder") == "fsrcnn");
  file.metadata.erase("decoder");
  write_safetensors(path, file);
  check_equal(teacher, *load_teacher(path));
  file.metadata["decoder"] = "edsr";
  write_safetensors(path, file);
  CHECK_THROWS_WITH(load_model(path), "'" + path.string() +
                                          "': metadata 'decoder' must be one of " +
                                          architecture_names() + ", got 'edsr'");
}

TEST_CASE("f64 weights are stored as f64 and load as f32", "[weights]") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "student.safetensors";
  Fsrcnn network(kSmall);
  network.convert(DType::f64);
  initialise(network, 7);
  save_weights(path, network);
  CHECK(read_safetensors(path).tensors.at("feature.bias").dtype() == DType::f64);
  network.convert(DType::f32);
  check_equal(network, *load_network(path));
}

TEST_CASE("weights of another network are refused with one clear line", "[weights]") {
  const SafeTensors file = saved();
  check_refused(file, nothing, "these weights are for scale 3, wanted 2", 2);
  check_refused(
      file, [](SafeTensors& f) { f.metadata.clear(); }, "metadata lack 'scale'");
  check_refused(
      file, [](SafeTensors& f) { f.metadata["architecture"] = "edsr\n"; },
      "metadata 'architecture' must be one of " + architecture_names() + ", got 'edsr?'");
  check_refused(
      file, [](SafeTensors& f) { f.metadata["format_version"] = "2"; },
      "metadata 'format_version' must be '1', got '2'");
  check_refused(
      file, [](SafeTensors& f) { f.metadata["colour"] = "grey"; },
      "metadata 'colour' must be 'y' or 'rgb', got 'grey'");
  check_refused(
      file,
      [](SafeTensors& f) { f.metadata["architecture"] = "plain", f.metadata["colour"] = "rgb"; },
      "metadata 'colour' must be 'y', got 'rgb'");
  check_refused(
      file, [](SafeTensors& f) { f.metadata["shrink_channels"] = "3x"; },
      "metadata 'shrink_channels' must be a number, got '3x'");
  check_refused(
      file, [](SafeTensors& f) { f.metadata["scale"] = "7"; },
      "fsrcnn: scale must be in 2..4, got 7");
  check_refused(
      file, [](SafeTensors& f) { f.metadata["slope_per_channel"] = "1"; },
      "metadata 'slope_per_channel' must be 'true' or 'false', got '1'");
}

TEST_CASE("tensors that do not fit are refused by name", "[weights]") {
  const SafeTensors file = saved();
  check_refused(
      file, [](SafeTensors& f) { f.tensors.erase("mapping.1.bias"); },
      "tensor 'mapping.1.bias' is missing, wanted [3]");
  check_refused(
      file,
      [](SafeTensors& f) {
        f.tensors["extra"] = Tensor::zeros({2, 2});
      },
      "tensor 'extra' [2,2] is not part of this network");
  check_refused(
      file, [](SafeTensors& f) { f.tensors["expand.slope"] = Tensor::zeros({5}); },
      "tensor 'expand.slope' must have shape [1], got [5]");
  check_refused(
      file,
      [](SafeTensors& f) {
        f.tensors.at("shrink.bias").data<float>()[1] = std::numeric_limits<float>::quiet_NaN();
      },
      "tensor 'shrink.bias' must hold finite f32 values, has others");
  check_refused(
      saved(),
      [](SafeTensors& f) { f.tensors["expand.slope"] = Tensor::full({1}, 1e300, DType::f64); },
      "tensor 'expand.slope' must hold finite f32 values, has others");
}

TEST_CASE("the published layout is recognised", "[weights]") {
  const SafeTensors file = published();
  const std::unique_ptr<SrNetwork> network = make_network(file, "w", 2);
  CHECK(network->spec() == fsrcnn_spec({.feature_channels = 5,
                                        .shrink_channels = 3,
                                        .mapping_layers = 2,
                                        .scale = 2,
                                        .slope_per_channel = true}));
  for (const NamedParameter& named : network->parameters()) {
    if (named.name == "mapping.1.slope")
      CHECK(equal(named.parameter->value, file.tensors.at("prelu4")));
    if (named.name == "expand.weight") {
      CHECK(equal(named.parameter->value, file.tensors.at("conv5.weight")));
    }
  }
  check_refused(file, nothing, "these weights are for scale 2, wanted 4", 4);
  check_refused(
      file, [](SafeTensors& f) { f.metadata.clear(); }, "metadata lack 'scale'");
  check_refused(
      file, [](SafeTensors& f) { f.tensors.erase("prelu1"); },
      kNearestFsrcnn + "tensor 'prelu1' is missing");
  check_refused(
      file, [](SafeTensors& f) { f.tensors.erase("conv2.weight"); },
      kNearestFsrcnn + "tensor 'conv2.weight' is missing");
  check_refused(
      file, [](SafeTensors& f) { f.tensors.erase("conv4.weight"); },
      kNearestFsrcnn + "tensor 'conv4.weight' is missing, wanted [3,3,3,3]");
  check_refused(
      file, [](SafeTensors& f) { f.tensors["prelu6"] = Tensor::zeros({1}); },
      kNearestFsrcnn +
          "tensor 'prelu6' [1] is not part of this "
          "network");
}

TEST_CASE("what weights do not tell of themselves has to be told", "[weights]") {
  const auto hint_of = [](const SafeTensors& file, const WeightsOptions& wanted) {
    try {
      make_network(file, "w", wanted);
      return std::string("none");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::weights);
      return error.what() + ("; " + error.hint());
    }
  };
  const auto wanted = [](int scale, const std::string& architecture = "") {
    WeightsOptions options;
    options.scale = scale;
    options.architecture = architecture;
    return options;
  };
  for (const std::map<std::string, std::string>& metadata :
       {std::map<std::string, std::string>{}, {{"format", "pt"}}}) {
    SafeTensors theirs = published();
    theirs.metadata = metadata;
    CHECK(hint_of(theirs, wanted(0)) == "'w': metadata lack 'scale'; -s tells it: 2, 3 or 4");
    CHECK(make_network(theirs, "w", wanted(3))->spec().scale == 3);
    CHECK(make_network(theirs, "w", wanted(3, "fsrcnn"))->spec().scale == 3);
    CHECK(hint_of(theirs, wanted(3, "plain")) ==
          "'w': these weights are of the architecture fsrcnn, wanted plain; ");

    SafeTensors ours = saved();
    ours.metadata = metadata;
    CHECK(hint_of(ours, wanted(0)) == "'w': metadata lack 'scale'; -s tells it: 2, 3 or 4");
    check_equal(*make_network(ours, "w", wanted(3)), *make_network(saved(), "w"));
    CHECK(hint_of(ours, wanted(0, "fsrcnn")) ==
          "'w': metadata lack 'scale'; -s tells it: 2, 3 or 4");
    CHECK(make_network(ours, "w", wanted(3, "fsrcnn"))->spec() == fsrcnn_spec(kSmall));
    WeightsOptions assumed = wanted(3);
    assumed.assumed_architecture = "fsrcnn";
    check_equal(*make_network(ours, "w", assumed), *make_network(saved(), "w"));
    CHECK(hint_of(ours, wanted(3, "plain")) ==
          "'w': these weights are of the architecture fsrcnn, wanted plain; ");
  }
  // A file that tells is right.
  CHECK(hint_of(saved(), wanted(2, "fsrcnn")) == "'w': these weights are for scale 3, wanted 2; ");
  CHECK(hint_of(saved(), wanted(3, "plain")) ==
        "'w': these weights are of the architecture fsrcnn, wanted plain; ");
  CHECK(hint_of(published(), wanted(4)) == "'w': these weights are for scale 2, wanted 4; ");
  try {
    make_network(saved(), "w", wanted(3, "edsr"));
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
  }
}

TEST_CASE("the shapes of every network's parameters tell its options", "[weights]") {
  for (const Architecture& row : architectures()) {
    for (const int number : {3, 8}) {
      NetworkSpec spec;
      spec.architecture = row.name;
      for (const NetworkOption& option : row.options) {
        if (!option.told_by_shapes) {
          continue;
        }
        if (std::holds_alternative<int>(option.default_value)) {
          const int value = std::max(number, option.lowest);
          spec.options[option.name] = value - (value - option.lowest) % option.step;
        } else {
          spec.options[option.name] = number == 8;
        }
      }
      const auto network = make_network(spec);
      SafeTensors file;
      store_parameters(*network, "", file.tensors);
      WeightsOptions wanted;
      wanted.scale = 2;
      wanted.architecture = row.name;
      CHECK(make_network(file, "w", wanted)->spec() == network->spec());
    }
  }
}

TEST_CASE("what frameworks put before all names is stripped, which is said", "[weights]") {
  for (const std::string prefix :
       {"module.", "_orig_mod.", "params.", "params_ema.", "module._orig_mod.", "_orig_mod.module.",
        "params_ema.module._orig_mod."}) {
    for (const SafeTensors& file : {saved(), published()}) {
      SafeTensors prefixed;
      prefixed.metadata = file.metadata;
      for (const auto& [name, tensor] : file.tensors) {
        prefixed.tensors[prefix + name] = tensor;
      }
      std::vector<std::string> notes;
      WeightsOptions wanted;
      wanted.options = {{"replicate_padding", false}};
      wanted.note = [&](const std::string& note) { notes.push_back(note); };
      check_equal(*make_network(prefixed, "w", wanted), *make_network(file, "w"));
      CHECK(notes == std::vector<std::string>{"'w': the prefix '" + prefix +
                                              "' of all names of its tensors is passed over"});
      // Not where one of them lacks it.
      auto one = prefixed.tensors.extract(prefixed.tensors.begin());
      one.key() = one.key().substr(prefix.size());
      prefixed.tensors.insert(std::move(one));
      CHECK_THROWS_AS(make_network(prefixed, "w", wanted), Error);
    }
  }
  SafeTensors empty;
  CHECK_THROWS_AS(make_network(empty, "w"), Error);
}

TEST_CASE("a checkpoint is no weights, and its run's weights are named", "[weights]") {
  const TemporaryFolder folder;
  const auto checkpoint = folder.path() / "checkpoints" / "student_000000020.safetensors";
  std::filesystem::create_directory(folder.path() / "checkpoints");
  SafeTensors file;
  file.metadata = {{"format", "pisr checkpoint 1"}, {"phase", "student"}};
  write_safetensors(checkpoint, file);
  const auto failure = [&](auto&& load) {
    try {
      load();
      return std::string("none");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::weights);
      CHECK(error.what() ==
            "'" + checkpoint.string() + "': is a checkpoint of a training, not weights");
      return error.hint();
    }
  };
  CHECK(failure([&] { load_network(checkpoint); }) ==
        "its run has no weights yet: go on with pisr_train --resume");
  const auto weights = folder.path() / "student.safetensors";
  write_safetensors(weights, saved());
  for (const std::string& hint :
       {failure([&] { load_network(checkpoint); }), failure([&] { load_model(checkpoint); }),
        failure([&] { load_teacher(checkpoint); })}) {
    CHECK(hint == "the weights of its run: '" + weights.string() + "'");
  }
}

TEST_CASE("weights of PyTorch programs", "[weights]") {
  const auto folder = shared_data("cases/st");
  const auto original = shared_data("weights/fsrcnn_x2_yjn870.safetensors");
  if (!folder || !original) return;
  const auto network = load_network(*original);
  check_equal(*load_network(*folder / "module_prefix.safetensors"), *network);
  check_equal(*load_network(*folder / "no_scale.safetensors", 2), *network);
  check_equal(*load_network(*folder / "metadata_null.safetensors", 2), *network);
}

TEST_CASE("published layouts with another kernel are of no network here", "[weights]") {
  for (const auto& [name, shape] : {std::pair{"conv3.weight", Shape{1, 32, 7, 7}},
                                    {"conv2.weight", Shape{32, 64, 4, 4}},
                                    {"conv1.weight", Shape{64, 1, 7, 7}}}) {
    SafeTensors file;
    file.tensors = {{"conv1.weight", Tensor::zeros({64, 1, 9, 9})},
                    {"conv2.weight", Tensor::zeros({32, 64, 5, 5})},
                    {"conv3.weight", Tensor::zeros({1, 32, 5, 5})}};
    file.tensors[name] = Tensor::zeros(shape);
    CHECK_THROWS_WITH(make_network(file, "w", 3),
                      Catch::StartsWith("'w': fits no network; the nearest is "));
  }
}

TEST_CASE("weights from before an option was there have its default", "[weights]") {
  for (const Architecture& row : architectures()) {
    const NetworkSpec spec = default_spec(row.name);
    SafeTensors file;
    file.metadata = {{"format_version", "1"}, {"architecture", row.name}, {"scale", "2"}};
    file.metadata["colour"] = spec.channels == 3 ? "rgb" : "y";
    for (const NetworkOption& option : row.options) {
      file.metadata[option.name] = to_text(option.default_value);
    }
    store_parameters(*make_network(spec), "", file.tensors);
    for (const NetworkOption& option : row.options) {
      CAPTURE(row.name, option.name);
      SafeTensors without = file;
      without.metadata.erase(option.name);
      if (option.added_later) {
        CHECK(make_network(without, "w")->spec() == spec);
      } else {
        CHECK_THROWS_WITH(make_network(without, "w"),
                          message("'w': metadata lack '", option.name, "'"));
      }
    }
  }
}

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
            file, [&](SafeTensors& f) { f.tensors.erase(third + ".bias"); },
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

TEST_CASE("parameters load below a prefix, all or none", "[weights]") {
  Fsrcnn source(kSmall);
  Fsrcnn target(kSmall);
  initialise(source, 1);
  std::map<std::string, Tensor> tensors;
  store_parameters(source, "best", tensors);
  tensors["adam.m"] = Tensor::zeros({4});
  load_parameters(target, tensors, "best", "checkpoint");
  check_equal(source, target);
  CHECK_FALSE(tensors.at("best.feature.weight").data<float>() ==
              source.parameters()[0].parameter->value.data<float>());

  initialise(target, 2);
  std::map<std::string, Tensor> before;
  store_parameters(target, "", before);
  tensors.at("best.deconvolution.bias") = Tensor::zeros({2});
  CHECK_THROWS_WITH(load_parameters(target, tensors, "best", "checkpoint"),
                    "'checkpoint': tensor 'best.deconvolution.bias' must have shape [1], got [2]");
  for (const NamedParameter& named : target.parameters()) {
    CHECK(equal(named.parameter->value, before.at(named.name)));
  }
}

TEST_CASE("loading keeps flat parameters in their buffer", "[weights]") {
  Fsrcnn source(kSmall);
  Fsrcnn target(kSmall);
  initialise(source, 1);
  const FlatParameters flat({{"student", &target}});
  copy_parameters(source, target);
  check_equal(source, target);
  const Tensor& first = source.parameters()[0].parameter->value;
  CHECK(flat.values().data<float>()[3] == first.data<float>()[3]);
}

TEST_CASE("weight transfer copies the teacher's decoder and refuses another network", "[weights]") {
  Teacher teacher(fsrcnn_spec(kSmall));
  initialise(teacher, 1);
  Fsrcnn student(kSmall);
  copy_parameters(teacher.decoder(), student);
  check_equal(teacher.decoder(), student);
  CHECK_FALSE(student.parameters()[0].parameter->value.data<float>() ==
              teacher.decoder().parameters()[0].parameter->value.data<float>());

  Fsrcnn other({.feature_channels = 5, .shrink_channels = 4, .mapping_layers = 2, .scale = 3});
  CHECK_THROWS_WITH(
      copy_parameters(teacher.decoder(), other),
      "copy parameters: expected 'shrink.weight' [4,5,1,1], got 'shrink.weight' [3,5,1,1]");
  Fsrcnn longer({.feature_channels = 5, .shrink_channels = 3, .mapping_layers = 3, .scale = 3});
  CHECK_THROWS_WITH(copy_parameters(teacher.decoder(), longer),
                    "copy parameters: expected 20 parameters, got 17");
}

}  // namespace pisr
