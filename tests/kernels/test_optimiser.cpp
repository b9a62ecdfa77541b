#include <cmath>
#include <cstddef>
#include <vector>

#include "kernels/table.h"
#include "tests/catch.h"
#include "tests/kernels/instruction_sets.h"
#include "tests/kernels/test_launcher.h"

namespace pisr::kernels {
namespace {

/// Parameters, m and v after five steps.
template <class T>
std::vector<std::vector<T>> five_steps(const KernelTable<T>& table) {
  std::vector<T> parameter = {T(0.5), T(-1.25), T(2), T(0.001)};
  std::vector<T> m(4), v(4);
  TestLauncher launcher;
  for (int step = 1; step <= 5; ++step) {
    const std::vector<T> gradient = {T(0.3 * step), T(-0.7 / step), T(1e-3 * (step - 3)), T(2)};
    table.adam(launcher, {4, step, 0.01, 0.9, 0.999, 1e-8, 1.0, gradient.data(), parameter.data(),
                          m.data(), v.data()});
  }
  return {parameter, m, v};
}

template <class T>
void check_close(const std::vector<std::vector<T>>& got, const std::vector<std::vector<T>>& wanted,
                 double relative) {
  for (std::size_t k = 0; k < wanted.size(); ++k) {
    for (std::size_t i = 0; i < wanted[k].size(); ++i) {
      INFO("array " << k << ", element " << i << ": " << got[k][i] << ", wanted " << wanted[k][i]);
      CHECK(std::abs(got[k][i] - wanted[k][i]) <= relative * std::abs(wanted[k][i]));
    }
  }
}

}  // namespace

// What torch.optim.Adam of PyTorch 2.5.1 computes from the same gradients.
TEST_CASE("Adam computes what PyTorch does") {
  const std::vector<std::vector<float>> in_float = {
      {0.451491714F, -1.20598531F, 2.02805614F, -0.048999995F},
      {0.394322991F, -0.120091997F, 8.58800267e-05F, 0.819019973F},
      {0.00494550262F, 0.000714705791F, 9.98002836e-09F, 0.0199600421F}};
  const std::vector<std::vector<double>> in_double = {
      {0.4514916913764645, -1.2059853919034869, 2.0280562661753163, -0.048999999749999856},
      {0.39432299999999992, -0.12009199999999998, 8.5879999999999971e-05, 0.81901999999999986},
      {0.0049455024292800942, 0.00071470579041799055, 9.9800269830040087e-09,
       0.019960039980004018}};
  check_close(five_steps(naive_kernels<float>()), in_float, 1e-6);
  check_close(five_steps(naive_kernels<double>()), in_double, 2e-15);
  for_each_instruction_set([&] {
    check_close(five_steps(cpu_kernels<float>()), in_float, 3e-7);
    check_close(five_steps(cpu_kernels<double>()), in_double, 2e-15);
  });
}

}  // namespace pisr::kernels
