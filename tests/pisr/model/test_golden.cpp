// What PyTorch computes for the same networks, images, losses and optimiser
// (tests/golden/make_golden.py), in f32 and f64.
#include <iomanip>
#include <iostream>
#include <map>
#include <memory>

#include "nn/adam.h"
#include "pisr/model/distillation.h"
#include "pisr/model/fsrcnn.h"
#include "pisr/model/weights.h"
#include "tests/catch.h"
#include "tests/golden.h"
#include "tests/shared_data.h"
#include "tests/worse.h"

namespace pisr {
namespace {

using golden::bound;
using golden::counter_numbers;
using golden::projected;
using golden::relative_error;

/// The largest relative error of each quantity.
using Errors = std::map<std::string, double>;

void note(Errors& errors, const std::string& quantity, double error) {
  double& worst = errors[quantity];
  worst = worse(worst, error);
}

int number(const SafeTensors& file, const std::string& key) {
  return std::stoi(file.metadata.at(key));
}

Distillation distillation_of(const std::string& kind) {
  if (kind == "laplace") return Distillation::laplace;
  if (kind == "gaussian") return Distillation::gaussian;
  REQUIRE(kind == "mae");
  return Distillation::mae;
}

/// One training phase as make_golden.py's run_case: the same images, parameters and steps.
class GoldenPhase {
 public:
  GoldenPhase(const SafeTensors& file, DType dtype, Backend backend)
      : file_(file),
        dtype_(dtype),
        kind_(file.metadata.at("kind")),
        weight_(std::stod(file.metadata.at("weight"))),
        options_{.feature_channels = number(file, "d"),
                 .shrink_channels = number(file, "s"),
                 .mapping_layers = number(file, "m"),
                 .scale = number(file, "scale")},
        teacher_(fsrcnn_spec(options_)),
        student_(options_),
        estimator_(options_.feature_channels),
        context_(backend) {
    prepare(teacher_, "teacher.");
    prepare(student_, "student.");
    prepare(estimator_, "estimator.");
    const std::int64_t scale = options_.scale;
    const Shape low{number(file, "batch"), 1, number(file, "height"), number(file, "width")};
    low_ = counter_numbers("image.low", low, 0.0, 1.0, dtype);
    high_ =
        counter_numbers("image.high", {low[0], 1, low[2] * scale, low[3] * scale}, 0.0, 1.0, dtype);
  }

  Errors compare() {
    teacher_.set_trainable(is_teacher());
    const FlatParameters flat(trained_modules());
    Adam adam(flat);
    Tape tape(context_);
    const Tensor gradient = flat.make_gradient();
    const Tensor wanted_losses = file_.tensors.at("losses");
    Errors errors;
    for (std::int64_t step = 0; step < wanted_losses.shape()[0]; ++step) {
      gradient.set_zero();
      const Losses losses = forward(tape, step == 0 ? &errors : nullptr);
      tape.backward(losses.total, gradient);
      if (step == 0) {
        compare_gradients(flat, gradient, errors);
      }
      const Tensor wanted = wanted_losses.slice_outer(step, 1);
      for (int term = 0; term < 3; ++term) {
        const Tensor got[] = {losses.total.value(), losses.first.value(), losses.second.value()};
        note(errors, "losses of ten steps",
             relative_error(got[term], wanted.slice_flat(term, {1})));
      }
      adam.step(context_, gradient, 1e-3);
      tape.reset();
    }
    return errors;
  }

 private:
  struct Losses {
    Variable total, first, second;
  };

  bool is_teacher() const { return kind_ == "teacher"; }

  void prepare(Module& module, const std::string& prefix) const {
    module.convert(dtype_);
    golden::set_parameters(module, prefix);
  }

  std::vector<NamedModule> trained_modules() {
    if (is_teacher()) {
      return {{"teacher", &teacher_}};
    }
    if (kind_ == "mae") {
      return {{"student", &student_}};
    }
    return {{"student", &student_}, {"estimator", &estimator_}};
  }

  Losses forward(Tape& tape, Errors* errors) const {
    const Variable high = tape.constant(high_);
    const Variable low = tape.constant(low_);
    if (is_teacher()) {
      const Teacher::Result result = teacher_.forward(high);
      compare_value(result.image, "output", errors);
      compare_value(result.compact, "compact", errors);
      compare_value(result.feature, "feature", errors);
      const TeacherLoss loss = teacher_loss(result, high, low, weight_);
      return {loss.total, loss.reconstruction, loss.imitation};
    }
    const Variable teacher_feature = teacher_.forward(high).feature;
    const SrNetwork::Result result = student_.forward(low);
    compare_value(result.image, "output", errors);
    compare_value(result.feature, "feature", errors);
    compare_value(teacher_feature, "teacher_feature", errors);
    CHECK_FALSE(teacher_feature.requires_gradient());
    const StudentLoss loss = student_loss(result, high, distillation_of(kind_), teacher_feature,
                                          kind_ == "mae" ? nullptr : &estimator_, weight_);
    return {loss.total, loss.reconstruction, loss.distillation};
  }

  void compare_value(const Variable& got, const std::string& name, Errors* errors) const {
    const auto wanted = file_.tensors.find(name);
    if (errors != nullptr && wanted != file_.tensors.end()) {
      note(*errors, "forward " + name, relative_error(got.value(), wanted->second));
      ++compared_values_;
    }
  }

  /// Small networks have whole gradients in the file, large ones a random projection and the norm.
  void compare_gradients(const FlatParameters& flat, const Tensor& gradient, Errors& errors) const {
    CHECK(compared_values_ >= 1);
    for (const FlatParameters::Entry& entry : flat.entries()) {
      const Tensor got = FlatParameters::part(gradient, entry);
      const auto whole = file_.tensors.find("gradient." + entry.name);
      if (whole != file_.tensors.end()) {
        note(errors, "gradients", relative_error(got, whole->second));
      } else {
        const Tensor& wanted = file_.tensors.at("projection." + entry.name);
        note(errors, "projected gradients", relative_error(projected(entry.name, got), wanted));
      }
    }
    const auto gradients = std::ranges::count_if(file_.tensors, [](const auto& item) {
      return item.first.starts_with("gradient.") || item.first.starts_with("projection.");
    });
    CHECK(static_cast<std::size_t>(gradients) == flat.entries().size());
  }

  const SafeTensors& file_;
  DType dtype_;
  std::string kind_;
  double weight_;
  FsrcnnOptions options_;
  Teacher teacher_;
  Fsrcnn student_;
  Estimator estimator_;
  Context context_;
  Tensor low_;
  Tensor high_;
  mutable int compared_values_ = 0;
};

const char* const kGoldenPhases[] = {"teacher_small",          "student_laplace_small",
                                     "student_gaussian_small", "student_mae_small",
                                     "teacher_full",           "student_laplace_full"};

Errors forward_errors(const std::string& name, DType dtype, Backend backend) {
  const SafeTensors file = golden::read(name + ".safetensors");
  Fsrcnn network({.feature_channels = number(file, "d"),
                  .shrink_channels = number(file, "s"),
                  .mapping_layers = number(file, "m"),
                  .scale = number(file, "scale"),
                  .slope_per_channel = number(file, "slope_per_channel") == 1});
  network.convert(dtype);
  golden::set_parameters(network, "student.");
  Context context(backend);
  Tape tape(context, Tape::Mode::inference);
  const SrNetwork::Result result =
      network.forward(tape.constant(counter_numbers("image.low", {2, 1, 7, 5}, 0.0, 1.0, dtype)));
  Errors errors;
  note(errors, "forward output", relative_error(result.image.value(), file.tensors.at("output")));
  note(errors, "forward feature",
       relative_error(result.feature.value(), file.tensors.at("feature")));
  return errors;
}

}  // namespace

TEST_CASE("training phases agree with PyTorch", "[golden]") {
  for (const char* name : kGoldenPhases) {
    const SafeTensors file = golden::read(std::string(name) + ".safetensors");
    for (const DType dtype : {DType::f32, DType::f64}) {
      for (const auto& [quantity, error] : GoldenPhase(file, dtype, Backend::cpu).compare()) {
        CAPTURE(name, dtype, quantity, error);
        CHECK(error <= bound(dtype));
      }
    }
  }
}

TEST_CASE("naive kernels train as PyTorch does", "[golden]") {
  const SafeTensors file = golden::read("student_laplace_small.safetensors");
  for (const auto& [quantity, error] : GoldenPhase(file, DType::f64, Backend::naive).compare()) {
    CAPTURE(quantity, error);
    CHECK(error <= bound(DType::f64));
  }
}

TEST_CASE("x3 and x4 forward passes agree with PyTorch", "[golden]") {
  for (const char* name : {"fsrcnn_x3", "fsrcnn_x4"}) {
    for (const DType dtype : {DType::f32, DType::f64}) {
      for (const auto& [quantity, error] : forward_errors(name, dtype, Backend::cpu)) {
        CAPTURE(name, dtype, quantity, error);
        CHECK(error <= bound(dtype));
      }
    }
  }
}

TEST_CASE("published FSRCNN weights give PyTorch's output", "[golden]") {
  for (const auto& [name, parameters] : {std::pair{"fsrcnn_x2_yjn870.safetensors", 12809},
                                         std::pair{"fsrcnn_x2_Saafke-opencv.safetensors", 8497}}) {
    CAPTURE(name);
    const auto weights = shared_data(message("weights/", name));
    const auto golden_path = shared_data(message("weights/golden/", name));
    if (!weights || !golden_path) return;
    const std::unique_ptr<SrNetwork> network = load_network(*weights);
    CHECK(network->parameter_count() == parameters);
    const SafeTensors file = read_safetensors(*golden_path);
    Context context;
    Tape tape(context, Tape::Mode::inference);
    const Variable output = network->forward(tape.constant(file.tensors.at("input"))).image;
    CHECK(relative_error(output.value(), file.tensors.at("output")) <= 1e-5);
  }
}

TEST_CASE("published SRCNN, VDSR, DRRN and IDN weights give PyTorch's output", "[golden]") {
  struct Published {
    std::string weights;
    std::string golden;
    int scale;
    std::int64_t parameters;
  };
  std::vector<Published> rows;
  for (const int scale : {2, 3, 4}) {
    rows.push_back({"vdsr_x234_official-via-huangzehao", message("_at_x", scale), scale, 665921});
    rows.push_back({"drrn_x234_jt827859032-via-SRZoo", message("_at_x", scale), scale, 297216});
  }
  rows.push_back({"srcnn-955_x3_fuyongXu", "", 3, 57281});
  rows.push_back({"srcnn-955_x4_official-via-CudaChen", "", 4, 57281});
  rows.push_back({"idn_x2_Zheng222-caffe", "", 2, 552769});
  for (const Published& row : rows) {
    CAPTURE(row.weights, row.scale);
    const auto weights = shared_data("weights/" + row.weights + ".safetensors");
    const auto golden_path =
        shared_data("weights/golden/" + row.weights + row.golden + ".safetensors");
    if (!weights || !golden_path) return;
    WeightsOptions wanted;
    wanted.scale = row.scale;
    const std::unique_ptr<SrNetwork> network = load_network(*weights, wanted);
    CHECK(network->parameter_count() == row.parameters);
    const SafeTensors file = read_safetensors(*golden_path);
    const Tensor& output = file.tensors.at("output");
    Context context;
    Tape tape(context, Tape::Mode::inference);
    if (network->input() == NetworkInput::enlarged) {
      // The golden input is enlarged already.
      const auto got = network->forward_input(tape.constant(file.tensors.at("input")));
      CHECK(relative_error(got.image.value(), output) <= 1e-5);
      continue;
    }
    // The golden output is what is added to the enlarged image, without the rows and columns that
    // get nothing.
    const Variable low = tape.constant(file.tensors.at("input"));
    const Variable added = network->forward(low).image - upscale_bicubic(low, row.scale);
    const Tensor values = added.value();
    const std::int64_t border = row.scale - 1;
    const std::int64_t height = output.shape()[2];
    const std::int64_t width = output.shape()[3];
    REQUIRE(values.shape() == Shape{1, 1, height + border, width + border});
    double difference = 0;
    double largest = 0;
    for (std::int64_t y = 0; y < height; ++y) {
      for (std::int64_t x = 0; x < width; ++x) {
        const double expected = output.data<float>()[y * width + x];
        const double got = values.data<float>()[(y + border) * (width + border) + x + border];
        difference = std::max(difference, std::abs(got - expected));
        largest = std::max(largest, std::abs(expected));
      }
    }
    CAPTURE(difference, largest);
    // Two sums with values up to 1 are in it.
    CHECK(difference <= 1e-5 * largest + 2.5e-7);
    CHECK(largest > 0.01);
  }
}

// ./test_pisr '[report]' prints the largest error of each quantity.
TEST_CASE("golden errors", "[.][report]") {
  for (const char* name : kGoldenPhases) {
    const SafeTensors file = golden::read(std::string(name) + ".safetensors");
    for (const DType dtype : {DType::f32, DType::f64}) {
      for (const auto& [quantity, error] : GoldenPhase(file, dtype, Backend::cpu).compare()) {
        std::cout << std::left << std::setw(24) << name << dtype << "  " << std::setw(24)
                  << quantity << error << '\n';
      }
    }
  }
  for (const char* name : {"fsrcnn_x3", "fsrcnn_x4"}) {
    for (const DType dtype : {DType::f32, DType::f64}) {
      for (const auto& [quantity, error] : forward_errors(name, dtype, Backend::cpu)) {
        std::cout << std::left << std::setw(24) << name << dtype << "  " << std::setw(24)
                  << quantity << error << '\n';
      }
    }
  }
}

}  // namespace pisr
