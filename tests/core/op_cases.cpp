#include "tests/core/op_cases.h"

namespace pisr {
namespace {

using Variables = std::vector<Variable>;

OpCase conv_case(const std::string& name, Shape x, Shape weight, bool bias, Conv2dOptions options) {
  const std::int64_t outputs = weight[0];
  OpCase result{"conv2d " + name, {x, weight}, {}};
  if (bias) result.inputs.push_back({outputs});
  result.function = [options](const Variables& v) {
    return conv2d(v[0], v[1], v.size() > 2 ? v[2] : Variable(), options);
  };
  return result;
}

OpCase conv_prelu_case(const std::string& name, Shape x, Shape weight, std::int64_t slopes,
                       Conv2dOptions options) {
  return {"conv2d_prelu " + name,
          {x, weight, {weight[0]}, {slopes}},
          [options](const Variables& v) { return conv2d_prelu(v[0], v[1], v[2], v[3], options); }};
}

OpCase transpose_case(const std::string& name, Shape x, Shape weight, bool bias,
                      ConvTranspose2dOptions options) {
  const std::int64_t outputs = weight[1] * options.groups;
  OpCase result{"conv_transpose2d " + name, {x, weight}, {}};
  if (bias) result.inputs.push_back({outputs});
  result.function = [options](const Variables& v) {
    return conv_transpose2d(v[0], v[1], v.size() > 2 ? v[2] : Variable(), options);
  };
  return result;
}

void add_convolutions(std::vector<OpCase>& cases) {
  const auto conv = [&](auto... args) { cases.push_back(conv_case(args...)); };
  constexpr auto kReplicate = PaddingMode::replicate;
  conv("1x1", Shape{1, 2, 3, 3}, Shape{3, 2, 1, 1}, true, Conv2dOptions{});
  conv("one pixel", Shape{1, 1, 1, 1}, Shape{1, 1, 3, 3}, true, Conv2dOptions{1, 1});
  conv("3x3 full Jacobian", Shape{1, 2, 3, 4}, Shape{2, 2, 3, 3}, true, Conv2dOptions{1, 1});
  conv("3x3", Shape{2, 3, 7, 5}, Shape{4, 3, 3, 3}, true, Conv2dOptions{1, 1});
  conv("5x5 without bias", Shape{1, 2, 13, 7}, Shape{3, 2, 5, 5}, false, Conv2dOptions{1, 2});
  conv("9x9", Shape{1, 1, 11, 13}, Shape{2, 1, 9, 9}, true, Conv2dOptions{1, 4});
  conv("3x5 kernel", Shape{1, 2, 6, 7}, Shape{2, 2, 3, 5}, true, Conv2dOptions{1, 0});
  conv("stride 2", Shape{2, 2, 7, 8}, Shape{3, 2, 3, 3}, true, Conv2dOptions{2, 1});
  conv("stride 3", Shape{1, 2, 13, 11}, Shape{2, 2, 5, 5}, true, Conv2dOptions{3, 2});
  conv("groups 2", Shape{1, 4, 5, 6}, Shape{6, 2, 3, 3}, true, Conv2dOptions{1, 1, 2});
  conv("depthwise", Shape{2, 3, 7, 5}, Shape{3, 1, 3, 3}, true, Conv2dOptions{2, 1, 3});
  conv("replicate", Shape{1, 2, 5, 7}, Shape{2, 2, 3, 3}, true, Conv2dOptions{1, 1, 1, kReplicate});
  conv("replicate beyond the image", Shape{1, 1, 2, 3}, Shape{2, 1, 5, 5}, true,
       Conv2dOptions{1, 3, 1, kReplicate});
  conv("replicate stride 2", Shape{1, 2, 7, 6}, Shape{2, 1, 5, 5}, true,
       Conv2dOptions{2, 2, 2, kReplicate});

  const auto conv_prelu = [&](auto... args) { cases.push_back(conv_prelu_case(args...)); };
  conv_prelu("one slope", Shape{2, 2, 5, 4}, Shape{3, 2, 3, 3}, 1, Conv2dOptions{1, 1});
  conv_prelu("slope per channel, stride 2", Shape{1, 2, 7, 6}, Shape{3, 2, 3, 3}, 3,
             Conv2dOptions{2, 1});
  conv_prelu("1x1", Shape{1, 3, 3, 3}, Shape{2, 3, 1, 1}, 1, Conv2dOptions{});

  const auto transpose = [&](auto... args) { cases.push_back(transpose_case(args...)); };
  transpose("full Jacobian", Shape{1, 2, 2, 3}, Shape{2, 1, 3, 3}, true,
            ConvTranspose2dOptions{2, 1, 1});
  transpose("stride 1", Shape{1, 2, 5, 7}, Shape{2, 3, 3, 3}, true, ConvTranspose2dOptions{1, 1});
  transpose("9x9 stride 2", Shape{2, 3, 5, 4}, Shape{3, 1, 9, 9}, true,
            ConvTranspose2dOptions{2, 4, 1});
  transpose("9x9 stride 3", Shape{1, 2, 3, 5}, Shape{2, 2, 9, 9}, false,
            ConvTranspose2dOptions{3, 4, 2});
  transpose("stride 4", Shape{1, 2, 3, 3}, Shape{2, 1, 9, 9}, true,
            ConvTranspose2dOptions{4, 4, 3});
  transpose("groups 2", Shape{1, 4, 3, 4}, Shape{4, 2, 3, 3}, true,
            ConvTranspose2dOptions{2, 1, 1, 2});
  transpose("one pixel", Shape{1, 1, 1, 1}, Shape{1, 2, 2, 2}, true, ConvTranspose2dOptions{2, 0});
  transpose("kernel below stride", Shape{1, 1, 3, 2}, Shape{1, 2, 2, 2}, true,
            ConvTranspose2dOptions{3, 0});
}

void add_pointwise(std::vector<OpCase>& cases) {
  const auto unary = [&](const char* name, auto function, double low = -2, double high = 2) {
    for (const Shape& shape : {Shape{}, Shape{7}, Shape{2, 3, 5, 7}}) {
      cases.push_back({message(name, ' ', shape),
                       {shape},
                       [function](const Variables& v) { return function(v[0]); },
                       low,
                       high});
    }
  };
  unary("relu", relu);
  unary("leaky_relu", [](const Variable& x) { return leaky_relu(x, 0.1); });
  unary("sigmoid", sigmoid);
  unary("softplus", [](const Variable& x) { return softplus(x); });
  unary("softplus with a factor", [](const Variable& x) { return softplus(x, -0.5, 2); });
  unary("exp", [](const Variable& x) { return exp(x); });
  unary(
      "log", [](const Variable& x) { return log(x); }, 0.5, 3);
  unary("abs", [](const Variable& x) { return abs(x); });
  unary("clamp", [](const Variable& x) { return clamp(x, -0.5, 1); });
  unary("x + 1.5", [](const Variable& x) { return x + 1.5; });
  unary("1.5 + x", [](const Variable& x) { return 1.5 + x; });
  unary("x - 1.5", [](const Variable& x) { return x - 1.5; });
  unary("1.5 - x", [](const Variable& x) { return 1.5 - x; });
  unary("-x", [](const Variable& x) { return -x; });
  unary("x * 1.5", [](const Variable& x) { return x * 1.5; });
  unary("1.5 * x", [](const Variable& x) { return 1.5 * x; });
  unary("x / 1.5", [](const Variable& x) { return x / 1.5; });
  unary(
      "1.5 / x", [](const Variable& x) { return 1.5 / x; }, 0.5, 3);
  const auto slope = [](const Variables& v) { return prelu(v[0], v[1]); };
  cases.push_back({"prelu one slope", {{2, 3, 5, 7}, {1}}, slope});
  cases.push_back({"prelu slope per channel", {{2, 3, 5, 7}, {3}}, slope});
  cases.push_back({"prelu slope per channel, 2 axes", {{5, 3}, {3}}, slope});
  cases.push_back({"prelu one slope, 1 axis", {{7}, {1}}, slope});
  cases.push_back({"prelu one channel", {{2, 1, 3, 3}, {1}}, slope});
}

void add_binary(std::vector<OpCase>& cases) {
  const Shape image{2, 3, 5, 7};
  const auto binary = [&](const std::string& name, auto function, double low) {
    const auto add = [&](const char* spread, const Shape& a, const Shape& b) {
      cases.push_back({name + ' ' + spread,
                       {a, b},
                       [function](const Variables& v) { return function(v[0], v[1]); },
                       low,
                       3});
    };
    add("same", image, image);
    add("same, full Jacobian", {2, 1, 3, 2}, {2, 1, 3, 2});
    add("same, scalars", {}, {});
    add("channel", image, {3});
    add("channel, 2 axes", {5, 3}, {3});
    add("plane", image, {2, 3, 1, 1});
    add("scalar", image, {1});
    add("scalar, 4 axes", image, {1, 1, 1, 1});
    add("scalar, rank 0", {3}, {});
  };
  binary(
      "add", [](const Variable& a, const Variable& b) { return a + b; }, -3);
  binary(
      "subtract", [](const Variable& a, const Variable& b) { return a - b; }, -3);
  binary(
      "multiply", [](const Variable& a, const Variable& b) { return a * b; }, -3);
  binary(
      "divide", [](const Variable& a, const Variable& b) { return a / b; }, 0.5);
}

void add_reductions(std::vector<OpCase>& cases) {
  for (const Shape& shape : {Shape{}, Shape{13}, Shape{2, 3, 5, 7}}) {
    cases.push_back(
        {message("sum ", shape), {shape}, [](const Variables& v) { return sum(v[0]); }});
    cases.push_back(
        {message("mean ", shape), {shape}, [](const Variables& v) { return mean(v[0]); }});
  }
  for (const Shape& shape : {Shape{1, 2, 3, 5}, Shape{2, 3, 7, 5}}) {
    cases.push_back({message("global_mean ", shape), {shape}, [](const Variables& v) {
                       return global_mean(v[0]);
                     }});
    cases.push_back({message("global_standard_deviation ", shape), {shape}, [](const Variables& v) {
                       return global_standard_deviation(v[0]);
                     }});
  }
  const auto block = [](int factor) {
    return [factor](const Variables& v) { return block_mean(v[0], factor); };
  };
  cases.push_back({"block_mean 1", {{1, 2, 3, 5}}, block(1)});
  cases.push_back({"block_mean 2", {{2, 1, 6, 4}}, block(2)});
  cases.push_back({"block_mean 3", {{1, 3, 9, 21}}, block(3)});
}

void add_layout(std::vector<OpCase>& cases) {
  cases.push_back({"reshape", {{2, 3, 2, 5}}, [](const Variables& v) {
                     return reshape(v[0], {6, 10});
                   }});
  cases.push_back({"concat_channels 1", {{2, 3, 2, 2}}, [](const Variables& v) {
                     return concat_channels({v[0]});
                   }});
  cases.push_back({"concat_channels 2", {{1, 1, 3, 5}, {1, 2, 3, 5}}, [](const Variables& v) {
                     return concat_channels({v[0], v[1]});
                   }});
  cases.push_back(
      {"concat_channels 3", {{2, 3, 5, 7}, {2, 1, 5, 7}, {2, 2, 5, 7}}, [](const Variables& v) {
         return concat_channels({v[0], v[1], v[2]});
       }});
  cases.push_back({"concat_channels 4",
                   {{2, 1, 1, 3}, {2, 1, 1, 3}, {2, 2, 1, 3}, {2, 1, 1, 3}},
                   [](const Variables& v) {
                     return concat_channels({v[0], v[1], v[2], v[3]});
                   }});
  const auto concat = [](const Variables& v) { return concat_channels(v); };
  cases.push_back({"concat_channels 5",
                   {{1, 2, 2, 3}, {1, 1, 2, 3}, {1, 1, 2, 3}, {1, 3, 2, 3}, {1, 1, 2, 3}},
                   concat});
  cases.push_back({"concat_channels 18", std::vector<Shape>(18, Shape{2, 1, 1, 2}), concat});
  const auto slice = [](std::int64_t first, std::int64_t count) {
    return [=](const Variables& v) { return slice_channels(v[0], first, count); };
  };
  cases.push_back({"slice_channels all", {{2, 3, 2, 2}}, slice(0, 3)});
  cases.push_back({"slice_channels first", {{2, 3, 3, 3}}, slice(0, 1)});
  cases.push_back({"slice_channels middle", {{2, 5, 5, 7}}, slice(1, 3)});
  cases.push_back({"slice_channels last", {{1, 3, 3, 5}}, slice(2, 1)});
  const auto shuffle = [](int factor) {
    return [factor](const Variables& v) { return pixel_shuffle(v[0], factor); };
  };
  cases.push_back({"pixel_shuffle 1", {{1, 2, 3, 5}}, shuffle(1)});
  cases.push_back({"pixel_shuffle 2", {{1, 4, 3, 5}}, shuffle(2)});
  cases.push_back({"pixel_shuffle 3", {{2, 18, 3, 2}}, shuffle(3)});
}

void add_bicubic(std::vector<OpCase>& cases) {
  const auto upscale = [](int scale) {
    return [scale](const Variables& v) { return upscale_bicubic(v[0], scale); };
  };
  const auto downscale = [](int scale) {
    return [scale](const Variables& v) { return downscale_bicubic(v[0], scale); };
  };
  cases.push_back({"upscale_bicubic 1", {{1, 2, 3, 5}}, upscale(1)});
  cases.push_back({"upscale_bicubic 2", {{2, 3, 7, 5}}, upscale(2)});
  cases.push_back({"upscale_bicubic 3", {{1, 2, 5, 19}}, upscale(3)});
  cases.push_back({"upscale_bicubic 4", {{1, 1, 2, 17}}, upscale(4)});
  cases.push_back({"upscale_bicubic 5", {{1, 1, 3, 4}}, upscale(5)});
  cases.push_back({"downscale_bicubic 2", {{2, 3, 14, 10}}, downscale(2)});
  cases.push_back({"downscale_bicubic 3", {{1, 2, 6, 57}}, downscale(3)});
  cases.push_back({"downscale_bicubic 4", {{1, 1, 8, 68}}, downscale(4)});
  for (const int scale : {2, 3, 4}) {
    for (const Shape& shape :
         {Shape{1, 1, 1, 1}, Shape{1, 2, 1, 7}, Shape{2, 1, 7, 1}, Shape{1, 1, 2, 3}}) {
      cases.push_back({message("upscale_bicubic ", scale, ' ', shape), {shape}, upscale(scale)});
    }
    cases.push_back({message("downscale_bicubic ", scale, " to one pixel"),
                     {{1, 2, scale, scale}},
                     downscale(scale)});
  }
}

void add_borders(std::vector<OpCase>& cases) {
  const auto padded = [](Sides sides) {
    return [sides](const Variables& v) { return pad(v[0], sides); };
  };
  cases.push_back({"pad above and at the left", {{1, 2, 3, 5}}, padded({.top = 2, .left = 1})});
  cases.push_back(
      {"pad below and at the right", {{2, 1, 3, 2}}, padded({.bottom = 1, .right = 3})});
  cases.push_back({"pad all sides", {{1, 1, 1, 1}}, padded({1, 2, 3, 4})});
  cases.push_back({"pad nothing", {{1, 2, 2, 3}}, padded({})});
  const auto cropped = [](Sides sides) {
    return [sides](const Variables& v) { return crop(v[0], sides); };
  };
  cases.push_back(
      {"crop below and at the right", {{1, 2, 3, 5}}, cropped({.bottom = 1, .right = 2})});
  cases.push_back({"crop all sides", {{2, 2, 7, 8}}, cropped({1, 2, 3, 4})});
  const auto bilinear = [](int scale) {
    return [scale](const Variables& v) { return upscale_bilinear(v[0], scale); };
  };
  cases.push_back({"upscale_bilinear 1", {{1, 2, 3, 5}}, bilinear(1)});
  cases.push_back({"upscale_bilinear 2", {{2, 1, 3, 5}}, bilinear(2)});
  cases.push_back({"upscale_bilinear 3 of one row", {{1, 2, 1, 4}}, bilinear(3)});
  cases.push_back({"upscale_bilinear 4 of one pixel", {{1, 1, 1, 1}}, bilinear(4)});
}

void add_losses(std::vector<OpCase>& cases) {
  for (const Shape& shape : {Shape{}, Shape{7}, Shape{2, 3, 5, 7}}) {
    cases.push_back({message("l1_loss ", shape), {shape, shape}, [](const Variables& v) {
                       return l1_loss(v[0], v[1]);
                     }});
    cases.push_back({message("laplace_nll ", shape),
                     {shape, shape, shape},
                     [](const Variables& v) { return laplace_nll(v[0], v[1], v[2]); },
                     0.5,
                     3});
    cases.push_back({message("gaussian_nll ", shape),
                     {shape, shape, shape},
                     [](const Variables& v) { return gaussian_nll(v[0], v[1], v[2]); },
                     0.5,
                     3});
    const auto add = [&](const char* name, std::size_t inputs,
                         std::function<WeightedLoss(const Variables&)> function) {
      cases.push_back({message("weighted_loss, ", name, ' ', shape),
                       std::vector<Shape>(inputs, shape),
                       [function](const Variables& v) { return function(v).total; }, 0.5, 3});
    };
    add("l1", 2, [](const Variables& v) { return weighted_loss(l1_term(v[0], v[1])); });
    add("laplace", 3,
        [](const Variables& v) { return weighted_loss(laplace_term(v[0], v[1], v[2])); });
    add("two of one input", 3, [](const Variables& v) {
      return weighted_loss(l1_term(v[0], v[1]), l1_term(v[2], v[0]), 0.25);
    });
    add("more inputs than an operation has", 3, [](const Variables& v) {
      return weighted_loss(l1_term(v[0], v[1]), gaussian_term(v[2], v[0], v[1]), 0.25);
    });
    add("one of weight 0", 2, [](const Variables& v) {
      return weighted_loss(l1_term(v[0], v[1]), gaussian_term(v[0], v[1], v[1]), 0);
    });
  }
}

}  // namespace

std::vector<OpCase> op_cases() {
  std::vector<OpCase> cases;
  add_convolutions(cases);
  add_pointwise(cases);
  add_binary(cases);
  add_reductions(cases);
  add_layout(cases);
  add_bicubic(cases);
  add_borders(cases);
  add_losses(cases);
  return cases;
}

}  // namespace pisr
