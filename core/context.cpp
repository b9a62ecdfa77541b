#include "core/context.h"

#include <cstring>
#include <stdexcept>

#include "core/instruction_set.h"

namespace pisr {

// The scratch memory of kernels is an arena of its own. It is reset after each launch unless
// deferred sums lie in it. Kernels of a device run in the order of their launches, so the next one
// can use the same memory.
class Context::ContextLauncher final : public kernels::Launcher {
 public:
  ContextLauncher(ThreadPool* pool, kernels::Device* device) : pool_(pool), scratch_(device) {}

  void parallel_for(std::int64_t tasks,
                    kernels::FunctionRef<void(std::int64_t task, int worker)> body) override {
    if (scratch_.device() != nullptr) {
      throw std::logic_error("a kernel of the CPU was launched on a device");
    }
    if (pool_ != nullptr) {
      pool_->parallel_for(tasks, body);
      return;
    }
    for (std::int64_t task = 0; task < tasks; ++task) {
      body(task, 0);
    }
  }
  int workers() const noexcept override { return pool_ == nullptr ? 1 : pool_->threads(); }
  void* scratch(std::size_t bytes) override { return scratch_.allocate(bytes); }
  void* stream() const noexcept override {
    return scratch_.device() == nullptr ? nullptr : scratch_.device()->stream();
  }

  void* library() const noexcept override {
    return scratch_.device() == nullptr ? nullptr : scratch_.device()->library();
  }

  Arena& scratch_arena() noexcept { return scratch_; }
  ThreadPool* pool() const noexcept { return pool_; }

 private:
  ThreadPool* pool_;
  Arena scratch_;
};

namespace {

template <class T>
const kernels::KernelTable<T>& host_kernels(Backend backend) {
  apply_instruction_set_choice();
  switch (backend) {
    case Backend::cpu:
      return kernels::cpu_kernels<T>();
    case Backend::eigen:
      return kernels::eigen_kernels<T>();
    case Backend::naive:
      break;
  }
  return kernels::naive_kernels<T>();
}

}  // namespace

Context::Context(Backend backend)
    : backend_(backend),
      floats_(host_kernels<float>(backend)),
      doubles_(host_kernels<double>(backend)),
      launcher_(std::make_unique<ContextLauncher>(nullptr, nullptr)) {}

Context::Context(ThreadPool& pool, Backend backend)
    : backend_(backend),
      floats_(host_kernels<float>(backend)),
      doubles_(host_kernels<double>(backend)),
      launcher_(std::make_unique<ContextLauncher>(&pool, nullptr)) {}

Context::Context(kernels::Device& device)
    : floats_(device.floats()),
      doubles_(device.doubles()),
      arena_(&device),
      launcher_(std::make_unique<ContextLauncher>(nullptr, &device)) {}

Context::Context(ThreadPool& pool, kernels::Device* device, Backend backend)
    : backend_(device == nullptr ? backend : Backend::cpu),
      floats_(device == nullptr ? host_kernels<float>(backend) : device->floats()),
      doubles_(device == nullptr ? host_kernels<double>(backend) : device->doubles()),
      arena_(device),
      launcher_(std::make_unique<ContextLauncher>(&pool, device)) {}

Context::~Context() = default;

ThreadPool* Context::pool() const noexcept {
  return launcher_->pool();
}

CapturedStep Context::capture(kernels::FunctionRef<void()> work) {
  if (device() == nullptr) {
    throw Error(ErrorKind::usage, "capture: needs a context on a device, this one is on the CPU");
  }
  arena_.reset();  // joins its blocks, which captured work no longer allows
  return device_call([&] {
    device()->begin_capture();
    try {
      work();
    } catch (...) {
      try {
        device()->end_capture();
      } catch (const kernels::DeviceError&) {  // the first error is the one to report
      }
      throw;
    }
    std::unique_ptr<kernels::CapturedWork> captured = device()->end_capture();
    std::vector<std::shared_ptr<void>> memory = arena_.hold();
    for (std::shared_ptr<void>& block : launcher_->scratch_arena().hold()) {
      memory.push_back(std::move(block));
    }
    return CapturedStep(std::move(captured), std::move(memory));
  });
}

template <class T>
void Context::finish_sums() {
  const auto& sums = std::get<kernels::DeferredSums<T>>(deferred_sums_);
  if (!sums.empty()) {
    launch<T>(&kernels::KernelTable<T>::finish_sums,
              {static_cast<std::int64_t>(sums.size()), sums.data()});
  }
}

void Context::collect_sums(kernels::FunctionRef<void()> work) {
  const auto forget = [this] {
    collects_ = false;
    std::apply([](auto&... sums) { (sums.clear(), ...); }, deferred_sums_);
    release_scratch();
  };
  collects_ = device() != nullptr;
  try {
    work();
    finish_sums<float>();
    finish_sums<double>();
  } catch (...) {
    forget();
    throw;
  }
  forget();
}

void Context::set_zero(void* memory, std::size_t bytes) {
  if (device() == nullptr) {
    std::memset(memory, 0, bytes);
  } else {
    device_call([&] { device()->set_zero(memory, bytes); });
  }
}

kernels::Launcher& Context::launcher() {
  if (device() != nullptr) {
    device()->make_current();
  }
  return *launcher_;
}

void Context::release_scratch() {
  if (std::apply([](const auto&... sums) { return (sums.empty() && ...); }, deferred_sums_)) {
    launcher_->scratch_arena().reset();
  }
}

}  // namespace pisr
