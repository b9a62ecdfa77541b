// The naive kernels are the truth of all other tests; here they meet a truth that shares no line
// with them: convolutions of integers as products of polynomials in two variables, which are exact.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "kernels/table.h"
#include "tests/catch.h"
#include "tests/kernels/conv_cases.h"
#include "tests/kernels/test_launcher.h"

namespace pisr::kernels {
namespace {

using Doubles = std::vector<double>;

/// Coefficients of u^a v^b by (a, b); a and b may be negative.
using Polynomial = std::map<std::pair<int, int>, double>;

Polynomial operator*(const Polynomial& p, const Polynomial& q) {
  Polynomial product;
  for (const auto& [a, x] : p) {
    for (const auto& [b, y] : q) {
      product[{a.first + b.first, a.second + b.second}] += x * y;
    }
  }
  return product;
}

void add(Polynomial& sum, const Polynomial& p) {
  for (const auto& [power, coefficient] : p) {
    sum[power] += coefficient;
  }
}

/// A plane [height, width] whose rows and columns are `step` powers apart; step may be negative.
Polynomial polynomial(const double* plane, int height, int width, int step = 1) {
  Polynomial result;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      result[{y * step, x * step}] = plane[y * width + x];
    }
  }
  return result;
}

/// Coefficients `step` powers apart, the first that of u^first v^first, as a plane.
Doubles plane(const Polynomial& p, int height, int width, int first, int step = 1) {
  Doubles result;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const auto found = p.find({first + y * step, first + x * step});
      result.push_back(found == p.end() ? 0 : found->second);
    }
  }
  return result;
}

Doubles integers(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  Doubles values(count);
  for (double& value : values) {
    value = static_cast<double>(generator() % 19) - 9;
  }
  return values;
}

void append(Doubles& values, const Doubles& more) {
  values.insert(values.end(), more.begin(), more.end());
}

struct Operands {
  explicit Operands(const ConvSizes& s)
      : x(integers(x_count(s), 1)),
        weight(integers(weight_count(s), 2)),
        bias(integers(static_cast<std::size_t>(s.out_channels), 3)),
        dy(integers(y_count(s), 4)) {}
  Doubles x, weight, bias, dy;
};

struct Results {
  Doubles y, dx, dweight, dbias;
  friend bool operator==(const Results&, const Results&) = default;
};

/// Where the planes of conv2d lie: in [n, i], out [n, o], kernel [o, i] for channels of one group.
struct Channels {
  explicit Channels(const ConvSizes& sizes)
      : s(sizes), inputs(s.in_channels / s.groups), outputs(s.out_channels / s.groups) {}
  const double* in(const Doubles& v, int n, int c) const {
    return v.data() + (n * s.in_channels + c) * s.in_height * s.in_width;
  }
  const double* out(const Doubles& v, int n, int c) const {
    return v.data() + (n * s.out_channels + c) * s.out_height * s.out_width;
  }
  /// Of channels in the same group.
  const double* kernel(const Doubles& v, int o, int i) const {
    return v.data() + (o * inputs + i % inputs) * s.kernel_height * s.kernel_width;
  }
  bool meet(int o, int i) const { return o / outputs == i / inputs; }

  ConvSizes s;
  int inputs, outputs;
};

/// y [n, o] from x [n, i]: y(row) = sum of w(k) x(row stride - padding + k), so the kernel runs
/// backwards.
Doubles gather(const ConvSizes& s, const Doubles& x, const Doubles& weight) {
  const Channels c(s);
  Doubles y;
  for (int n = 0; n < s.batch; ++n) {
    for (int o = 0; o < s.out_channels; ++o) {
      Polynomial sum;
      for (int i = 0; i < s.in_channels; ++i) {
        if (c.meet(o, i)) {
          add(sum, polynomial(c.in(x, n, i), s.in_height, s.in_width) *
                       polynomial(c.kernel(weight, o, i), s.kernel_height, s.kernel_width, -1));
        }
      }
      append(y, plane(sum, s.out_height, s.out_width, -s.padding, s.stride));
    }
  }
  return y;
}

/// x [n, i] from y [n, o], the transpose: x(row stride - padding + k) gets w(k) y(row).
Doubles scatter(const ConvSizes& s, const Doubles& y, const Doubles& weight) {
  const Channels c(s);
  Doubles x;
  for (int n = 0; n < s.batch; ++n) {
    for (int i = 0; i < s.in_channels; ++i) {
      Polynomial sum;
      for (int o = 0; o < s.out_channels; ++o) {
        if (c.meet(o, i)) {
          add(sum, polynomial(c.out(y, n, o), s.out_height, s.out_width, s.stride) *
                       polynomial(c.kernel(weight, o, i), s.kernel_height, s.kernel_width));
        }
      }
      append(x, plane(sum, s.in_height, s.in_width, s.padding));
    }
  }
  return x;
}

/// w(k) = sum of y(row) x(row stride - padding + k).
Doubles weight_of(const ConvSizes& s, const Doubles& x, const Doubles& y) {
  const Channels c(s);
  Doubles weight;
  for (int o = 0; o < s.out_channels; ++o) {
    for (int i = 0; i < s.in_channels; ++i) {
      if (!c.meet(o, i)) {
        continue;
      }
      Polynomial sum;
      for (int n = 0; n < s.batch; ++n) {
        add(sum, polynomial(c.in(x, n, i), s.in_height, s.in_width) *
                     polynomial(c.out(y, n, o), s.out_height, s.out_width, -s.stride));
      }
      append(weight, plane(sum, s.kernel_height, s.kernel_width, -s.padding));
    }
  }
  return weight;
}

Results by_polynomials(const ConvSizes& s, const Operands& in, bool is_transpose) {
  Results r;
  if (is_transpose) {
    const ConvSizes t = transposed(s);
    r = {scatter(t, in.x, in.weight), gather(t, in.dy, in.weight), weight_of(t, in.dy, in.x), {}};
  } else {
    r = {gather(s, in.x, in.weight), scatter(s, in.dy, in.weight), weight_of(s, in.x, in.dy), {}};
  }
  r.dbias.resize(in.bias.size());
  const std::size_t pixels = static_cast<std::size_t>(s.out_height) * s.out_width;
  for (std::size_t i = 0; i < r.y.size(); ++i) {
    const std::size_t channel = i / pixels % in.bias.size();
    r.y[i] += in.bias[channel];
    r.dbias[channel] += in.dy[i];
  }
  return r;
}

Results by_kernels(const KernelTable<double>& table, const ConvSizes& s, const Operands& in,
                   bool is_transpose) {
  TestLauncher launcher;
  Results r{Doubles(y_count(s)), Doubles(x_count(s)), Doubles(weight_count(s)),
            Doubles(in.bias.size())};
  (is_transpose ? table.conv_transpose2d : table.conv2d)(
      launcher, {s, in.x.data(), in.weight.data(), in.bias.data(), r.y.data()});
  (is_transpose ? table.conv_transpose2d_backward_data : table.conv2d_backward_data)(
      launcher, {s, in.dy.data(), in.weight.data(), r.dx.data(), Store::write});
  (is_transpose ? table.conv_transpose2d_backward_weight : table.conv2d_backward_weight)(
      launcher,
      {s, in.x.data(), in.dy.data(), r.dweight.data(), r.dbias.data(), Store::write, Store::write});
  return r;
}

/// Zero padding that a map of coefficients can follow in little time.
bool is_small(const ConvSizes& s) {
  return s.padding_mode == PaddingMode::zero &&
         std::max(x_count(s), y_count(s)) * weight_count(s) / s.groups < 2'000'000;
}

/// The image with its border repeated `padding` times, as replicate padding sees it.
Doubles with_border(const ConvSizes& s, const Doubles& x) {
  Doubles result;
  for (int p = 0; p < s.batch * s.in_channels; ++p) {
    for (int row = -s.padding; row < s.in_height + s.padding; ++row) {
      for (int column = -s.padding; column < s.in_width + s.padding; ++column) {
        result.push_back(x[static_cast<std::size_t>(
            (p * s.in_height + std::clamp(row, 0, s.in_height - 1)) * s.in_width +
            std::clamp(column, 0, s.in_width - 1))]);
      }
    }
  }
  return result;
}

}  // namespace

TEST_CASE("convolutions of integers equal products of polynomials, exactly") {
  int done = 0;
  for (const bool is_transpose : {false, true}) {
    for (const ConvCase& test : is_transpose ? transpose_cases() : conv_cases()) {
      if (!is_small(test.sizes)) {
        continue;
      }
      CAPTURE(test.name, is_transpose);
      const Operands operands(test.sizes);
      const Results right = by_polynomials(test.sizes, operands, is_transpose);
      for (const KernelTable<double>* table :
           {&naive_kernels<double>(), &cpu_kernels<double>(), &eigen_kernels<double>()}) {
        CHECK(by_kernels(*table, test.sizes, operands, is_transpose) == right);
      }
      ++done;
    }
  }
  CHECK(done >= 30);
}

TEST_CASE("replicate padding equals zero padding of an image with a border, exactly") {
  for (const ConvCase& test : conv_cases()) {
    ConvSizes s = test.sizes;
    if (s.padding_mode == PaddingMode::zero) {
      continue;
    }
    CAPTURE(test.name);
    Operands operands(s);
    const Results got = by_kernels(naive_kernels<double>(), s, operands, false);
    operands.x = with_border(s, operands.x);
    s.in_height += 2 * s.padding;
    s.in_width += 2 * s.padding;
    s.padding = 0;
    const Results right = by_polynomials(s, operands, false);
    CHECK(got.y == right.y);
    CHECK(got.dweight == right.dweight);
  }
}

TEST_CASE("products of polynomials tell a kernel that runs backwards, a shift and another stride") {
  ConvSizes s = conv("", 1, 2, 2, 7, 7, {3, 2, 1}).sizes;
  const Operands operands(s);
  const Results right = by_kernels(naive_kernels<double>(), s, operands, false);
  REQUIRE(by_polynomials(s, operands, false) == right);
  Operands backwards = operands;
  std::reverse(backwards.weight.begin(), backwards.weight.end());
  CHECK(by_polynomials(s, backwards, false).y != right.y);
  CHECK(by_polynomials(s, backwards, false).dx != right.dx);
  s.padding = 0;
  CHECK(by_polynomials(s, operands, false).y != right.y);
  CHECK(by_polynomials(s, operands, false).dweight != right.dweight);
  s.padding = 1;
  s.stride = 1;
  CHECK(by_polynomials(s, operands, false).dx != right.dx);
}

}  // namespace pisr::kernels
