// What every network of the table has to be, and that nothing outside pisr/model names one.

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "nn/init.h"
#include "pisr/model/architectures.h"
#include "pisr/model/distillation.h"
#include "pisr/model/plain.h"
#include "pisr/model/teacher.h"
#include "pisr/model/weights.h"
#include "tests/catch.h"
#include "tests/gradcheck.h"
#include "tests/pisr/model/small_spec.h"
#include "tests/temporary_folder.h"
#include "tests/tensors.h"

namespace pisr {
namespace {

namespace fs = std::filesystem;

std::vector<float> values_of(const Tensor& tensor) {
  const auto values = tensor.values<float>();
  return {values.begin(), values.end()};
}

Tensor run(const ImageModel& model, const Tensor& input) {
  Context context;
  Tape tape(context, Tape::Mode::inference);
  tape.reset();
  return model.image(tape.constant(input)).value().clone();
}

/// Reads the image enlarged by bicubic interpolation, like SRCNN, and adds one convolution to it.
class Refining final : public SrNetwork {
 public:
  explicit Refining(int scale)
      : SrNetwork({.architecture = "refining", .scale = scale, .options = {}}),
        wide_(1, 3, 3, {.padding = 1}),
        narrow_(3, 1, 3, {.padding = 1}) {
    add_child("wide", wide_);
    add_child("narrow", narrow_);
  }
  NetworkInput input() const noexcept override { return NetworkInput::enlarged; }
  int feature_channels() const noexcept override { return 3; }
  MultiplyAdds multiply_adds(std::int64_t width, std::int64_t height, NetworkEnd) const override {
    return {54 * width * height, 54 * width * height};
  }

 protected:
  Variable feature(const Variable& input) const override { return wide_(input); }
  Variable reconstruction(const Variable& feature, const Variable& input) const override {
    return narrow_(feature) + input;
  }

 private:
  Conv2dPrelu wide_;
  Conv2d narrow_;
};

}  // namespace

TEST_CASE("every network of the table makes images and features of the sizes it promises") {
  for (const Architecture& row : architectures()) {
    std::vector<NetworkSpec> specs;
    for (const int scale : {2, 3, 4}) {
      for (const int channels : row.channels) {
        std::ranges::copy(small_specs(row, scale, channels), std::back_inserter(specs));
      }
    }
    for (const NetworkSpec& spec : specs) {
      CAPTURE(row.name, spec.scale, spec.channels);
      const auto network = make_network(spec);
      CHECK(network->spec() == spec);
      initialise(*network, 3);
      Context context;
      Tape tape(context, Tape::Mode::inference);
      const SrNetwork::Result result =
          network->forward(tape.constant(random_image({2, spec.channels, 5, 7}, 1)));
      CHECK(result.image.shape() == Shape{2, spec.channels, 5 * spec.scale, 7 * spec.scale});
      CHECK(result.feature.shape()[1] == network->feature_channels());
      CHECK(network->multiply_adds(96, 48, NetworkEnd::feature).exact <
            network->multiply_adds(96, 48).exact);
      CHECK(network->multiply_adds(96, 48).exact <= network->multiply_adds(96, 48).paper);
      CHECK(!title(spec).empty());
    }
  }
}

TEST_CASE("a network that is a chain has its bits, to the image and to the feature") {
  std::vector<NetworkSpec> specs;
  for (const Architecture& row : architectures()) {
    for (const int scale : {2, 3}) {
      std::ranges::copy(small_specs(row, scale), std::back_inserter(specs));
    }
  }
  int chains = 0;
  for (const NetworkSpec& spec : specs) {
    CAPTURE(spec.architecture, spec.scale);
    const auto network = make_network(spec);
    initialise(*network, 3);
    const Tensor low = random_image({1, spec.channels, 6, 9}, 2);
    Context context;
    Tape tape(context, Tape::Mode::inference);
    const SrNetwork::Result wanted = network->forward(tape.constant(low));
    for (const auto& [end, value] : {std::pair{NetworkEnd::image, wanted.image},
                                     std::pair{NetworkEnd::feature, wanted.feature}}) {
      const auto chain = network->chain(end);
      if (!chain) continue;
      const Tensor got = Tensor::empty(chain->output_shape(low.shape()));
      chain->run(context, low, got);
      CHECK(values_of(got) == values_of(value.value()));
      ++chains;
    }
  }
  CHECK(chains > 0);
}

namespace {

/// The furthest pixel, of the low-resolution image, that depends on one of its pixels. On black a
/// network without biases gives zeros, so that no rounding hides what little arrives at the edge.
int furthest_dependence(SrNetwork& network, bool on_black) {
  constexpr int kWidth = 61;
  constexpr int kChanged = kWidth / 2;
  const Shape shape{1, network.spec().channels, 1, kWidth};
  const Tensor low =
      on_black ? Tensor::zeros(shape, DType::f64) : random_image(shape, 4).to(DType::f64);
  if (on_black) {
    for (const NamedParameter& named : network.parameters()) {
      if (named.name.ends_with("bias")) named.parameter->value.set_zero();
    }
  }
  const Tensor before = run(network, low);
  low.data<double>()[kChanged] += 0.5;
  const Tensor after = run(network, low);
  int furthest = 0;
  for (std::int64_t i = 0; i < after.count(); ++i) {
    if (after.data<double>()[i] != before.data<double>()[i]) {
      const int scale = network.spec().scale;
      const int x = static_cast<int>(i) % (kWidth * scale) / scale;
      furthest = std::max(furthest, std::abs(x - kChanged));
    }
  }
  return furthest;
}

}  // namespace

TEST_CASE("a pixel depends on the image as far as the halo and no further") {
  for (const Architecture& row : architectures()) {
    std::vector<NetworkSpec> specs;
    for (const int scale : {2, 3, 4}) {
      std::ranges::copy(small_specs(row, scale), std::back_inserter(specs));
    }
    for (const NetworkSpec& spec : specs) {
      const int scale = spec.scale;
      CAPTURE(row.name, scale);
      const auto network = make_network(spec);
      const std::optional<int> halo = network->halo();
      if (!halo) continue;
      // In double, as a deep network hardly changes at its edge; a ReLU may hide it for some
      // weights.
      network->convert(DType::f64);
      int furthest = 0;
      for (std::uint64_t seed = 5; seed < 105 && furthest < *halo; ++seed) {
        for (const bool on_black : {false, true}) {
          initialise(*network, seed);
          furthest = std::max(furthest, furthest_dependence(*network, on_black));
        }
      }
      CHECK(furthest == *halo);
    }
  }
}

TEST_CASE("Plain is its definition: skips, depth to space, counts") {
  CHECK(Plain().parameter_count() == 10100);
  CHECK(Plain().multiply_adds(2, 2).exact == 9936);
  CHECK(Plain({.layers = 5}).multiply_adds(2, 2).exact == 12240);
  // With weights of zero only the path from input to output is left: the nearest neighbour.
  const Tensor low = random_image({1, 1, 2, 3}, 9);
  for (const int scale : {2, 3, 4}) {
    const Tensor high = run(Plain({.scale = scale}), low);
    for (int y = 0; y < 2 * scale; ++y) {
      for (int x = 0; x < 3 * scale; ++x) {
        CHECK(high.values<float>()[static_cast<std::size_t>(y) * 3 * scale + x] ==
              low.values<float>()[static_cast<std::size_t>(y / scale) * 3 + x / scale]);
      }
    }
  }
  // With the head alone the feature is twice what it gives.
  Plain network({.feature_channels = 1, .layers = 0});
  for (const NamedParameter& named : network.parameters()) {
    if (named.name == "head.bias") named.parameter->value.values<float>()[0] = 0.25F;
  }
  Context context;
  Tape tape(context, Tape::Mode::inference);
  CHECK(network.forward(tape.constant(low)).feature.value().values<float>()[4] == 0.5F);
}

TEST_CASE("the losses of every network's student and teacher have the right gradients",
          "[gradient]") {
  std::vector<NetworkSpec> specs;
  for (const Architecture& row : architectures()) {
    std::ranges::copy(small_specs(row, 2, 1), std::back_inserter(specs));
  }
  for (const NetworkSpec& spec : specs) {
    CAPTURE(spec.architecture);
    Teacher teacher(spec);
    teacher.convert(DType::f64);
    initialise(teacher, 2);
    teacher.set_trainable(false);
    Context context;
    const auto image = [](const Shape& shape, std::uint64_t seed) {
      return random_image(shape, seed).to(DType::f64);
    };
    // The gradient of the truth runs through all of decoder and encoder.
    const GradientReport report =
        check_gradient(context,
                       [&](Tape& tape, const std::vector<Variable>& inputs) {
                         const Variable high = tape.constant(image({1, 1, 6, 8}, 3));
                         const Variable low = tape.constant(image({1, 1, 3, 4}, 4));
                         return teacher_loss(teacher.forward(inputs[0]), high, low, 0.5).total;
                       },
                       {image({1, 1, 6, 8}, 5)});
    CAPTURE(report.where);
    CHECK(report.passed());
  }
}

TEST_CASE("a network that reads the enlarged image serves as student and as decoder") {
  Context context;
  Tape tape(context);
  Refining plain_pass(2);
  const Tensor low = random_image({1, 1, 4, 5}, 1);
  // With weights of zero what is left is bicubic interpolation.
  const Variable x = tape.constant(low);
  CHECK(values_of(plain_pass.forward(x).image.value()) == values_of(upscale_bicubic(x, 2).value()));

  Teacher teacher(std::make_unique<Refining>(2));
  teacher.convert(DType::f64);
  initialise(teacher, 2);
  teacher.set_trainable(false);
  CHECK(!teacher.chain(NetworkEnd::image));
  const GradientReport report = check_gradient(
      context,
      [&](Tape& inner, const std::vector<Variable>& inputs) {
        const Variable high = inner.constant(random_image({1, 1, 6, 8}, 3).to(DType::f64));
        const Variable small = inner.constant(random_image({1, 1, 3, 4}, 4).to(DType::f64));
        return teacher_loss(teacher.forward(inputs[0]), high, small, 0.5).total;
      },
      {random_image({1, 1, 6, 8}, 5).to(DType::f64)});
  CAPTURE(report.where);
  CHECK(report.passed());
}

TEST_CASE("every network's weights come back as they were, alone and in a teacher", "[weights]") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "w.safetensors";
  std::vector<NetworkSpec> specs;
  for (const Architecture& row : architectures()) {
    for (const int channels : row.channels) {
      std::ranges::copy(small_specs(row, 3, channels), std::back_inserter(specs));
    }
  }
  for (const NetworkSpec& spec : specs) {
    CAPTURE(spec.architecture, spec.channels);
    const auto network = make_network(spec);
    initialise(*network, 6);
    save_weights(path, *network);
    const auto loaded = load_network(path);
    CHECK(loaded->spec() == merged(make_network(spec))->spec());
    const Tensor low = random_image({1, spec.channels, 4, 4}, 8);
    CHECK(values_of(run(*loaded, low)) == values_of(run(*network, low)));

    if (spec.channels != 1) continue;
    Teacher teacher(spec);
    initialise(teacher, 6);
    save_weights(path, teacher);
    const Tensor high = random_image({1, 1, 6, 6}, 8);
    CHECK(values_of(run(*load_model(path), high)) == values_of(run(teacher, high)));
    CHECK(load_model(path)->sees_truth());
    CHECK_THROWS_AS(load_network(path), Error);
  }
}

TEST_CASE("specs that make no network are refused") {
  const NetworkSpec plain = default_spec("plain");
  const auto refused = [](NetworkSpec spec, const std::string& text) {
    CHECK_THROWS_WITH(make_network(spec), text);
  };
  NetworkSpec spec = plain;
  spec.architecture = "edsr";
  refused(spec, "network architecture must be one of " + architecture_names() + ", got 'edsr'");
  spec = plain;
  spec.options["feature_channels"] = 0;
  refused(spec, "plain: feature_channels must be in 1..512, got 0");
  spec = plain;
  spec.options["layers"] = true;
  refused(spec, "plain: layers must be a number");
  spec = plain;
  spec.options["width"] = 3;
  refused(spec,
          "plain: unknown option 'width', the options are: feature_channels, layers, "
          "expanded_channels");
  spec = plain;
  spec.channels = 2;
  refused(spec, "plain: channels must be 1 or 3, got 2");
  spec = default_spec("vdsr");
  spec.channels = 3;
  refused(spec, "vdsr: channels must be 1, got 3");
  spec = plain;
  spec.scale = 1;
  refused(spec, "plain: scale must be in 2..4, got 1");
  spec = default_spec("srcnn");
  spec.options["middle_kernel"] = 4;
  refused(spec, "srcnn: middle_kernel must be 1 plus a multiple of 2, got 4");
}

namespace {

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// Whether `text`, in lower case, has `name` as a word or as a part of an identifier. What is also
/// English, plain or a part of "didn't", counts only in quotes or as the name of a file.
bool names_it(const std::string& text, const std::string& name) {
  const auto has = [&](const std::string& part) { return text.find(part) != std::string::npos; };
  if (name == "plain" || name == "idn") {
    return has('"' + name + '"') || has('/' + name + ".h") || has(name + "_spec");
  }
  return has(name);
}

}  // namespace

TEST_CASE("no file outside pisr/model names an architecture", "[layers]") {
  CHECK(names_it("auto x = load_fsrcnn(path);", "fsrcnn"));
  CHECK(names_it("#include \"pisr/model/plain.h\"", "plain"));
  CHECK_FALSE(names_it("plain words", "plain"));
  int files = 0;
  for (const char* const folder : {"core", "nn", "pisr", "tools", "benchmarks"}) {
    for (const auto& item : fs::recursive_directory_iterator(fs::path(PISR_SOURCE_DIR) / folder)) {
      const std::string path = fs::relative(item.path(), PISR_SOURCE_DIR).generic_string();
      const bool is_source = path.ends_with(".h") || path.ends_with(".cpp");
      if (!is_source || path.starts_with("pisr/model/")) continue;
      std::ifstream file(item.path());
      const std::string text = lower({std::istreambuf_iterator<char>(file), {}});
      for (const Architecture& row : architectures()) {
        CAPTURE(path, row.name);
        CHECK_FALSE(names_it(text, row.name));
      }
      ++files;
    }
  }
  CHECK(files > 150);
}

}  // namespace pisr
