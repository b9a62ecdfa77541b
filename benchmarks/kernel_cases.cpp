#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

#include "benchmarks/kernel_case.h"
#include "pisr/model/architectures.h"
#include "pisr/model/teacher.h"

namespace pisr::bench {
namespace {

using kernels::BinaryOp;
using kernels::Broadcast;
using kernels::LossOp;
using kernels::PlaneStatistic;
using kernels::Store;
using kernels::UnaryOp;

using Cases = std::vector<KernelCase>;

template <class Pointers>
using ElementOf = std::remove_pointer_t<typename std::decay_t<Pointers>::value_type>;

void add_pointwise(Cases& cases, std::int64_t rows) {
  const std::int64_t inner = rows * 96;
  const std::int64_t n = 56 * inner;
  cases.push_back(kernel_case("unary", "softplus", {input(n, -5, 5), output(n)},
                              [n](Context& context, const auto& table, const auto& p) {
                                context.launch(table.unary, {UnaryOp::softplus, n, 1, p[0], p[1]});
                              }));
  cases.push_back(kernel_case("unary_backward", "softplus", {input(n, -5, 5), input(n), output(n)},
                              [n](Context& context, const auto& table, const auto& p) {
                                context.launch(table.unary_backward,
                                               {UnaryOp::softplus, n, 1, p[0], nullptr, p[1], p[2],
                                                Store::write});
                              }));
  cases.push_back(
      kernel_case("affine", "estimator_spread", {input(n, 0, 5), output(n)},
                  [n](Context& context, const auto& table, const auto& p) {
                    using T = ElementOf<decltype(p)>;
                    context.launch(table.affine, {n, T(0.1), T(1e-8), p[0], p[1], Store::write});
                  }));
  cases.push_back(kernel_case("binary", "multiply", {input(n), input(n), output(n)},
                              [inner](Context& context, const auto& table, const auto& p) {
                                context.launch(table.binary, {BinaryOp::multiply, Broadcast::same,
                                                              1, 56, inner, p[0], p[1], p[2]});
                              }));
  cases.push_back(kernel_case(
      "binary_backward", "multiply", {input(n), input(n), input(n), output(n), output(n)},
      [inner](Context& context, const auto& table, const auto& p) {
        context.launch(table.binary_backward,
                       {BinaryOp::multiply, Broadcast::same, 1, 56, inner, p[0], p[1], p[2], p[3],
                        p[4], Store::write, Store::write});
      }));
}

void add_prelu(Cases& cases, const char* shape, std::int64_t inner) {
  const std::int64_t n = 56 * inner;
  cases.push_back(kernel_case("prelu", shape, {input(n), input(1), output(n)},
                              [inner](Context& context, const auto& table, const auto& p) {
                                context.launch(table.prelu, {1, 56, inner, 1, p[0], p[1], p[2]});
                              }));
  // A positive dy: the terms of the slope's gradient are all of one sign.
  cases.push_back(kernel_case(
      "prelu_backward", shape, {input(n), input(1), input(n, 0, 1), output(n), output(1)},
      [inner](Context& context, const auto& table, const auto& p) {
        context.launch(table.prelu_backward,
                       {1, 56, inner, 1, p[0], p[1], p[2], p[3], p[4], Store::write, Store::write});
      }));
}

void add_reductions(Cases& cases, std::int64_t rows) {
  const std::int64_t inner = rows * 96;
  const std::int64_t n = 56 * inner;
  cases.push_back(kernel_case("sum", "feature", {input(n), output(1)},
                              [n](Context& context, const auto& table, const auto& p) {
                                context.launch(table.sum, {n, 1, p[0], p[1]});
                              }));
  cases.back().magnitude = Magnitude::absolute_inputs;
  cases.push_back(
      kernel_case("broadcast_scalar", "feature", {input(1), output(n)},
                  [n](Context& context, const auto& table, const auto& p) {
                    context.launch(table.broadcast_scalar, {n, 1, p[0], p[1], Store::write});
                  }));
  cases.push_back(kernel_case(
      "plane_statistic", "mean", {input(n), output(56)},
      [inner](Context& context, const auto& table, const auto& p) {
        context.launch(table.plane_statistic, {PlaneStatistic::mean, 56, inner, p[0], p[1]});
      }));
  cases.back().magnitude = Magnitude::absolute_inputs;
  cases.push_back(kernel_case(
      "plane_statistic_backward", "mean", {input(n), input(56), input(56), output(n)},
      [inner](Context& context, const auto& table, const auto& p) {
        context.launch(table.plane_statistic_backward,
                       {PlaneStatistic::mean, 56, inner, p[0], p[1], p[2], p[3], Store::write});
      }));
}

void add_layout(Cases& cases, std::int64_t rows) {
  const std::int64_t inner = rows * 96;
  const std::int64_t half = 28 * inner;
  cases.push_back(kernel_case(
      "copy_blocks", "concat", {input(half), state(2 * half, -1, 1)},
      [half](Context& context, const auto& table, const auto& p) {
        context.launch(table.copy_blocks, {1, half, half, 2 * half, p[0], p[1], Store::write});
      }));
  cases.push_back(
      kernel_case("pixel_shuffle", "image", {input(4 * inner), output(4 * inner)},
                  [rows](Context& context, const auto& table, const auto& p) {
                    context.launch(table.pixel_shuffle, {1, 1, rows, 96, 2, p[0], p[1]});
                  }));
  cases.push_back(kernel_case(
      "pixel_shuffle_backward", "image", {input(4 * inner), output(4 * inner)},
      [rows](Context& context, const auto& table, const auto& p) {
        context.launch(table.pixel_shuffle_backward, {1, 1, rows, 96, 2, p[0], p[1], Store::write});
      }));
  cases.push_back(kernel_case("block_mean", "feature", {input(56 * 4 * inner), output(56 * inner)},
                              [rows](Context& context, const auto& table, const auto& p) {
                                context.launch(table.block_mean, {56, rows, 96, 2, p[0], p[1]});
                              }));
  cases.back().magnitude = Magnitude::absolute_inputs;
  cases.push_back(kernel_case(
      "block_mean_backward", "feature", {input(56 * inner), output(56 * 4 * inner)},
      [rows](Context& context, const auto& table, const auto& p) {
        context.launch(table.block_mean_backward, {56, rows, 96, 2, p[0], p[1], Store::write});
      }));
}

/// Enlarging by 2, and its gradient. Positive inputs: no result is near zero.
void add_bicubic(Cases& cases, std::int64_t rows) {
  const std::int64_t inner = rows * 96;
  cases.push_back(kernel_case(
      "upscale_bicubic", "image", {input(inner, 0.5, 1), output(4 * inner)},
      [rows](Context& context, const auto& table, const auto& p) {
        context.launch(table.upscale_bicubic, {1, rows, 96, 2, 1, p[0], p[1], Store::write});
      }));
  cases.push_back(kernel_case(
      "downscale_bicubic", "image", {input(4 * inner, 0.5, 1), output(inner)},
      [rows](Context& context, const auto& table, const auto& p) {
        context.launch(table.downscale_bicubic, {1, rows, 96, 2, 1, p[0], p[1], Store::write});
      }));
}

/// Target and location far enough apart that no term cancels another.
void add_losses(Cases& cases, std::int64_t rows) {
  const std::int64_t pixels = rows * 2 * 192;
  cases.push_back(
      kernel_case("loss", "l1", {input(pixels, 1, 2), input(pixels, -2, -1), output(1)},
                  [pixels](Context& context, const auto& table, const auto& p) {
                    context.launch(table.loss, {LossOp::l1, pixels, p[0], p[1], nullptr, p[2]});
                  }));
  cases.push_back(kernel_case(
      "loss_backward", "l1", {input(pixels, 1, 2), input(pixels, -2, -1), input(1), output(pixels)},
      [pixels](Context& context, const auto& table, const auto& p) {
        context.launch(table.loss_backward,
                       {LossOp::l1, pixels, p[0], p[1], nullptr, p[2], nullptr, p[3], nullptr,
                        Store::write, Store::write, Store::write});
      }));
  const std::int64_t n = 56 * rows * 96;
  cases.push_back(kernel_case(
      "loss", "laplace", {input(n, 1, 2), input(n, -2, -1), input(n, 0.6, 1), output(1)},
      [n](Context& context, const auto& table, const auto& p) {
        context.launch(table.loss, {LossOp::laplace_nll, n, p[0], p[1], p[2], p[3]});
      }));
  cases.push_back(kernel_case(
      "loss_backward", "laplace",
      {input(n, 1, 2), input(n, -2, -1), input(n, 0.6, 1), input(1), output(n), output(n)},
      [n](Context& context, const auto& table, const auto& p) {
        context.launch(table.loss_backward,
                       {LossOp::laplace_nll, n, p[0], p[1], p[2], p[3], nullptr, p[4], p[5],
                        Store::write, Store::write, Store::write});
      }));
}

/// What a student is trained by.
void add_weighted_loss(Cases& cases, std::int64_t rows) {
  const std::int64_t pixels = rows * 2 * 192, n = 56 * rows * 96;
  cases.push_back(kernel_case(
      "weighted_loss", "student",
      {input(pixels, 1, 2), input(pixels, -2, -1), input(n, 1, 2), input(n, -2, -1),
       input(n, 0.6, 1), output(1), output(1), output(1), output(pixels), output(n), output(n)},
      [pixels, n](Context& context, const auto& table, const auto& p) {
        using T = ElementOf<decltype(p)>;
        context.launch(
            table.weighted_loss,
            {2,
             {{{LossOp::l1, pixels, p[0], p[1], nullptr, p[6]}, T(1), nullptr, p[8], nullptr},
              {{LossOp::laplace_nll, n, p[2], p[3], p[4], p[7]}, T(0.5), nullptr, p[9], p[10]}},
             p[5]});
      }));
}

void add_optimiser(Cases& cases) {
  const std::int64_t n = Teacher(default_spec()).parameter_count();
  cases.push_back(kernel_case(
      "adam", "teacher", {input(n, 0.1, 1), state(n, 0.5, 1), state(n, 0.1, 1), state(n, 0.1, 1)},
      [n](Context& context, const auto& table, const auto& p) {
        context.launch(table.adam, {n, 10, 1e-3, 0.9, 0.999, 1e-8, 1.0, p[0], p[1], p[2], p[3]});
      }));
  cases.push_back(kernel_case("moving_average", "teacher", {input(n, 0.5, 1), state(n, 0.5, 1)},
                              [n](Context& context, const auto& table, const auto& p) {
                                context.launch(table.moving_average, {n, 0.999, p[0], p[1]});
                              }));
  constexpr std::int64_t kParts = 36, kWeights = 25 * 56 * 56;
  cases.push_back(kernel_case(
      "finish_sums", "downscale", {input(kParts * kWeights, 0.5, 1), output(kWeights)},
      [](Context& context, const auto& table, const auto& p) {
        using T = ElementOf<decltype(p)>;
        const kernels::DeferredSum<T> sum{p[1], Store::write, p[0], nullptr, kParts, kWeights};
        context.launch(table.finish_sums, {1, &sum});
      }));
  cases.push_back(kernel_case("sum_squares", "teacher", {input(n), output(1)},
                              [n](Context& context, const auto& table, const auto& p) {
                                double sum = 0;
                                context.launch(table.sum_squares, {n, p[0], &sum});
                                *p[1] = static_cast<ElementOf<decltype(p)>>(sum);
                              }));
  cases.back().host_only = true;
}

/// A batch of patches of 192x192 from one image; the image is the function's own.
void add_patches(Cases& cases, std::int64_t rows) {
  constexpr int kWidth = 384;
  constexpr int kScale = 2;
  const int low_size = static_cast<int>(rows);
  constexpr kernels::PatchSource kSource{0, kWidth * kWidth, kWidth / kScale, kWidth / kScale, 1};
  auto bytes = std::make_shared<std::vector<std::uint8_t>>(kWidth * kWidth * 5 / 4);
  for (std::size_t i = 0; i < bytes->size(); ++i) {
    (*bytes)[i] = static_cast<std::uint8_t>(i * 37 % 251);
  }
  const std::int64_t low = rows * rows;
  cases.push_back(kernel_case(
      "random_patches", "image", {output(kScale * kScale * low), output(low)},
      [=](Context& context, const auto& table, const auto& p) {
        const std::int64_t iteration = 3;
        context.launch(
            table.random_patches,
            {1, low_size, kScale, 1, {}, &iteration, 1, &kSource, bytes->data(), p[0], p[1]});
      }));
  cases.back().host_only = true;
}

}  // namespace

std::vector<KernelCase> kernel_cases(CaseSize size, std::int64_t batch) {
  // To all but the convolutions a batch is a taller image.
  const std::int64_t rows = batch * (size == CaseSize::full ? 96 : 24);
  Cases cases = conv_cases(size, batch);
  add_prelu(cases, "feature", rows * 96);
  add_prelu(cases, "encoder_feature", rows * 2 * 192);
  add_pointwise(cases, rows);
  add_reductions(cases, rows);
  add_layout(cases, rows);
  add_bicubic(cases, rows);
  add_losses(cases, rows);
  add_weighted_loss(cases, rows);
  add_patches(cases, size == CaseSize::full ? 96 : 24);
  add_optimiser(cases);
  return cases;
}

}  // namespace pisr::bench
