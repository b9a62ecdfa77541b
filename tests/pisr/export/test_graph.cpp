// The graph of a network, computed node by node, gives what the network gives.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/context.h"
#include "core/error.h"
#include "core/ops.h"
#include "core/philox.h"
#include "pisr/export/c_source.h"
#include "pisr/export/conv_plan.h"
#include "pisr/export/glsl.h"
#include "pisr/export/graph.h"
#include "pisr/export/onnx.h"
#include "pisr/export/scratch_places.h"
#include "pisr/model/architectures.h"
#include "tests/catch.h"
#include "tests/pisr/model/small_spec.h"
#include "tests/thrown.h"
#include "tests/worse.h"

namespace pisr {
namespace {

Variable apply(const Graph& graph, const GraphNode& node, const std::vector<Variable>& values) {
  const auto in = [&](std::size_t index) {
    return index < node.inputs.size() ? values[static_cast<std::size_t>(node.inputs[index])]
                                      : Variable();
  };
  const auto number = [&](const char* name) { return node.integer(name); };
  const auto sides = [&] {
    return Sides{number("top"), number("left"), number("bottom"), number("right")};
  };
  const std::string& op = node.op;
  if (op == "conv2d") {
    return conv2d(
        in(0), in(1), in(2),
        {.stride = number("stride"),
         .padding = number("padding"),
         .groups = number("groups"),
         .padding_mode = number("replicate") != 0 ? PaddingMode::replicate : PaddingMode::zero});
  }
  if (op == "conv_transpose2d") {
    return conv_transpose2d(in(0), in(1), in(2),
                            {.stride = number("stride"),
                             .padding = number("padding"),
                             .output_padding = number("output_padding"),
                             .groups = number("groups")});
  }
  if (op == "concat_channels") {
    std::vector<Variable> parts;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) parts.push_back(in(i));
    return concat_channels(parts);
  }
  if (op == "prelu") return prelu(in(0), in(1));
  if (op == "relu") return relu(in(0));
  if (op == "leaky_relu") return leaky_relu(in(0), node.attribute("slope"));
  if (op == "sigmoid") return sigmoid(in(0));
  if (op == "softplus") return softplus(in(0), node.attribute("factor"), node.attribute("offset"));
  if (op == "clamp") return clamp(in(0), node.attribute("low"), node.attribute("high"));
  if (op == "affine") return in(0) * node.attribute("factor") + node.attribute("offset");
  if (op == "reciprocal") return node.attribute("numerator") / in(0);
  if (op == "add") return in(0) + in(1);
  if (op == "subtract") return in(0) - in(1);
  if (op == "multiply") return in(0) * in(1);
  if (op == "divide") return in(0) / in(1);
  if (op == "slice_channels") return slice_channels(in(0), number("first"), number("count"));
  if (op == "pixel_shuffle") return pixel_shuffle(in(0), number("factor"));
  if (op == "upscale_bicubic") return upscale_bicubic(in(0), number("scale"));
  if (op == "upscale_bilinear") return upscale_bilinear(in(0), number("scale"));
  if (op == "pad") return pad(in(0), sides());
  if (op == "crop") return crop(in(0), sides());
  if (op == "global_mean") return global_mean(in(0));
  if (op == "global_standard_deviation") return global_standard_deviation(in(0));
  FAIL("unknown operation " << op << " of " << graph.nodes.size());
  return {};
}

void check_extents(const Graph& graph, const std::vector<Variable>& values) {
  const std::int64_t h = values[static_cast<std::size_t>(graph.input)].shape()[2];
  const std::int64_t w = values[static_cast<std::size_t>(graph.input)].shape()[3];
  for (const GraphNode& node : graph.nodes) {
    const GraphValue& value = graph.values[static_cast<std::size_t>(node.output)];
    CHECK(values[static_cast<std::size_t>(node.output)].shape() ==
          Shape{1, value.channels, value.height.factor * h + value.height.offset,
                value.width.factor * w + value.width.offset});
  }
}

Variable compute(const Graph& graph, const Variable& image) {
  std::vector<Variable> values(graph.values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (graph.values[i].is_constant()) values[i] = image.tape().constant(graph.values[i].constant);
  }
  values[static_cast<std::size_t>(graph.input)] = image;
  for (const GraphNode& node : graph.nodes) {
    values[static_cast<std::size_t>(node.output)] = apply(graph, node, values);
  }
  check_extents(graph, values);
  return values[static_cast<std::size_t>(graph.output)];
}

void make_random(Module& module) {
  Random random(3, RandomUse::test, 1);
  for (const NamedParameter& named : module.parameters()) {
    for (float& x : named.parameter->value.values<float>()) {
      x = static_cast<float>(random.uniform(-0.5, 0.5));
    }
  }
}

Tensor random_image(int channels, int height, int width) {
  const Tensor image = Tensor::empty({1, channels, height, width});
  Random random(3, RandomUse::test, 2);
  for (float& x : image.values<float>()) x = static_cast<float>(random.uniform());
  return image;
}

double difference(const Variable& a, const Variable& b) {
  REQUIRE(a.shape() == b.shape());
  double largest = 1e-30;
  double worst = 0;
  for (std::int64_t i = 0; i < a.shape().count(); ++i) {
    const double wanted = b.value().data<float>()[i];
    largest = std::max(largest, std::abs(wanted));
    worst = worse(worst, std::abs(a.value().data<float>()[i] - wanted));
  }
  return worst / largest;
}

NetworkSpec odd_spec() {
  NetworkSpec spec;
  spec.architecture = "odd";
  return spec;
}

/// A network of one's own, one for each way that a graph cannot say what it does.
class Odd final : public SrNetwork {
 public:
  enum class Way { constant, operations, reshaped, sized, none };
  explicit Odd(Way way) : SrNetwork(odd_spec()), way_(way) {}
  int feature_channels() const noexcept override { return 1; }
  MultiplyAdds multiply_adds(std::int64_t, std::int64_t, NetworkEnd) const override {
    return {0, 0};
  }

 protected:
  Variable feature(const Variable& low) const override {
    const Shape& shape = low.shape();
    switch (way_) {
      case Way::constant:
        return low + low.tape().constant(Tensor::full(shape, 0.5));
      case Way::operations:
        return shape[2] > 6 ? relu(low) : low;
      case Way::reshaped:
        return reshape(relu(reshape(low, {shape[2], 1, 1, shape[3]})), shape);
      case Way::sized:
        return conv2d(upscale_bicubic(low, 3), low.tape().constant(Tensor::zeros({1, 1, 1, 1})), {},
                      {.stride = 2});
      case Way::none:
        break;
    }
    return reshape(low, shape);
  }
  Variable reconstruction(const Variable& feature, const Variable& low) const override {
    relu(feature);  // nothing reads it
    return way_ == Way::sized ? upscale_bicubic(low, 2) + 0 * sum(feature)
                              : upscale_bicubic(feature, 2);
  }

 private:
  Way way_;
};

std::string refusal(Odd::Way way) {
  return thrown([&] { record_graph(Odd(way)); }).what();
}

}  // namespace

TEST_CASE("the graph of each network computes what the network computes", "[export]") {
  Context context;
  for (const Architecture& row : architectures()) {
    for (const int channels : row.channels) {
      for (const int scale : {2, 3, 4}) {
        for (const NetworkSpec& spec : small_specs(row, scale, channels)) {
          CAPTURE(row.name, channels, scale);
          const std::unique_ptr<SrNetwork> network = make_network(spec);
          make_random(*network);
          const Graph graph = record_graph(*network);
          Tape tape(context, Tape::Mode::inference);
          for (const auto& [height, width] : {std::pair{1, 1}, std::pair{4, 9}}) {
            const Variable image = tape.constant(random_image(channels, height, width));
            CHECK(difference(compute(graph, image), network->image(image)) <= 1e-6);
          }
        }
      }
    }
  }
}

TEST_CASE("a graph names its parameters and leaves out what nothing reads", "[export]") {
  const Graph graph = record_graph(Odd(Odd::Way::none));
  REQUIRE(graph.nodes.size() == 1);
  CHECK(graph.nodes[0].op == "upscale_bicubic");
  const Graph plain = record_graph(*make_network(small_spec(architecture("plain"), 2)));
  CHECK(plain.values[static_cast<std::size_t>(plain.nodes[0].inputs[1])].name == "head.weight");
  CHECK(plain.nodes[1].op == "prelu");
}

TEST_CASE("a network that no graph describes for all sizes is refused", "[export]") {
  CHECK(refusal(Odd::Way::constant) ==
        "cannot export: the network has a constant that depends on the image or its size");
  CHECK(refusal(Odd::Way::operations) ==
        "cannot export: the network does other operations for an image of another size");
  CHECK(contains(refusal(Odd::Way::reshaped), "operation reshape"));
  CHECK(contains(refusal(Odd::Way::sized), "operation conv2d"));
}

TEST_CASE("maps that are needed at once do not overlap in scratch memory", "[export]") {
  for (const Architecture& row : architectures()) {
    CAPTURE(row.name);
    const Graph graph = record_graph(*make_network(small_spec(row, 3)));
    const ScratchPlaces places(graph);
    const auto is_scratch = [&](int value) {
      return value >= 0 && value != graph.input && value != graph.output &&
             !graph.values[static_cast<std::size_t>(value)].is_constant();
    };
    // Who wrote the first float of a place last, as a program that runs it would find.
    std::map<std::size_t, int> owner;
    for (const GraphNode& node : graph.nodes) {
      for (const int input : node.inputs) {
        if (is_scratch(input)) CHECK(owner.at(places.of(input)) == input);
      }
      if (is_scratch(node.output)) owner[places.of(node.output)] = node.output;
    }
  }
}

TEST_CASE("formats refuse a network by the operation that they lack", "[export]") {
  const auto refused = [](const std::string& name, int channels = 0) {
    const std::unique_ptr<SrNetwork> network =
        make_network(small_spec(architecture(name), 2, channels));
    return std::string(thrown([&] { glsl_shader(*network, {}, ShaderVariant::compute); }).what());
  };
  CHECK(contains(refused("srcnn"), "the operation upscale_bicubic"));
  CHECK(contains(refused("idn"), "cannot export: the operation conv2d has 4 groups"));
  CHECK(contains(refused("imdn", 1), "cannot export: the operation"));
  CHECK(contains(refused("plain", 3), "a shader is given luminance"));
  const std::unique_ptr<SrNetwork> plain = make_network(small_spec(architecture("plain"), 2, 3));
  CHECK(contains(thrown([&] { onnx_file(*plain, {}, {.channels_last = true}); }).what(),
                 "enlarges luminance"));
  for (const char* const name : {"", "2x", "a-b", "a b", "\xc3\xa4"}) {
    CHECK(contains(thrown([&] { c_source(*plain, {}, name); }).what(), "no identifier of C"));
  }
}

}  // namespace pisr
