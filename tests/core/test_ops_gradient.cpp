#include <array>
#include <cstddef>
#include <iomanip>
#include <iostream>
#include <map>

#include "tests/catch.h"
#include "tests/core/op_cases.h"
#include "tests/gradcheck.h"

namespace pisr {
namespace {

TapeFunction function_of(const OpCase& op_case) {
  return
      [&op_case](Tape&, const std::vector<Variable>& inputs) { return op_case.function(inputs); };
}

}  // namespace

TEST_CASE("the gradient of every operation agrees with central differences", "[gradient]") {
  ThreadPool pool(2);
  for (const Backend backend : {Backend::naive, Backend::cpu, Backend::eigen}) {
    Context context(pool, backend);
    for (const OpCase& op_case : op_cases()) {
      const GradientReport report =
          check_gradient(context, function_of(op_case), sample_inputs(op_case));
      CAPTURE(op_case.name, static_cast<int>(backend), report.worst, report.where);
      CHECK(report.passed());
    }
  }
}

// ./test_core '[report]' prints the worst error of each operation.
TEST_CASE("worst gradient error of each operation", "[.][report]") {
  for (const Backend backend : {Backend::naive, Backend::cpu, Backend::eigen}) {
    Context context(backend);
    std::map<std::string, double> worst;
    for (const OpCase& op_case : op_cases()) {
      const GradientReport report =
          check_gradient(context, function_of(op_case), sample_inputs(op_case));
      double& so_far = worst[op_case.name.substr(0, op_case.name.find(' '))];
      so_far = std::max(so_far, report.worst);
    }
    for (const auto& [name, error] : worst) {
      constexpr std::array kNames = {"cpu   ", "eigen ", "naive "};
      std::cout << kNames[static_cast<std::size_t>(backend)] << std::left << std::setw(28) << name
                << error << '\n';
    }
  }
}

}  // namespace pisr
