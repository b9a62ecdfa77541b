// The teacher of row 2 of PISR's table 1: a network that keeps the size, on the truth itself.

#include <string>

#include "core/philox.h"
#include "nn/init.h"
#include "pisr/model/architectures.h"
#include "pisr/model/distillation.h"
#include "pisr/model/teacher.h"
#include "pisr/model/weights.h"
#include "tests/catch.h"
#include "tests/pisr/model/small_spec.h"
#include "tests/temporary_folder.h"
#include "tests/tensors.h"

namespace pisr {

TEST_CASE("a teacher without the hourglass keeps the size of the truth", "[teacher]") {
  int kept = 0;
  for (const Architecture& row : architectures()) {
    for (const int scale : {2, 3, 4}) {
      for (const NetworkSpec& spec : small_specs(row, scale, row.channels.front())) {
        CAPTURE(row.name, scale);
        if (!row.keeps_size) {
          CHECK_THROWS_WITH(
              Teacher(spec, false),
              std::string(row.name) + ": has no form that keeps the size of the image");
          continue;
        }
        ++kept;
        Teacher teacher(spec, false);
        initialise(teacher, 3);
        CHECK(teacher.spec() == spec);
        CHECK(teacher.encoder() == nullptr);
        Context context;
        Tape tape(context, Tape::Mode::inference);
        const Tensor high = random_image({1, spec.channels, 2 * scale, 3 * scale});
        const Teacher::Result result = teacher.forward(tape.constant(high));
        CHECK(result.image.shape() == high.shape());
        CHECK(!result.compact.defined());
        CHECK(result.feature.shape()[2] == high.shape()[2]);
        CHECK(furthest(teacher.feature_of(tape.constant(high)).value(), result.feature.value()) ==
              0);
        if (const auto chain = teacher.chain(NetworkEnd::image)) {
          const Tensor image = Tensor::empty(chain->output_shape(high.shape()));
          chain->run(context, high, image);
          CHECK(furthest(image, result.image.value()) <= 1e-5);
        }
        const TeacherLoss loss = teacher_loss(result, tape.constant(high), {}, 0.1);
        CHECK(!loss.imitation.defined());
        CHECK(loss.total.value().item() == loss.reconstruction.value().item());
      }
    }
  }
  CHECK(kept > 10);
}

TEST_CASE("FSRCNN on the truth has the layers of FSRCNN, a 9x9 convolution for the deconvolution",
          "[teacher]") {
  const Teacher teacher(default_spec("fsrcnn"), false);
  CHECK(teacher.parameter_count() == 12644);
  // A transposed convolution of stride 1 is a convolution with the kernel turned about.
  const SrNetwork& network = teacher.decoder();
  CHECK(network.multiply_adds(10, 10).exact == 100 * 12464);
}

TEST_CASE("a student learns from block means of features as large as the truth", "[teacher]") {
  const NetworkSpec spec = default_spec("plain");
  Teacher teacher(spec, false);
  initialise(teacher, 3);
  const auto student = make_network(spec);
  initialise(*student, 4);
  Context context;
  Tape tape(context, Tape::Mode::inference);
  const Tensor high = random_image({1, 1, 8, 8});
  const Variable feature = teacher.feature_of(tape.constant(high));
  const SrNetwork::Result result = student->forward(tape.constant(random_image({1, 1, 4, 4})));
  const StudentLoss loss = student_loss(result, tape.constant(high), Distillation::mae, feature);
  double wanted = 0;
  const float* large = feature.value().data<float>();
  for (std::int64_t c = 0; c < 16; ++c) {
    for (std::int64_t y = 0; y < 4; ++y) {
      for (std::int64_t x = 0; x < 4; ++x) {
        const float* block = large + (c * 8 + 2 * y) * 8 + 2 * x;
        const double mean = (static_cast<double>(block[0]) + block[1] + block[8] + block[9]) / 4;
        wanted += std::abs(result.feature.value().data<float>()[(c * 4 + y) * 4 + x] - mean) / 256;
      }
    }
  }
  CHECK(loss.distillation.value().item() == Approx(wanted).epsilon(1e-5));
}

TEST_CASE("weights say that a teacher has no hourglass", "[teacher][weights]") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "w.safetensors";
  for (const bool hourglass : {true, false}) {
    Teacher teacher(default_spec("plain"), hourglass);
    initialise(teacher, 3);
    save_weights(path, teacher);
    const auto loaded = load_teacher(path);
    CHECK(loaded->hourglass() == hourglass);
    CHECK(loaded->spec() == teacher.spec());
    CHECK(read_safetensors(path).metadata.contains("hourglass") == !hourglass);
    CHECK(load_model(path)->sees_truth());
  }
}

}  // namespace pisr
