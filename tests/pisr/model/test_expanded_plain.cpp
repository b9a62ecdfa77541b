// Plain in the form in which it is trained: each convolution the product of two.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/philox.h"
#include "nn/adam.h"
#include "nn/init.h"
#include "pisr/model/plain.h"
#include "pisr/model/teacher.h"
#include "pisr/model/weights.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"
#include "tests/tensors.h"

namespace pisr {
namespace {

constexpr PlainOptions kExpanded{
    .feature_channels = 6, .layers = 2, .scale = 3, .expanded_channels = 16};

SrNetwork::Result forward(const SrNetwork& network, Tape& tape, const Tensor& low) {
  return network.forward(tape.constant(low));
}

}  // namespace

TEST_CASE("expanded Plain and merged Plain are one function", "[plain]") {
  for (const int channels : {1, 3}) {
    PlainOptions options = kExpanded;
    options.channels = channels;
    Plain expanded(options);
    initialise(expanded, 1);
    const auto merged = expanded.merged();
    REQUIRE(merged != nullptr);
    options.expanded_channels = 0;
    CHECK(merged->spec() == Plain(options).spec());
    CHECK(merged->parameter_count() == Plain(options).parameter_count());
    CHECK(merged->merged() == nullptr);
    CHECK(expanded.multiply_adds(9, 9).exact == merged->multiply_adds(9, 9).exact);
    Context context;
    Tape tape(context, Tape::Mode::inference);
    const Tensor low = random_image({2, channels, 7, 6}, 2);
    const SrNetwork::Result wanted = forward(expanded, tape, low);
    const SrNetwork::Result got = forward(*merged, tape, low);
    CHECK(furthest(got.image.value(), wanted.image.value()) <= 1e-5);
    CHECK(furthest(got.feature.value(), wanted.feature.value()) <= 1e-5);
  }
}

TEST_CASE("a step of expanded Plain changes what it is merged into", "[plain]") {
  Plain network(kExpanded);
  initialise(network, 1);
  const FlatParameters flat({{"", &network}});
  Adam adam(flat);
  const auto before = network.merged();
  Context context;
  Tape tape(context);
  const SrNetwork::Result result = forward(network, tape, random_image({1, 1, 6, 6}, 3));
  const Tensor gradient = flat.make_gradient();
  tape.backward(l1_loss(result.image, tape.constant(random_image({1, 1, 18, 18}, 4))), gradient);
  adam.step(context, gradient, 1e-2);
  const auto after = network.merged();
  for (std::size_t i = 0; i < before->parameters().size(); ++i) {
    CAPTURE(before->parameters()[i].name);
    CHECK(furthest(before->parameters()[i].parameter->value,
                   after->parameters()[i].parameter->value) > 1e-3);
  }
}

TEST_CASE("networks are merged where they are loaded, teachers are not", "[plain][weights]") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "w.safetensors";
  Plain network(kExpanded);
  initialise(network, 1);
  save_weights(path, network);
  const auto loaded = load_network(path);
  CHECK(loaded->spec() == network.merged()->spec());
  const auto merged = network.merged();
  for (std::size_t i = 0; i < merged->parameters().size(); ++i) {
    CHECK(furthest(merged->parameters()[i].parameter->value,
                   loaded->parameters()[i].parameter->value) == 0);
  }
  // Weights from before networks could be expanded.
  CHECK(std::get<int>(loaded->spec().options.at("expanded_channels")) == 0);

  Teacher teacher(network.spec());
  initialise(teacher, 2);
  save_weights(path, teacher);
  CHECK(load_teacher(path)->spec() == network.spec());
  CHECK_THROWS_AS(load_network(path), Error);
}

}  // namespace pisr
