#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

#include "nn/flat_parameters.h"
#include "nn/init.h"
#include "pisr/model/architectures.h"
#include "pisr/model/fsrcnn.h"
#include "pisr/model/metadata.h"
#include "pisr/model/weights.h"
#include "tests/catch.h"
#include "tests/pisr/model/weights_files.h"
#include "tests/shared_data.h"
#include "tests/temporary_folder.h"

namespace pisr {

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
      [](SafeTensors& f) { f.metadata["architecture"] = "vdsr", f.metadata["colour"] = "rgb"; },
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
        if (!option.told_by_shapes || option.of_training) {
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
