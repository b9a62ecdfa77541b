// The cuDNN back end against the definition of the convolutions. cuDNN is a fake (fake_cudnn.h), so
// that descriptors, operands and their order are tested without a device.

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "kernels/cuda/cudnn/cudnn_convolutions.h"
#include "kernels/device.h"
#include "tests/catch.h"
#include "tests/kernels/conv_cases.h"
#include "tests/kernels/cudnn/fake_cudnn.h"
#include "tests/kernels/random_values.h"
#include "tests/kernels/test_launcher.h"
#include "tests/temporary_folder.h"

namespace pisr::kernels {
namespace {

class CudnnLauncher final : public TestLauncher {
 public:
  explicit CudnnLauncher(cuda::CudnnConvolutions& convolutions) : convolutions_(convolutions) {}
  void* library() const noexcept override { return &convolutions_; }

 private:
  cuda::CudnnConvolutions& convolutions_;
};

using Values = std::vector<float>;

/// y, before, dx, dweight, dbias of one table; gradients are written over NaN or added to `old`.
std::vector<Values> results(Launcher& launcher, const KernelTable<float>& table, const ConvSizes& s,
                            bool is_transpose, const Activation<float>& activation, Store store) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const float start = store == Store::add ? 0.75F : kNan;
  const Values x = uniform<float>(x_count(s), -1, 1, 1);
  const Values weight = uniform<float>(weight_count(s), -1, 1, 2);
  const Values bias = uniform<float>(static_cast<std::size_t>(s.out_channels), -1, 1, 3);
  const Values dy = uniform<float>(y_count(s), -1, 1, 4);
  Values y(y_count(s), kNan), before(y_count(s), kNan), plain(y_count(s), kNan);
  Values dx(x_count(s), start), dweight(weight_count(s), start), dbias(bias.size(), start);
  const auto forward = is_transpose ? table.conv_transpose2d : table.conv2d;
  forward(launcher, {s, x.data(), weight.data(), bias.data(), y.data(), activation, before.data()});
  forward(launcher, {s, x.data(), weight.data(), nullptr, plain.data(), {}, nullptr});
  (is_transpose ? table.conv_transpose2d_backward_data : table.conv2d_backward_data)(
      launcher, {s, dy.data(), weight.data(), dx.data(), store});
  (is_transpose ? table.conv_transpose2d_backward_weight : table.conv2d_backward_weight)(
      launcher, {s, x.data(), dy.data(), dweight.data(), dbias.data(), store, store});
  return {y, before, plain, dx, dweight, dbias};
}

/// Both come from the naive kernels, so only roundings of the bias and of the sum may differ.
bool near(const Values& got, const Values& wanted) {
  float largest = 1;
  for (const float value : wanted) {
    largest = std::max(largest, std::fabs(value));
  }
  return std::equal(got.begin(), got.end(), wanted.begin(), wanted.end(), [&](float a, float b) {
    return std::fabs(a - b) <= 4 * std::numeric_limits<float>::epsilon() * largest;
  });
}

void check_all(Store store, ActivationKind kind) {
  const Values slopes = uniform<float>(256, 0.1F, 0.4F, 5);
  cuda::CudnnConvolutions convolutions(fake_cudnn(), naive_kernels<float>(), nullptr, false);
  const KernelTable<float> table = cuda::cudnn_kernels(naive_kernels<float>());
  const auto check = [&](const ConvCase& test, bool is_transpose) {
    CAPTURE(test.name, is_transpose);
    const ConvSizes& s = test.sizes;
    REQUIRE(static_cast<std::size_t>(s.out_channels) <= slopes.size());
    const Activation<float> activation{kind, slopes.data(), s.out_channels};
    CudnnLauncher launcher(convolutions);
    TestLauncher own_queue;
    const auto got = results(launcher, table, s, is_transpose, activation, store);
    const auto wanted =
        results(own_queue, naive_kernels<float>(), s, is_transpose, activation, store);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      CAPTURE(i);
      CHECK(near(got[i], wanted[i]));
    }
    CHECK(launcher.guards_intact());
  };
  for (const ConvCase& test : conv_cases()) {
    check(test, false);
  }
  for (const ConvCase& test : transpose_cases()) {
    check(test, true);
  }
}

}  // namespace

TEST_CASE("cuDNN: the convolutions asked for are those of the definition") {
  check_all(Store::write, ActivationKind::none);
  check_all(Store::write, ActivationKind::relu);
  check_all(Store::add, ActivationKind::prelu);
  CHECK(fake_cudnn_objects() == 0);
}

TEST_CASE("cuDNN: an algorithm is looked for once a shape") {
  cuda::CudnnConvolutions convolutions(fake_cudnn(), naive_kernels<float>(), nullptr, false);
  const KernelTable<float> table = cuda::cudnn_kernels(naive_kernels<float>());
  CudnnLauncher launcher(convolutions);
  const ConvSizes sizes = conv("", 1, 2, 3, 7, 9, {3, 1, 1}).sizes;
  const int before = fake_cudnn_searches();
  results(launcher, table, sizes, false, {}, Store::write);
  CHECK(fake_cudnn_searches() == before + 3);
  results(launcher, table, sizes, false, {}, Store::write);
  CHECK(fake_cudnn_searches() == before + 3);
}

TEST_CASE("cuDNN: the fastest algorithm with a math type of the precision runs with that type") {
  for (const bool tf32 : {false, true}) {
    CAPTURE(tf32);
    cuda::CudnnConvolutions convolutions(fake_cudnn(), naive_kernels<float>(), nullptr, tf32);
    CudnnLauncher launcher(convolutions);
    const ConvSizes sizes = conv("", 1, 2, 3, 7, 9, {3, 1, 1}).sizes;
    results(launcher, cuda::cudnn_kernels(naive_kernels<float>()), sizes, false, {}, Store::write);
    CHECK(fake_cudnn_used_tensor_cores() == tf32);
  }
}

TEST_CASE("cuDNN: the gradient of a weight behind a PReLU is cuDNN's") {
  const ConvSizes s = conv("", 2, 2, 3, 7, 9, {3, 1, 1}).sizes;
  const Values x = uniform<float>(x_count(s), -1, 1, 1), dy = uniform<float>(y_count(s), -1, 1, 2);
  const Values before = uniform<float>(y_count(s), -1, 1, 3);
  const float slope = 0.3F;
  const auto gradients = [&](Launcher& launcher, const KernelTable<float>& table) {
    Values dz(dy.size()), dweight(weight_count(s)), dbias(3), dslope(1);
    table.conv2d_prelu_backward_weight(launcher, {{s, x.data(), dy.data(), dweight.data(),
                                                   dbias.data(), Store::write, Store::write},
                                                  1,
                                                  before.data(),
                                                  &slope,
                                                  dz.data(),
                                                  true,
                                                  dslope.data(),
                                                  Store::write});
    return std::vector<Values>{dz, dweight, dbias, dslope};
  };
  cuda::CudnnConvolutions convolutions(fake_cudnn(), naive_kernels<float>(), nullptr, false);
  CudnnLauncher launcher(convolutions);
  TestLauncher own_queue;
  const int searches = fake_cudnn_searches();
  const auto got = gradients(launcher, cuda::cudnn_kernels(naive_kernels<float>()));
  CHECK(fake_cudnn_searches() == searches + 1);
  const auto wanted = gradients(own_queue, naive_kernels<float>());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    CAPTURE(i);
    CHECK(near(got[i], wanted[i]));
  }
}

TEST_CASE("cuDNN: a refusal is a DeviceError that names the call") {
  cuda::CudnnFunctions functions = fake_cudnn();
  functions.cudnnConvolutionForward =
      [](cudnnHandle_t, const void*, cudnnTensorDescriptor_t, const void*, cudnnFilterDescriptor_t,
         const void*, cudnnConvolutionDescriptor_t, cudnnConvolutionFwdAlgo_t, void*, std::size_t,
         const void*, cudnnTensorDescriptor_t, void*) { return CUDNN_STATUS_EXECUTION_FAILED; };
  cuda::CudnnConvolutions convolutions(functions, naive_kernels<float>(), nullptr, false);
  CudnnLauncher launcher(convolutions);
  const ConvSizes sizes = conv("", 1, 1, 1, 4, 4, {3}).sizes;
  CHECK_THROWS_WITH(results(launcher, cuda::cudnn_kernels(naive_kernels<float>()), sizes, false, {},
                            Store::write),
                    "cuDNN: cudnnConvolutionForward: refused by the test");
  functions.cudnnCreate = [](cudnnHandle_t*) { return CUDNN_STATUS_NOT_INITIALIZED; };
  CHECK_THROWS_AS(cuda::CudnnConvolutions(functions, naive_kernels<float>(), nullptr, false),
                  DeviceError);
}

TEST_CASE("cuDNN: a folder without it is named") {
  const TemporaryFolder folder;
  setenv("PISR_CUDNN_DIR", folder.path().c_str(), 1);
  std::string why_not;
  CHECK_FALSE(cuda::load_cudnn(why_not));
  CHECK_THAT(why_not, Catch::Contains("cannot load cuDNN 9") &&
                          Catch::Contains(folder.path().string() + "/libcudnn_graph.so.9"));
  // Where headers and libraries have a folder each.
  for (const char* part : {"lib64", "lib"}) {
    std::filesystem::create_directory(folder.path() / part);
    std::ofstream(folder.path() / part / "libcudnn.so.9") << "no library";
    CHECK_FALSE(cuda::load_cudnn(why_not));
    CHECK_THAT(why_not, Catch::Contains((folder.path() / part / "libcudnn_graph.so.9").string()));
  }
  unsetenv("PISR_CUDNN_DIR");
}

}  // namespace pisr::kernels
