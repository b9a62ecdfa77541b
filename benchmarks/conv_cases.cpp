#include <type_traits>

#include "benchmarks/kernel_case.h"

namespace pisr::bench {
namespace {

using kernels::ConvSizes;
using kernels::Store;

/// A layer; height and width are those of its input.
struct Layer {
  const char* name;
  int in, out, kernel, stride, height, width;
  std::int64_t batch = 1;
};

ConvSizes sizes_of(const Layer& layer, bool transposed) {
  ConvSizes sizes;
  sizes.batch = layer.batch;
  sizes.in_channels = layer.in;
  sizes.in_height = layer.height;
  sizes.in_width = layer.width;
  sizes.out_channels = layer.out;
  sizes.out_height = transposed ? layer.height * layer.stride : layer.height / layer.stride;
  sizes.out_width = transposed ? layer.width * layer.stride : layer.width / layer.stride;
  sizes.kernel_height = layer.kernel;
  sizes.kernel_width = layer.kernel;
  sizes.stride = layer.stride;
  sizes.padding = layer.kernel / 2;
  return sizes;
}

struct Counts {
  std::int64_t x, weight, y, multiply_adds;
};
Counts counts_of(const ConvSizes& s, bool transposed) {
  const std::int64_t in_pixels = s.batch * s.in_height * s.in_width;
  const std::int64_t out_pixels = s.batch * s.out_height * s.out_width;
  const std::int64_t weight =
      std::int64_t{s.in_channels} * s.out_channels * s.kernel_height * s.kernel_width;
  return {s.in_channels * in_pixels, weight, s.out_channels * out_pixels,
          weight * (transposed ? in_pixels : out_pixels)};
}

/// Which kernels of a layer are cases.
enum class Passes { forward, forward_and_weight, all };

void add_layer(std::vector<KernelCase>& cases, const Layer& layer, bool transposed, Passes passes,
               const std::vector<int>& threads) {
  const ConvSizes sizes = sizes_of(layer, transposed);
  const Counts n = counts_of(sizes, transposed);
  const std::string name = transposed ? "conv_transpose2d" : "conv2d";
  const auto add = [&](KernelCase added) {
    added.threads = threads;
    added.multiply_adds = n.multiply_adds;
    added.magnitude = Magnitude::absolute_inputs;
    cases.push_back(std::move(added));
  };
  add(kernel_case(
      name, layer.name, {input(n.x), input(n.weight), input(sizes.out_channels), output(n.y)},
      [=](Context& context, const auto& table, const auto& p) {
        context.launch(transposed ? table.conv_transpose2d : table.conv2d,
                       {.sizes = sizes, .x = p[0], .weight = p[1], .bias = p[2], .y = p[3]});
      }));
  if (passes == Passes::forward) {
    return;
  }
  add(kernel_case(name + "_backward_weight", layer.name,
                  {input(n.x), input(n.y), output(n.weight), output(sizes.out_channels)},
                  [=](Context& context, const auto& table, const auto& p) {
                    context.launch(transposed ? table.conv_transpose2d_backward_weight
                                              : table.conv2d_backward_weight,
                                   {.sizes = sizes,
                                    .x = p[0],
                                    .dy = p[1],
                                    .dweight = p[2],
                                    .dbias = p[3],
                                    .dweight_store = Store::write,
                                    .dbias_store = Store::write});
                  }));
  if (passes == Passes::all) {
    add(kernel_case(
        name + "_backward_data", layer.name, {input(n.y), input(n.weight), output(n.x)},
        [=](Context& context, const auto& table, const auto& p) {
          context.launch(
              transposed ? table.conv_transpose2d_backward_data : table.conv2d_backward_data,
              {.sizes = sizes, .dy = p[0], .weight = p[1], .dx = p[2], .dx_store = Store::write});
        }));
  }
}

/// The weight's gradient behind a PReLU. The PReLU's input is positive, so that the magnitudes of
/// the inputs give those of all terms. The time does not depend on it.
void add_prelu_gradient(std::vector<KernelCase>& cases, const Layer& layer,
                        const std::vector<int>& threads) {
  const ConvSizes sizes = sizes_of(layer, false);
  const Counts n = counts_of(sizes, false);
  KernelCase added = kernel_case("conv2d_prelu_backward_weight", layer.name,
                                 {input(n.x), input(n.y), input(n.y, 0, 1), input(1), output(n.y),
                                  output(n.weight), output(sizes.out_channels), output(1)},
                                 [=](Context& context, const auto& table, const auto& p) {
                                   context.launch(table.conv2d_prelu_backward_weight,
                                                  {.conv = {.sizes = sizes,
                                                            .x = p[0],
                                                            .dy = p[1],
                                                            .dweight = p[5],
                                                            .dbias = p[6],
                                                            .dweight_store = Store::write,
                                                            .dbias_store = Store::write},
                                                   .slopes = 1,
                                                   .before = p[2],
                                                   .slope = p[3],
                                                   .dz = p[4],
                                                   .wants_dz = true,
                                                   .dslope = p[7],
                                                   .dslope_store = Store::write});
                                 });
  added.threads = threads;
  added.multiply_adds = n.multiply_adds;
  added.magnitude = Magnitude::absolute_inputs;
  cases.push_back(std::move(added));
}

/// The student in one call, as inference runs it. The terms of the last stage are bounded by what
/// the magnitudes of all weights make of those of the inputs.
void add_chain(std::vector<KernelCase>& cases, int height, int width) {
  std::vector<Layer> layers = {{"", 1, 56, 5, 1, height, width}, {"", 56, 12, 1, 1, height, width}};
  layers.insert(layers.end(), 4, {"", 12, 12, 3, 1, height, width});
  layers.push_back({"", 12, 56, 1, 1, height, width});
  layers.push_back({"", 56, 1, 9, 2, height, width});
  std::vector<ConvSizes> sizes;
  std::vector<Operand> operands = {input(std::int64_t{height} * width)};
  std::int64_t multiply_adds = 0;
  for (const Layer& layer : layers) {
    const bool transposed = &layer == &layers.back();
    sizes.push_back(sizes_of(layer, transposed));
    const Counts n = counts_of(sizes.back(), transposed);
    const double scale = 1.0 / (layer.in * layer.kernel);
    operands.push_back(input(n.weight, -scale, scale));
    operands.push_back(input(layer.out));
    multiply_adds += n.multiply_adds;
  }
  const std::size_t slope = operands.size();
  operands.push_back(input(1, 0, 0.5));
  operands.push_back(output(4 * std::int64_t{height} * width));
  const auto run = [=](Context& context, const auto& table, const auto& p) {
    using T = std::remove_pointer_t<typename std::decay_t<decltype(p)>::value_type>;
    std::vector<kernels::ChainStage<T>> stages;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const bool last = i + 1 == sizes.size();
      kernels::Activation<T> prelu{kernels::ActivationKind::prelu, p[slope], 1};
      stages.push_back(
          {sizes[i], last, p[1 + 2 * i], p[2 + 2 * i], last ? kernels::Activation<T>{} : prelu});
    }
    context.launch(table.conv_chain,
                   {stages.data(), static_cast<int>(stages.size()), p[0], p[slope + 1]});
  };
  cases.push_back(kernel_case("conv_chain", "student_640x360", std::move(operands), run));
  cases.back().threads = {1, 2};
  cases.back().multiply_adds = multiply_adds;
  cases.back().magnitude = Magnitude::absolute_inputs;
}

}  // namespace

std::vector<KernelCase> conv_cases(CaseSize size, std::int64_t batch) {
  const int share = size == CaseSize::full ? 1 : 4;
  const int low = 96 / share;
  const int high = 192 / share;
  const int image = 360 / share;
  std::vector<KernelCase> cases;
  // The image itself needs no gradient; the decoder's first layer passes one on to the encoder.
  add_layer(cases, {"encoder_feature", 1, 56, 5, 1, high, 192, batch}, false,
            Passes::forward_and_weight, {1});
  for (const Layer& layer : {Layer{"encoder_downscale", 56, 56, 5, 2, high, 192, batch},
                             Layer{"encoder_shrink", 56, 12, 3, 1, low, 96, batch},
                             Layer{"encoder_compact", 12, 1, 3, 1, low, 96, batch},
                             Layer{"feature", 1, 56, 5, 1, low, 96, batch},
                             Layer{"shrink", 56, 12, 1, 1, low, 96, batch},
                             Layer{"mapping", 12, 12, 3, 1, low, 96, batch},
                             Layer{"expand", 12, 56, 1, 1, low, 96, batch},
                             Layer{"estimator", 56, 56, 1, 1, low, 96, batch}}) {
    add_layer(cases, layer, false, Passes::all, {1});
  }
  add_prelu_gradient(cases, {"mapping", 12, 12, 3, 1, low, 96, batch}, {1});
  add_layer(cases, {"deconvolution", 56, 1, 9, 2, low, 96, batch}, true, Passes::all, {1});
  for (const Layer& layer : {Layer{"feature_640x360", 1, 56, 5, 1, image, 640},
                             Layer{"shrink_640x360", 56, 12, 1, 1, image, 640},
                             Layer{"mapping_640x360", 12, 12, 3, 1, image, 640},
                             Layer{"expand_640x360", 12, 56, 1, 1, image, 640}}) {
    add_layer(cases, layer, false, Passes::forward, {1, 2});
  }
  add_layer(cases, {"deconvolution_640x360", 56, 1, 9, 2, image, 640}, true, Passes::forward,
            {1, 2});
  add_chain(cases, image, 640);
  return cases;
}

}  // namespace pisr::bench
