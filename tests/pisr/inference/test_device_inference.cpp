// Networks on a device, by the emulated one.

#include <cmath>
#include <filesystem>

#include "core/philox.h"
#include "kernels/emulator/emulated_device.h"
#include "pisr/data/dead_leaves.h"
#include "pisr/image/image_io.h"
#include "pisr/image/luma.h"
#include "pisr/inference/file_upscaler.h"
#include "pisr/inference/inference.h"
#include "pisr/model/fsrcnn.h"
#include "pisr/model/teacher.h"
#include "tests/catch.h"
#include "tests/devices.h"
#include "tests/temporary_folder.h"
#include "tests/worse.h"

namespace pisr {
namespace {

using kernels::emulator::EmulatedDevice;

void randomise(const Module& module) {
  Random random(5, RandomUse::test, 3);
  for (const NamedParameter& named : module.parameters()) {
    for (float& value : named.parameter->value.values<float>()) {
      value = static_cast<float>(random.uniform(-0.1, 0.1));
    }
  }
}

double largest_difference(const Plane& a, const Plane& b) {
  REQUIRE(a.samples.size() == b.samples.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.samples.size(); ++i) {
    const double error = std::abs(a.samples[i] - b.samples[i]);
    worst = worse(worst, error);
  }
  return worst;
}

/// A frame, and what the CPU makes of it.
struct Frame {
  Frame() {
    randomise(network);
    expected = infer(cpu, network, low);
  }

  Context cpu;
  Fsrcnn network;
  const Plane low = luma(dead_leaves(1, 0, 13, 11));
  Plane expected;
};

/// Kernels that an emulated device has launched, else 0.
long launches(kernels::Device& device) {
  const auto* const emulated = dynamic_cast<EmulatedDevice*>(&device);
  return emulated == nullptr ? 0 : emulated->launches();
}

bool counts_launches(kernels::Device& device) {
  return dynamic_cast<EmulatedDevice*>(&device) != nullptr;
}

}  // namespace

TEST_CASE("device: frames as on the CPU", "[device]") {
  Frame frame_of_cpu;
  Context& cpu = frame_of_cpu.cpu;
  Fsrcnn& network = frame_of_cpu.network;
  const Plane& low = frame_of_cpu.low;
  const Plane& expected = frame_of_cpu.expected;
  for_each_device([&](kernels::Device& device, CaseSize) {
    Context context(device);
    network.move_to(&device);
    Inference upscaler(context, network);
    Plane high;
    for (int frame = 0; frame < 2; ++frame) {
      upscaler.run(low, high);
      CHECK(high.width == 26);
      CHECK(largest_difference(high, expected) <= 255 * 2e-6);
    }
    CHECK_THROWS_AS(infer(cpu, network, low), ShapeError);
    network.move_to(nullptr);
  });
}

TEST_CASE("device: frames in TF32 layer by layer", "[device]") {
  Frame frame_of_cpu;
  Fsrcnn& network = frame_of_cpu.network;
  const Plane& low = frame_of_cpu.low;
  const Plane& expected = frame_of_cpu.expected;
  for_each_device(
      [&](kernels::Device& device, CaseSize) {
        Context context(device);
        network.move_to(&device);
        Inference upscaler(context, network);
        Plane high, first;
        for (int frame = 0; frame < 2; ++frame) {
          const long before = launches(device);
          upscaler.run(low, high);
          if (counts_launches(device)) {
            // 8 layers, and the weights of 7 are put in order once.
            CHECK(launches(device) - before == (frame == 0 ? 15 : 8));
          }
          CHECK(largest_difference(high, expected) <= 255 * 1e-3);
          first = frame == 0 ? high : first;
          CHECK(largest_difference(high, first) == 0);
        }
        network.move_to(nullptr);
      },
      kernels::Precision::tf32);
}

TEST_CASE("device: frames in half precision by one kernel", "[device]") {
  Context cpu;
  const Plane low = luma(dead_leaves(1, 0, 13, 11));
  for (const int scale : {2, 3, 4}) {
    CAPTURE(scale);
    Fsrcnn network({.scale = scale, .slope_per_channel = scale == 3});
    randomise(network);
    const Plane expected = infer(cpu, network, low);
    for_each_device(
        [&](kernels::Device& device, CaseSize) {
          Context context(device);
          network.move_to(&device);
          Inference upscaler(context, network);
          Plane high;
          for (int frame = 0; frame < 2; ++frame) {
            const long before = launches(device);
            upscaler.run(low, high);
            if (counts_launches(device)) {
              CHECK(launches(device) - before == (frame == 0 ? 2 : 1));  // weights in order
            }
            CHECK(largest_difference(high, expected) > 0);
            CHECK(largest_difference(high, expected) <= 255 * 1e-3);
          }
          network.move_to(nullptr);
        },
        kernels::Precision::fp16);
  }
}

TEST_CASE("device: the teacher as on the CPU", "[device]") {
  Context cpu;
  // The second is no chain of convolutions.
  Teacher teacher(default_spec(GENERATE("fsrcnn", "plain")));
  randomise(teacher);
  const Plane high = luma(dead_leaves(1, 0, 8, 6));
  const Plane expected = infer(cpu, teacher, high);
  for_each_device([&](kernels::Device& device, CaseSize) {
    Context context(device);
    teacher.move_to(&device);
    CHECK(largest_difference(infer(context, teacher, high), expected) <= 255 * 2e-6);
    teacher.move_to(nullptr);
  });
}

TEST_CASE("device: one that fails leaves no file", "[device]") {
  const TemporaryFolder folder;
  write_image(folder.path() / "in.png", dead_leaves(1, 2, 7, 5));
  for (const long calls : {0, 3, 7, 12}) {
    EmulatedDevice device;
    Context context(device);
    Fsrcnn network;
    network.move_to(&device);
    device.fail_after(calls);
    try {
      upscale_file(context, network, folder.path() / "in.png", folder.path() / "out.png");
      FAIL("no error");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::device);
    }
    CHECK(!std::filesystem::exists(folder.path() / "out.png"));
  }
  EmulatedDevice small(std::size_t{1} << 16);
  Context context(small);
  Fsrcnn network;
  try {
    network.move_to(&small);
    upscale_file(context, network, folder.path() / "in.png", folder.path() / "out.png");
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::memory);
  }
  CHECK(!std::filesystem::exists(folder.path() / "out.png"));
}

}  // namespace pisr
