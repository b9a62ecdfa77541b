#include <algorithm>
#include <string>
#include <vector>

#include "nn/init.h"
#include "pisr/model/distillation.h"
#include "pisr/model/drcn.h"
#include "pisr/model/fsrcnn.h"
#include "pisr/model/memnet.h"
#include "pisr/model/plain.h"
#include "pisr/model/srcnn.h"
#include "pisr/model/teacher.h"
#include "tests/catch.h"

namespace pisr {
namespace {

std::vector<std::string> names(const Module& module) {
  std::vector<std::string> result;
  for (const NamedParameter& named : module.parameters()) {
    result.push_back(named.name);
  }
  return result;
}

Tensor image(Shape shape) {
  return Tensor::full(shape, 0.5);
}

}  // namespace

TEST_CASE("networks have the published numbers of parameters") {
  CHECK(Fsrcnn().parameter_count() == 12644);
  CHECK(Fsrcnn({.slope_per_channel = true}).parameter_count() == 12809);
  // FSRCNN-L, "126K" in PISR's table 3.
  CHECK(Fsrcnn({.shrink_channels = 56}).parameter_count() == 125504);
  // OpenCV's.
  CHECK(Fsrcnn({.slope_per_channel = true, .depth_to_space = true}).parameter_count() == 8497);
  // SRCNN's papers count weights alone: 8,032, 24,416 and 57,184.
  CHECK(Srcnn({.middle_kernel = 1}).parameter_count() == 8032 + 97);
  CHECK(Srcnn({.middle_kernel = 3}).parameter_count() == 24416 + 97);
  CHECK(Srcnn().parameter_count() == 57184 + 97);
  // "1,774K" in PISR's table 2 counts weights alone, without that of the enlarged image, which the
  // last convolution reads too. The others are biases and shares.
  CHECK(Drcn().parameter_count() == 1774080 + 9 + (4 * 256 + 1) + 16);
  // "677K".
  CHECK(Memnet().parameter_count() == 676992);
  // Encoder: (25 56 + 56 + 1) + (25 56^2 + 56 + 1) + (9 56 12 + 12 + 1) + (9 12 + 1).
  CHECK(Encoder().parameter_count() == 1457 + 78457 + 6061 + 109);
  CHECK(Teacher(fsrcnn_spec()).parameter_count() == 86084 + 12644);
  // With RGB it reads and writes three channels.
  CHECK(Encoder({.channels = 3}).parameter_count() ==
        Encoder().parameter_count() + 2 * (25 * 56 + 9 * 12 + 1));
  CHECK(Estimator().parameter_count() == 2 * (2 * (56 * 56 + 56) + 1));
}

TEST_CASE("FSRCNN's parameters have readable names") {
  const std::vector<std::string> wanted = {
      "feature.weight",       "feature.bias",      "feature.slope",    "shrink.weight",
      "shrink.bias",          "shrink.slope",      "mapping.0.weight", "mapping.0.bias",
      "mapping.0.slope",      "expand.weight",     "expand.bias",      "expand.slope",
      "deconvolution.weight", "deconvolution.bias"};
  CHECK(names(Fsrcnn({.mapping_layers = 1})) == wanted);
  const std::vector<std::string> teacher = names(Teacher(fsrcnn_spec()));
  CHECK(teacher.front() == "encoder.feature.weight");
  CHECK(std::ranges::count(teacher, "encoder.compact.bias") == 1);
  CHECK(teacher.back() == "decoder.deconvolution.bias");
  CHECK(names(Estimator())[0] == "location.0.weight");
  CHECK(names(Estimator()).back() == "spread.1.bias");
}

TEST_CASE("multiply-adds for a 1280 x 720 output, as the paper counts and as they are") {
  const auto giga = [](std::int64_t count) { return static_cast<double>(count) / 1e9; };
  const double paper[] = {6.0, 5.0, 4.6};
  const double exact[] = {2.87, 1.28, 0.72};
  for (const int scale : {2, 3, 4}) {
    const MultiplyAdds count = Fsrcnn({.scale = scale}).multiply_adds(1280, 720);
    CHECK(giga(count.paper) == Approx(paper[scale - 2]).margin(0.05));
    CHECK(giga(count.exact) == Approx(exact[scale - 2]).margin(0.005));
  }
  CHECK(Fsrcnn().multiply_adds(2, 2).exact == 7928 + 4536);
  CHECK(Fsrcnn().multiply_adds(2, 2).paper == 7928 + 4 * 4536);
  CHECK(Fsrcnn({.depth_to_space = true}).multiply_adds(2, 2).exact == 7928 + 4 * 56);
  CHECK(Fsrcnn({.depth_to_space = true}).multiply_adds(2, 2).paper == 7928 + 4 * 56);
  CHECK(Fsrcnn({.channels = 3}).multiply_adds(2, 2).exact == 7928 + 2 * 1400 + 3 * 4536);
  for (const int scale : {2, 3, 4}) {
    CHECK(giga(Srcnn({.scale = scale}).multiply_adds(1280, 720).paper) ==
          Approx(52.7).margin(0.005));
    CHECK(giga(Memnet({.scale = scale}).multiply_adds(1280, 720).paper) ==
          Approx(2662.35).margin(0.005));
    const MultiplyAdds drcn = Drcn({.scale = scale}).multiply_adds(1280, 720);
    CHECK(giga(drcn.paper) == Approx(17974.3).margin(0.005));
    CHECK(giga(drcn.exact) == Approx(9788.73).margin(0.005));
  }
  CHECK(Drcn({.feature_channels = 2, .recursions = 3}).multiply_adds(1, 1).exact ==
        9 * (2 + 4 + 3 * 4 + 4 + 3));
  CHECK(Memnet({.feature_channels = 2, .memory_blocks = 2, .units = 3}).multiply_adds(1, 1).exact ==
        9 * 2 + 2 * 3 * 2 * 9 * 4 + (4 + 5) * 4 + 9 * 2);
}

TEST_CASE("networks give images and features of the right sizes") {
  Context context;
  for (const int scale : {2, 3, 4}) {
    const FsrcnnOptions options{
        .feature_channels = 6, .shrink_channels = 3, .mapping_layers = 1, .scale = scale};
    Tape tape(context, Tape::Mode::inference);
    const Fsrcnn student(options);
    const SrNetwork::Result result = student.forward(tape.constant(image({2, 1, 5, 7})));
    CHECK(result.image.shape() == Shape{2, 1, 5 * scale, 7 * scale});
    CHECK(result.feature.shape() == Shape{2, 6, 5, 7});
    const Teacher teacher(fsrcnn_spec(options));
    const Variable high = tape.constant(image({2, 1, 5 * scale, 7 * scale}));
    const Teacher::Result taught = teacher.forward(high);
    CHECK(taught.image.shape() == high.shape());
    CHECK(taught.compact.shape() == Shape{2, 1, 5, 7});
    CHECK(taught.feature.shape() == Shape{2, 6, 5, 7});
    tape.reset();
  }
}

TEST_CASE("the chain to the teacher's feature has the bits of its forward pass") {
  for (const int scale : {2, 3}) {
    Teacher teacher(fsrcnn_spec({.feature_channels = 6, .shrink_channels = 3, .scale = scale}));
    initialise(teacher, 3);
    Context context;
    Tape tape(context, Tape::Mode::inference);
    const Tensor high = image({2, 1, 5 * scale, 7 * scale});
    const Tensor wanted = teacher.forward(tape.constant(high)).feature.value();
    const ConvChain chain = teacher.chain(NetworkEnd::feature).value();
    REQUIRE(chain.output_shape(high.shape()) == wanted.shape());
    const Tensor got = Tensor::empty(wanted.shape());
    chain.run(context, high, got);
    CHECK(std::ranges::equal(got.values<float>(), wanted.values<float>()));
  }
}

TEST_CASE("the teacher's decoder on the LR image is a student of the same weights") {
  const FsrcnnOptions options{.feature_channels = 6, .shrink_channels = 3, .mapping_layers = 1};
  Teacher teacher(fsrcnn_spec(options));
  initialise(teacher, 3);
  Context context;
  Tape tape(context, Tape::Mode::inference);
  const Teacher::Result taught = teacher.forward(tape.constant(image({1, 1, 8, 8})));
  const SrNetwork::Result decoded = teacher.decoder().forward(taught.compact);
  CHECK(std::ranges::equal(decoded.image.value().values<float>(),
                           taught.image.value().values<float>()));
  CHECK(std::ranges::equal(decoded.feature.value().values<float>(),
                           taught.feature.value().values<float>()));
}

TEST_CASE("options that make no network are refused") {
  CHECK_THROWS_WITH(Fsrcnn({.scale = 5}), "fsrcnn: scale must be in 2..4, got 5");
  CHECK_THROWS_WITH(Fsrcnn({.feature_channels = 0}),
                    "fsrcnn: feature_channels must be in 1..512, got 0");
  CHECK_THROWS_WITH(Fsrcnn({.shrink_channels = 513}),
                    "fsrcnn: shrink_channels must be in 1..512, got 513");
  CHECK_THROWS_WITH(Teacher(fsrcnn_spec({.mapping_layers = -1})),
                    "fsrcnn: mapping_layers must be in 0..32, got -1");
}

TEST_CASE("the teacher refuses an image that is no multiple of the scale") {
  Context context;
  Tape tape(context);
  const Teacher teacher(fsrcnn_spec({.scale = 3}));
  CHECK_THROWS_WITH(teacher.forward(tape.constant(image({1, 1, 6, 8}))),
                    "teacher encoder: the image must be [n,1,h,w] with h and w multiples of 3, got "
                    "[1,1,6,8]");
  const Teacher coloured(plain_spec({.feature_channels = 2, .scale = 3, .channels = 3}));
  CHECK_THROWS_WITH(coloured.forward(tape.constant(image({1, 1, 6, 9}))),
                    "teacher encoder: the image must be [n,3,h,w] with h and w multiples of 3, got "
                    "[1,1,6,9]");
}

TEST_CASE("the student's loss refuses operands that do not belong to the distillation") {
  Context context;
  Tape tape(context);
  const FsrcnnOptions options{.feature_channels = 4, .shrink_channels = 2, .mapping_layers = 1};
  const Fsrcnn student(options);
  const Estimator estimator(4);
  const SrNetwork::Result result = student.forward(tape.constant(image({1, 1, 4, 4})));
  const Variable high = tape.constant(image({1, 1, 8, 8}));
  const Variable feature = tape.constant(image({1, 4, 4, 4}));
  CHECK_THROWS_WITH(student_loss(result, high, Distillation::laplace, feature),
                    "student loss: this distillation needs an estimator");
  CHECK_THROWS_WITH(student_loss(result, high, Distillation::mae, feature, &estimator),
                    "student loss: this distillation takes no estimator");
  CHECK_THROWS_WITH(student_loss(result, high, Distillation::mae),
                    "student loss: distillation needs the teacher's feature");
  CHECK_THROWS_WITH(
      student_loss(result, high, Distillation::mae, tape.constant(image({1, 4, 8, 4}))),
      "student loss: the teacher's feature must have the student's shape [1,4,4,4] or a multiple "
      "of "
      "its height and width, got [1,4,8,4]");
  CHECK_THROWS_AS(student_loss(result, high, Distillation::mae, tape.constant(image({1, 3, 4, 4}))),
                  ShapeError);
  CHECK_FALSE(student_loss(result, high, Distillation::none).distillation.defined());
}

TEST_CASE("a teacher's larger feature is averaged over blocks") {
  Context context;
  Tape tape(context);
  SrNetwork::Result student;
  student.image = tape.constant(image({1, 1, 4, 4}));
  student.feature = tape.constant(Tensor::zeros({1, 1, 2, 2}));
  const Tensor feature = Tensor::zeros({1, 1, 4, 4});
  for (int i = 0; i < 16; ++i) {
    feature.data<float>()[i] = static_cast<float>(i);
  }
  const StudentLoss loss =
      student_loss(student, student.image, Distillation::mae, tape.constant(feature), nullptr, 2.0);
  // Block means 2.5, 4.5, 10.5, 12.5.
  CHECK(loss.distillation.value().item() == 7.5);
  CHECK(loss.reconstruction.value().item() == 0.0);
  CHECK(loss.total.value().item() == 15.0);
}

TEST_CASE("a term of weight zero leaves the total alone") {
  Context context;
  Tape tape(context);
  Teacher::Result teacher;
  teacher.image = tape.constant(image({1, 1, 4, 4}));
  teacher.compact = tape.constant(Tensor::zeros({1, 1, 2, 2}));
  const Variable high = tape.constant(Tensor::zeros({1, 1, 4, 4}));
  const Variable low = tape.constant(image({1, 1, 2, 2}));
  CHECK(teacher_loss(teacher, high, low, 0.0).total.value().item() == 0.5);
  CHECK(teacher_loss(teacher, high, low, 0.0).imitation.value().item() == 0.5);
  CHECK(teacher_loss(teacher, high, low, 2.0).total.value().item() == 1.5);
}

}  // namespace pisr
