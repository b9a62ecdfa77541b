// The emulated device behaves as CUDA's does and notices what would go wrong there.

#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "kernels/cuda/language.h"
#include "kernels/emulator/emulated_device.h"
#include "kernels/emulator/machine/padding.h"
#include "tests/catch.h"
#include "tests/kernels/device_launcher.h"

namespace pisr::kernels {
namespace {

using emulator::EmulatedDevice;

constexpr std::size_t kCount = 1000;
constexpr std::size_t kBytes = kCount * sizeof(float);

std::vector<float> counted() {
  std::vector<float> values(kCount);
  for (std::size_t i = 0; i < kCount; ++i) {
    values[i] = static_cast<float>(i);
  }
  return values;
}

std::vector<float> downloaded(Device& device, const float* source) {
  std::vector<float> values(kCount, -1);
  device.download(values.data(), source, kBytes);
  return values;
}

// y = 2 x + 1
void launch_affine(Device& device, const float* x, float* y) {
  DeviceLauncher launcher(device);
  device.floats().affine(launcher, {kCount, 2, 1, x, y, Store::write});
}

}  // namespace

TEST_CASE("emulated device: memory, copies and kernels", "[device]") {
  EmulatedDevice device;
  auto* const x = static_cast<float*>(device.allocate(kBytes));
  auto* const y = static_cast<float*>(device.allocate(kBytes));
  CHECK(reinterpret_cast<std::uintptr_t>(y) % 256 == 0);
  CHECK(device.used() == 2 * kBytes);
  CHECK(std::isnan(downloaded(device, x)[kCount - 1]));
  std::vector<float> values = counted();
  device.upload(x, values.data(), kBytes);
  values[3] = 99;
  launch_affine(device, x, y);
  CHECK(device.launches() == 1);
  CHECK(downloaded(device, y)[3] == 7);
  device.copy(x, y + 2, 8);
  CHECK(downloaded(device, x)[1] == 7);
  CHECK(downloaded(device, x)[2] == 2);
  device.set_zero(x, 8);
  CHECK(downloaded(device, x)[1] == 0);
  device.synchronise();
  device.release(x);
  auto* const again = static_cast<float*>(device.allocate(kBytes));
  CHECK(std::isnan(downloaded(device, again)[2]));
  device.release(again);
  device.release(y);
  CHECK(device.used() == 0);
}

TEST_CASE("emulated device: memory has an end", "[device]") {
  EmulatedDevice device(4096);
  CHECK(device.allocate(4097) == nullptr);
  void* const first = device.allocate(2000);
  CHECK(device.allocate(2048) == nullptr);
  void* const second = device.allocate(1024);
  REQUIRE(second != nullptr);
  device.release(first);
  CHECK(device.allocate(2049) == nullptr);
  CHECK(device.allocate(2048) == first);
}

TEST_CASE("emulated device: captured work is done when it is replayed", "[device]") {
  EmulatedDevice device;
  auto* const x = static_cast<float*>(device.allocate(kBytes));
  auto* const y = static_cast<float*>(device.allocate(kBytes));
  device.upload(x, counted().data(), kBytes);
  device.set_zero(y, kBytes);
  device.begin_capture();
  CHECK(device.is_capturing());
  launch_affine(device, x, y);
  device.copy(x, y, kBytes);
  CHECK_THROWS_AS(device.allocate(1), DeviceError);
  CHECK_THROWS_AS(device.upload(x, x, 4), DeviceError);
  CHECK_THROWS_AS(device.download(x, x, 4), DeviceError);
  CHECK_THROWS_AS(device.synchronise(), DeviceError);
  CHECK_THROWS_AS(device.begin_capture(), DeviceError);
  const std::unique_ptr<CapturedWork> work = device.end_capture();
  CHECK(!device.is_capturing());
  CHECK(device.launches() == 0);
  CHECK(downloaded(device, y)[3] == 0);
  work->replay();
  work->replay();
  CHECK(device.launches() == 2);
  CHECK(downloaded(device, x)[3] == 15);
  // Released while it was captured: gone when that ends.
  device.begin_capture();
  launch_affine(device, x, y);
  device.release(x);
  const std::unique_ptr<CapturedWork> broken = device.end_capture();
  if (emulator::kClearsPadding) {
    CHECK_THROWS_WITH(broken->replay(), Catch::Contains("points to no memory of the device"));
  }
}

TEST_CASE("emulated device: pointers to other memory are refused, and every call after that",
          "[device]") {
  std::vector<float> host(kCount);
  const auto refused = [&](auto use, const char* text) {
    EmulatedDevice device;
    auto* const x = static_cast<float*>(device.allocate(kBytes));
    device.set_zero(x, kBytes);
    CHECK_THROWS_WITH(use(device, x), Catch::Contains(text));
    CHECK_THROWS_AS(device.synchronise(), DeviceError);
  };
  if (emulator::kClearsPadding) {
    refused([&](Device& device, float* x) { launch_affine(device, host.data(), x); },
            "an argument points to no memory of the device");
    refused([&](Device& device, float* x) { launch_affine(device, x, host.data()); },
            "an argument points to no memory of the device");
  }
  refused([&](Device& device, float* x) { device.copy(x, host.data(), 4); }, "not memory");
  refused([&](Device& device, float* x) { device.copy(host.data(), x, 4); }, "not memory");
  refused([&](Device& device, float* x) { device.upload(x + 1, host.data(), kBytes); },
          "4000 bytes that are not memory of the device");
  refused([&](Device& device, float*) { device.upload(host.data(), host.data(), 4); }, "upload");
  refused([&](Device& device, float*) { device.download(host.data(), host.data(), 4); },
          "download");
  refused([&](Device& device, float* x) { device.copy(x, x + 1, 8); }, "overlap");
  refused([&](Device& device, float*) { device.set_zero(host.data(), 4); }, "set_bytes");
}

namespace {

// Padding in the elements of an array, and in three places behind it.
struct Part {
  const float* data;
  int count;
};
struct Parts {
  Part parts[11];
  unsigned char kind;
  std::int64_t step;
  const float* last;
  short rows;
};

void take(Parts) {}

// Everything but its padding points to `data` or is 0; the padding is what pointers to `stale` have
// left there.
Parts parts_of(const float* data, const float* stale) {
  std::array<const float*, sizeof(Parts) / sizeof(float*)> words;
  words.fill(stale);
  Parts all;
  static_assert(sizeof words == sizeof all);
  std::memcpy(&all, words.data(), sizeof all);
  for (Part& part : all.parts) {
    part.data = data;
    part.count = 0;
  }
  all.kind = 0;
  all.step = 0;
  all.last = data;
  all.rows = 0;
  return all;
}

}  // namespace

TEST_CASE("emulated device: padding of arguments is cleared, and nothing else", "[device]") {
  if (!emulator::kClearsPadding) {
    WARN("skipped: this compiler cannot clear padding");
    return;
  }
  std::array<unsigned char, sizeof(Parts)> bytes, wanted{};
  bytes.fill(0xFF);
  const auto member = [&](std::size_t offset, std::size_t size) {
    std::fill_n(wanted.begin() + static_cast<std::ptrdiff_t>(offset), size, 0xFF);
  };
  for (std::size_t i = 0; i < 11; ++i) {
    member(i * sizeof(Part) + offsetof(Part, data), sizeof(float*));
    member(i * sizeof(Part) + offsetof(Part, count), sizeof(int));
  }
  member(offsetof(Parts, kind), 1);
  member(offsetof(Parts, step), sizeof(std::int64_t));
  member(offsetof(Parts, last), sizeof(float*));
  member(offsetof(Parts, rows), sizeof(short));
  Parts parts;
  std::memcpy(&parts, bytes.data(), sizeof parts);
  const emulator::WithoutPadding<Parts> cleared(parts);
  std::memcpy(bytes.data(), &cleared, sizeof parts);
  CHECK(bytes == wanted);
}

TEST_CASE("emulated device: what padding holds is no pointer, each member is searched",
          "[device]") {
  const std::vector<float> host(kCount);
  const auto launch_with = [&](auto change) {
    EmulatedDevice device;
    DeviceLauncher launcher(device);
    Parts parts = parts_of(static_cast<const float*>(device.allocate(kBytes)), host.data());
    change(parts);
    emulated_cuda::launch(launcher, take, 1, 1, parts);
    device.synchronise();
  };
  CHECK_NOTHROW(launch_with([](Parts&) {}));
  if (!emulator::kClearsPadding) {
    WARN("skipped: this compiler cannot clear padding, so structs are not searched");
    return;
  }
  const char* const refused = "an argument points to no memory of the device";
  CHECK_THROWS_WITH(launch_with([&](Parts& parts) { parts.last = host.data(); }),
                    Catch::Contains(refused));
  for (const std::size_t index : {0, 5, 10}) {
    CHECK_THROWS_WITH(launch_with([&](Parts& parts) { parts.parts[index].data = host.data(); }),
                      Catch::Contains(refused));
  }
}

TEST_CASE("emulated device: it fails when it is told to", "[device]") {
  EmulatedDevice device;
  void* const memory = device.allocate(64);
  device.fail_after(1);
  device.set_zero(memory, 64);
  CHECK_THROWS_WITH(device.set_zero(memory, 64),
                    "emulated CUDA device: set_bytes: the device is gone");
  CHECK_THROWS_AS(device.synchronise(), DeviceError);
  device.release(memory);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they end the program instead
TEST_CASE("emulated device: host code cannot read its memory", "[device]") {
  EmulatedDevice device;
  const auto* const memory = static_cast<const volatile float*>(device.allocate(64));
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGSEGV, SIG_DFL);
    _exit(*memory == 0 ? 1 : 2);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
}
#endif

}  // namespace pisr::kernels
