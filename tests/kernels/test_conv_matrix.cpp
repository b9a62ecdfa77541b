#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include <Eigen/Core>

#include "kernels/table.h"
#include "tests/catch.h"
#include "tests/kernels/test_launcher.h"

using namespace pisr;
using namespace pisr::kernels;

namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

std::vector<double> random_values(std::int64_t count, std::uint64_t index) {
  std::mt19937_64 engine(index);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<double> values(static_cast<std::size_t>(count));
  for (double& value : values) {
    value = uniform(engine);
  }
  return values;
}

/// Row (c, ky, kx), column (oy, ox): the sample of one image that the tap meets there, 0 outside.
Matrix columns_of(const ConvSizes& s, const double* image) {
  const int taps = s.in_channels * s.kernel_height * s.kernel_width;
  Matrix columns = Matrix::Zero(taps, s.out_height * s.out_width);
  for (int row = 0; row < taps; ++row) {
    const int c = row / (s.kernel_height * s.kernel_width);
    const int ky = row / s.kernel_width % s.kernel_height;
    const int kx = row % s.kernel_width;
    for (int column = 0; column < columns.cols(); ++column) {
      const int y = column / s.out_width * s.stride + ky - s.padding;
      const int x = column % s.out_width * s.stride + kx - s.padding;
      if (y >= 0 && y < s.in_height && x >= 0 && x < s.in_width) {
        columns(row, column) = image[(c * s.in_height + y) * s.in_width + x];
      }
    }
  }
  return columns;
}

ConvSizes sizes(int in, int height, int width, int out, int kernel, int stride, int padding) {
  ConvSizes s;
  s.in_channels = in;
  s.in_height = height;
  s.in_width = width;
  s.out_channels = out;
  s.kernel_height = s.kernel_width = kernel;
  s.stride = stride;
  s.padding = padding;
  s.out_height = (height + 2 * padding - kernel) / stride + 1;
  s.out_width = (width + 2 * padding - kernel) / stride + 1;
  return s;
}

}  // namespace

// The naive kernels are the truth of all other tests; here they meet a truth that shares no line
// with them: convolution as one matrix product over unfolded patches.
TEST_CASE("convolution equals the matrix product of weights and patches") {
  for (const ConvSizes& s : {sizes(1, 9, 11, 4, 5, 1, 2), sizes(3, 8, 7, 5, 5, 2, 2),
                             sizes(4, 6, 6, 3, 1, 1, 0), sizes(2, 7, 10, 6, 3, 3, 1)}) {
    const int taps = s.in_channels * s.kernel_height * s.kernel_width;
    const int outputs = s.out_height * s.out_width;
    const std::vector<double> x =
        random_values(std::int64_t{s.in_channels} * s.in_height * s.in_width, 0);
    const std::vector<double> weight = random_values(std::int64_t{s.out_channels} * taps, 1);
    const std::vector<double> bias = random_values(s.out_channels, 2);
    const std::vector<double> dy = random_values(std::int64_t{s.out_channels} * outputs, 3);

    const Matrix columns = columns_of(s, x.data());
    const Eigen::Map<const Matrix> w(weight.data(), s.out_channels, taps);
    const Eigen::Map<const Matrix> gradient(dy.data(), s.out_channels, outputs);
    const Eigen::Map<const Eigen::VectorXd> b(bias.data(), s.out_channels);
    const Matrix y = (w * columns).colwise() + b;
    const Matrix dweight = gradient * columns.transpose();
    const Eigen::VectorXd dbias = gradient.rowwise().sum();

    for (const KernelTable<double>* table : {&naive_kernels<double>(), &cpu_kernels<double>()}) {
      TestLauncher launcher;
      Matrix got_y(y.rows(), y.cols());
      Matrix got_dweight(dweight.rows(), dweight.cols());
      Eigen::VectorXd got_dbias(dbias.size());
      table->conv2d(launcher, {s, x.data(), weight.data(), bias.data(), got_y.data()});
      table->conv2d_backward_weight(launcher, {s, x.data(), dy.data(), got_dweight.data(),
                                               got_dbias.data(), Store::write, Store::write});
      CHECK((got_y - y).cwiseAbs().maxCoeff() <= 1e-13 * taps);
      CHECK((got_dweight - dweight).cwiseAbs().maxCoeff() <= 1e-13 * outputs);
      CHECK((got_dbias - dbias).cwiseAbs().maxCoeff() <= 1e-13 * outputs);
    }
  }
}
