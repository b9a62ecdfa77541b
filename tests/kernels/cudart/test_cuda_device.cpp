// CudaDevice with a fake CUDA runtime.

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "kernels/open_cuda.h"
#include "tests/catch.h"
#include "tests/kernels/conv_cases.h"
#include "tests/kernels/cudart/fake_cudart.h"
#include "tests/kernels/device_launcher.h"

namespace pisr::kernels {
namespace {

std::string why_not_open(const CudaOptions& options = {}) {
  std::string why_not;
  return open_cuda_device(options, why_not) == nullptr ? why_not : "it was opened";
}

std::unique_ptr<Device> opened(const CudaOptions& options) {
  std::string why_not;
  std::unique_ptr<Device> device = open_cuda_device(options, why_not);
  REQUIRE(device != nullptr);
  return device;
}

std::unique_ptr<Device> opened() {
  fake_cudart() = FakeCudart{};
  return opened(CudaOptions{});
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

/// The gradient of a weight behind a PReLU on a device, with zeros as operands.
class WeightGradient {
 public:
  WeightGradient(Device& device, const ConvSizes& sizes) : device_(device) {
    const std::size_t results = y_count(sizes);
    args_ = {{sizes, zeros(x_count(sizes)), zeros(results), zeros(weight_count(sizes)), nullptr,
              Store::write, Store::write},
             1,
             zeros(results),
             zeros(1),
             zeros(results),
             true,
             zeros(1),
             Store::write};
  }
  ~WeightGradient() {
    for (float* const array : arrays_) {
      device_.release(array);
    }
  }
  WeightGradient(const WeightGradient&) = delete;
  WeightGradient& operator=(const WeightGradient&) = delete;

  void launch(Launcher& launcher) {
    device_.floats().conv2d_prelu_backward_weight(launcher, args_);
  }
  void run() {
    DeviceLauncher launcher(device_);
    launch(launcher);
    device_.synchronise();
  }

 private:
  float* zeros(std::size_t count) {
    auto* const array = static_cast<float*>(device_.allocate(count * sizeof(float)));
    device_.set_zero(array, count * sizeof(float));
    arrays_.push_back(array);
    return array;
  }

  Device& device_;
  std::vector<float*> arrays_;
  ConvPreluBackwardArgs<float> args_{};
};

/// Of the launches that have run.
int most_dynamic_bytes() {
  int most = 0;
  for (const FakeCudart::Launched& launch : fake_cudart().launched) {
    most = std::max(most, launch.dynamic_bytes);
  }
  return most;
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
#if !defined(PISR_HAS_CUDNN)
  CHECK(why_not_open({0, Precision::fp32, true}) == "built without cuDNN");
#endif
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

TEST_CASE("cuda device: static arrays count against the shared memory of a launch") {
  constexpr int kWithoutAsking = 48 << 10;
  struct Case {
    Precision precision;
    ConvSizes sizes;
  };
  for (const Case& test : {Case{Precision::tf32, conv("", 1, 25, 12, 8, 8, {3, 1, 1}).sizes},
                           Case{Precision::tf32, conv("", 1, 2, 12, 16, 16, {3, 4, 1}).sizes},
                           Case{Precision::tf32, conv("", 1, 7, 12, 16, 16, {4, 2, 1}).sizes},
                           Case{Precision::fp32, conv("", 1, 2, 12, 16, 16, {7, 4, 3}).sizes}}) {
    CAPTURE(test.sizes.kernel_height, test.sizes.stride, test.sizes.in_channels);
    fake_cudart() = FakeCudart{};
    const std::unique_ptr<Device> device = opened({0, test.precision});
    WeightGradient gradient(*device, test.sizes);
    gradient.run();  // after this the fake knows the static arrays
    const auto launched = fake_cudart().launched;
    CHECK(std::any_of(launched.begin(), launched.end(), [&](const FakeCudart::Launched& launch) {
      return launch.dynamic_bytes <= kWithoutAsking &&
             launch.dynamic_bytes + launch.static_bytes > kWithoutAsking;
    }));
    fake_cudart().allowed_dynamic_bytes.clear();
    CHECK(refusal([&] { gradient.run(); }) == "none");
    CHECK(fake_cudart().misuse.empty());
  }
}

TEST_CASE("cuda device: a captured launch keeps its shared memory when a smaller one follows") {
  fake_cudart() = FakeCudart{};
  const std::unique_ptr<Device> device = opened({0, Precision::tf32});
  {
    WeightGradient large(*device, conv("", 1, 56, 56, 16, 16, {5, 2, 2}).sizes);
    WeightGradient small(*device, conv("", 1, 56, 56, 8, 8, {3, 1, 1}).sizes);
    large.run();  // after this the fake knows the static arrays
    fake_cudart().allowed_dynamic_bytes.clear();
    fake_cudart().attributes_set = 0;
    fake_cudart().launched.clear();
    large.run();
    CHECK(fake_cudart().attributes_set == 1);
    const int large_bytes = most_dynamic_bytes();
    CHECK(large_bytes > 48 << 10);
    fake_cudart().launched.clear();
    DeviceLauncher launcher(*device);
    class Reused final : public Launcher {  // scratch memory from before the capture
     public:
      Reused(Launcher& launcher, void* memory) : launcher_(launcher), memory_(memory) {}
      void parallel_for(std::int64_t, FunctionRef<void(std::int64_t, int)>) override {}
      int workers() const noexcept override { return 1; }
      void* scratch(std::size_t) override { return memory_; }
      void* stream() const noexcept override { return launcher_.stream(); }

     private:
      Launcher& launcher_;
      void* memory_;
    } reused(launcher, launcher.scratch(std::size_t{8} << 20));
    device->begin_capture();
    large.launch(reused);
    const std::unique_ptr<CapturedWork> work = device->end_capture();
    small.run();
    CHECK(most_dynamic_bytes() > 48 << 10);
    CHECK(most_dynamic_bytes() < large_bytes);
    work->replay();
    device->synchronise();
    CHECK(fake_cudart().attributes_set == 1);  // once for a kernel
  }
  CHECK(fake_cudart().misuse.empty());
}

TEST_CASE("cuda device: each call is for its own device, whatever the thread used before") {
  fake_cudart() = FakeCudart{};
  fake_cudart().devices = 2;
  std::vector<std::unique_ptr<Device>> devices;
  devices.push_back(opened({0}));
  devices.push_back(opened({1}));
  constexpr std::size_t kCount = 100;
  constexpr std::size_t kBytes = kCount * sizeof(float);
  const auto in_thread = [](const std::function<void()>& work) { std::thread(work).join(); };
  for (const std::unique_ptr<Device>& device : devices) {
    Device& other = device == devices[0] ? *devices[1] : *devices[0];
    float* x = nullptr;
    float* y = nullptr;
    std::unique_ptr<CapturedWork> work;
    // A call of the other device before each call here, and some from new threads, whose current
    // device is the first.
    std::vector<std::function<void()>> calls = {
        [&] { x = static_cast<float*>(device->allocate(kBytes)); },
        [&] { y = static_cast<float*>(device->allocate(kBytes)); },
        [&] { device->upload(x, counted(kCount).data(), kBytes); },
        [&] { device->set_zero(x, sizeof(float)); },
        [&] { device->copy(y, x, kBytes); },
        [&] { device->begin_capture(); },
        [&] {
          DeviceLauncher launcher(*device);
          device->floats().affine(launcher, {kCount, 2, 1, y, x, Store::write});
        },
        [&] { work = device->end_capture(); },
        [&] { work->replay(); },
        [&] { device->synchronise(); },
        [&] { CHECK(downloaded(*device, x, kCount)[3] == 7); },
        [&] {
          WeightGradient(*device, conv("", 1, 25, 12, 8, 8, {3, 1, 1}).sizes).run();
        },
        [&] { work.reset(); },
        [&] { device->release(x); },
        [&] { device->release(y); },
    };
    bool elsewhere = false;
    for (const auto& call : calls) {
      other.make_current();
      if (elsewhere) {
        in_thread(call);
      } else {
        call();
      }
      elsewhere = !elsewhere;
      CHECK(fake_cudart().misuse.empty());
    }
  }
  // In the order in which neither is the one used last.
  devices[1]->make_current();
  devices[0].reset();
  in_thread([&] { devices[1].reset(); });
  CHECK(fake_cudart().objects == 0);
  CHECK(fake_cudart().misuse.empty());
}

#if defined(PISR_HAS_CUDNN)
TEST_CASE("cuda device: cuDNN is called with the device as the current one") {
  fake_cudart() = FakeCudart{};
  fake_cudart().devices = 2;
  std::unique_ptr<Device> second = opened({1, Precision::fp32, true});
  const std::unique_ptr<Device> first = opened({0});
  second.reset();
  CHECK(fake_cudart().devices_of_cudnn == std::vector<int>{1, 1, 1});
  CHECK(fake_cudart().misuse.empty());
}
#endif

}  // namespace pisr::kernels
