// CudaDevice with a fake CUDA runtime.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "kernels/open_cuda.h"
#include "tests/catch.h"
#include "tests/kernels/cudart/fake_cudart.h"
#include "tests/kernels/device_launcher.h"

namespace pisr::kernels {
namespace {

std::string why_not_open(const CudaOptions& options = {}) {
  std::string why_not;
  return open_cuda_device(options, why_not) == nullptr ? why_not : "it was opened";
}

std::unique_ptr<Device> opened() {
  fake_cudart() = FakeCudart{};
  std::string why_not;
  std::unique_ptr<Device> device = open_cuda_device({}, why_not);
  REQUIRE(device != nullptr);
  return device;
}

std::vector<float> counted(std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = static_cast<float>(i);
  }
  return values;
}

std::vector<float> downloaded(Device& device, const float* source, std::size_t count) {
  std::vector<float> values(count);
  device.download(values.data(), source, count * sizeof(float));
  return values;
}

std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const DeviceError& error) {
    return error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("cuda device: why there is none") {
  FakeCudart& fake = fake_cudart();
  fake = FakeCudart{};
  CHECK(has_cuda());
  fake.counting = cudaErrorInsufficientDriver;
  fake.driver = 0;
  CHECK(why_not_open() == "no NVIDIA driver");
  fake.driver = 12040;
  CHECK(why_not_open().find("the NVIDIA driver is for CUDA 12.4, older than the CUDA ") == 0);
  fake.counting = cudaErrorNoDevice;
  CHECK(why_not_open() == "no CUDA device");
  fake.counting = cudaErrorUnknown;
  CHECK(why_not_open() == "cudaGetDeviceCount: some error");
  fake.counting = cudaSuccess;
  fake.devices = 0;
  CHECK(why_not_open() == "no CUDA device");
  std::string why_not;
  CHECK(list_cuda_devices(why_not).empty());
  CHECK(why_not == "no CUDA device");
  fake.devices = 2;
  CHECK(list_cuda_devices(why_not) == std::vector<std::string>{"Fake 0", "Fake 1"});
  CHECK(why_not_open({2}) == "no CUDA device 2; there are 2, counted from 0");
  CHECK(why_not_open({-1}) == "no CUDA device -1; there are 2, counted from 0");
  CHECK(why_not_open({1}) == "it was opened");
  fake.missing_code = "no kernel image";
  CHECK(why_not_open() == "no code for Fake 0 (sm_90) in this program: no kernel image");
  fake.missing_code = nullptr;
  fake.major = 7;
  CHECK(why_not_open({0, Precision::tf32}) ==
        "Fake 0 (sm_70) has no tensor cores for this precision; fp32 it has");
  CHECK(why_not_open() == "it was opened");
  CHECK(why_not_open({0, Precision::fp32, true}) == "built without cuDNN");
  for (const char* call : {"cudaSetDevice", "cudaGetDeviceProperties", "cudaStreamCreateWithFlags",
                           "cudaMallocHost", "cudaEventCreateWithFlags"}) {
    fake.failing = call;
    CHECK(why_not_open() ==
          std::string("cuda: ") + call + ": an illegal memory access was encountered");
  }
  CHECK(fake.objects == 0);
  CHECK(fake.misuse.empty());
}

TEST_CASE("cuda device: large arrays go there and back in pieces") {
  std::unique_ptr<Device> device = opened();
  CHECK(device->name() == "Fake 0");
  constexpr std::size_t kCount = (std::size_t{21} << 18) + 3;  // more pieces than staging buffers
  constexpr std::size_t kBytes = kCount * sizeof(float);
  auto* const x = static_cast<float*>(device->allocate(kBytes));
  auto* const y = static_cast<float*>(device->allocate(kBytes));
  std::vector<float> values = counted(kCount);
  device->upload(x, values.data(), kBytes);
  std::fill(values.begin(), values.end(), -1.0F);  // the source may be changed at once
  device->copy(y, x, kBytes);
  device->set_bytes(x, 0, 8);
  CHECK(downloaded(*device, y, kCount) == counted(kCount));
  CHECK(downloaded(*device, x, 3) == std::vector<float>{0, 0, 2});
  // Uploads in sequence without waiting: none overwrites staging memory that is still to be read.
  for (std::size_t i = 0; i < 20; ++i) {
    const auto value = static_cast<float>(i);
    device->upload(x + i, &value, sizeof value);
  }
  CHECK(downloaded(*device, x, 20) == counted(20));
  device->release(x);
  device->release(y);
  device.reset();
  CHECK(fake_cudart().objects == 0);
  CHECK(fake_cudart().misuse.empty());
}

TEST_CASE("cuda device: kernels and captured work") {
  std::unique_ptr<Device> device = opened();
  constexpr std::size_t kCount = 1000;
  auto* const x = static_cast<float*>(device->allocate(kCount * sizeof(float)));
  auto* const y = static_cast<float*>(device->allocate(kCount * sizeof(float)));
  auto* const other = device->allocate(4);
  device->upload(x, counted(kCount).data(), kCount * sizeof(float));
  const auto launch = [&] {
    DeviceLauncher launcher(*device);
    device->floats().affine(launcher, {kCount, 2, 1, x, y, Store::write});
  };
  launch();
  CHECK(downloaded(*device, y, kCount)[3] == 7);
  device->begin_capture();
  CHECK(device->is_capturing());
  launch();
  device->copy(x, y, kCount * sizeof(float));
  CHECK(refusal([&] { device->allocate(4); }) == "cuda: allocate while work is captured");
  CHECK(refusal([&] { device->synchronise(); }) == "cuda: synchronise while work is captured");
  CHECK(refusal([&] { device->upload(x, x, 4); }) == "cuda: upload while work is captured");
  CHECK(refusal([&] { downloaded(*device, x, 1); }) == "cuda: download while work is captured");
  CHECK(refusal([&] { device->begin_capture(); }) == "cuda: begin_capture while work is captured");
  const int objects = fake_cudart().objects;
  device->release(other);
  CHECK(fake_cudart().objects == objects);
  std::unique_ptr<CapturedWork> work = device->end_capture();
  CHECK(fake_cudart().objects == objects);  // one graph more, one block of memory less
  CHECK(downloaded(*device, x, 4)[3] == 3);
  work->replay();
  work->replay();
  CHECK(downloaded(*device, x, 4)[3] == 15);
  // A failed capture leaves the device usable.
  for (const char* call : {"cudaStreamEndCapture", "cudaGraphInstantiateWithFlags"}) {
    device->begin_capture();
    fake_cudart().failing = call;
    CHECK(refusal([&] { device->end_capture(); }) ==
          std::string("cuda: ") + call + ": an illegal memory access was encountered");
    fake_cudart().failing.clear();
    CHECK(cudaGetLastError() == cudaSuccess);  // which launches check
    CHECK(!device->is_capturing());
    CHECK(downloaded(*device, x, 4)[3] == 15);
  }
  work.reset();
  device->release(x);
  device->release(y);
  device.reset();
  CHECK(fake_cudart().objects == 0);
  CHECK(fake_cudart().misuse.empty());
}

TEST_CASE("cuda device: the first failure is the answer to every later call") {
  constexpr const char* kReason = ": an illegal memory access was encountered";
  struct Failing {
    const char* call;
    const char* named;
    std::function<void(Device&, float*)> use;
  };
  const float value = 1;
  const std::vector<Failing> table = {
      {"cudaMalloc", "cudaMalloc", [](Device& d, float*) { d.allocate(4); }},
      {"cudaEventSynchronize", "cudaEventSynchronize",
       [&](Device& d, float* x) { d.upload(x, &value, 4); }},
      {"cudaMemcpyAsync", "cudaMemcpyAsync to the device",
       [&](Device& d, float* x) { d.upload(x, &value, 4); }},
      {"cudaEventRecord", "cudaEventRecord", [&](Device& d, float* x) { d.upload(x, &value, 4); }},
      {"cudaMemcpyAsync", "cudaMemcpyAsync to the host",
       [](Device& d, float* x) { downloaded(d, x, 1); }},
      {"cudaStreamSynchronize", "cudaStreamSynchronize",
       [](Device& d, float* x) { downloaded(d, x, 1); }},
      {"cudaMemcpyAsync", "cudaMemcpyAsync within the device",
       [](Device& d, float* x) { d.copy(x, x + 1, 4); }},
      {"cudaMemsetAsync", "cudaMemsetAsync", [](Device& d, float* x) { d.set_zero(x, 4); }},
      {"cudaStreamSynchronize", "cudaStreamSynchronize",
       [](Device& d, float*) { d.synchronise(); }},
      {"cudaStreamBeginCapture", "cudaStreamBeginCapture",
       [](Device& d, float*) { d.begin_capture(); }},
      {"cudaGraphLaunch", "cudaGraphLaunch",
       [](Device& d, float*) {
         d.begin_capture();
         d.end_capture()->replay();
       }},
  };
  for (const Failing& failing : table) {
    std::unique_ptr<Device> device = opened();
    auto* const x = static_cast<float*>(device->allocate(64));
    const std::string wanted = std::string("cuda: ") + failing.named + kReason;
    fake_cudart().failing = failing.call;
    fake_cudart().fails_once = true;
    CHECK(refusal([&] { failing.use(*device, x); }) == wanted);
    CHECK(refusal([&] { device->synchronise(); }) == wanted);
    CHECK(refusal([&] { device->set_zero(x, 4); }) == wanted);
    device->release(x);
    device.reset();
    CHECK(fake_cudart().objects == 0);
  }
}

TEST_CASE("cuda device: its memory has an end, and the device goes on") {
  std::unique_ptr<Device> device = opened();
  fake_cudart().memory = 4096;
  CHECK(device->allocate(5000) == nullptr);
  CHECK(cudaGetLastError() == cudaSuccess);
  void* const memory = device->allocate(4096);
  CHECK(memory != nullptr);
  device->set_zero(memory, 4096);
  device->synchronise();
  device->set_zero(memory, 4096);  // the host does not wait for it
  device->release(memory);
  CHECK(fake_cudart().misuse.empty());
}

}  // namespace pisr::kernels
