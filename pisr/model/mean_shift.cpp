#include "pisr/model/mean_shift.h"

#include <array>

#include "core/ops.h"

namespace pisr {
namespace {

constexpr int kColours = 3;
constexpr std::array<double, kColours> kMean{0.4488, 0.4371, 0.4040};

}  // namespace

MeanShift::MeanShift(double factor)
    : weight_(add_parameter("weight", {kColours, kColours, 1, 1}, ParameterRole::constant)),
      bias_(add_parameter("bias", {kColours}, ParameterRole::constant)) {
  for (int colour = 0; colour < kColours; ++colour) {
    weight_.value.data<float>()[colour * kColours + colour] = 1;
    bias_.value.data<float>()[colour] =
        static_cast<float>(factor * kMean[static_cast<std::size_t>(colour)]);
  }
}

Variable MeanShift::operator()(const Variable& x) const {
  Tape& tape = common_tape("MeanShift", {&x});
  return conv2d(x, tape.parameter(weight_), tape.parameter(bias_));
}

}  // namespace pisr
