#include "kernels/emulator/emulated_device.h"

#include <cstdint>
#include <cstring>
#include <new>
#include <thread>
#include <utility>

#include <sys/mman.h>

#include "kernels/cuda/runtime/table.h"

namespace pisr::kernels::emulator {
namespace {

constexpr std::size_t kAlignment = 256;
constexpr std::size_t kGap = 256;  // between two allocations
constexpr int kPoison = 0xFF;      // NaN

thread_local const EmulatedDevice* current_device = nullptr;

std::size_t round_up(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// Whether `word` is the address of data of this process. Two neighbouring 32-bit numbers are hardly
// taken for one: they would have to lie above 20,480 and 65,536 and hit a resident page.
bool is_address(std::uintptr_t word) {
  constexpr std::uintptr_t kPage = 4096, kLeast = 1 << 16, kLowest = 0x5000'0000'0000;
  unsigned char resident = 0;
  return word % sizeof(float) == 0 && word >= kLowest && (word & 0xFFFFFFFFU) >= kLeast &&
         mincore(reinterpret_cast<void*>(word / kPage * kPage), 1, &resident) == 0;
}

}  // namespace

// Makes the memory accessible while it exists.
class EmulatedDevice::Access {
 public:
  explicit Access(const EmulatedDevice& device) : device_(device) {
    protect(PROT_READ | PROT_WRITE);
  }
  ~Access() { protect(PROT_NONE); }
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;

 private:
  void protect(int rights) {
    if (mprotect(device_.memory_, device_.capacity_, rights) != 0) {
      throw std::bad_alloc();
    }
  }
  const EmulatedDevice& device_;
};

class EmulatedDevice::Work final : public CapturedWork {
 public:
  Work(EmulatedDevice& device, std::vector<std::function<void()>> parts)
      : device_(device), parts_(std::move(parts)) {}
  void replay() override {
    device_.check_call("replay");
    device_.check_not_capturing("replay");
    std::this_thread::sleep_for(device_.replay_time_);
    for (const std::function<void()>& part : parts_) {
      device_.run(part);
    }
  }

 private:
  EmulatedDevice& device_;
  std::vector<std::function<void()>> parts_;
};

EmulatedDevice::EmulatedDevice(std::size_t memory_bytes, Precision precision)
    : capacity_(round_up(memory_bytes)), precision_(precision) {
  void* memory =
      mmap(nullptr, capacity_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    throw std::bad_alloc();
  }
  memory_ = static_cast<std::byte*>(memory);
}

EmulatedDevice::~EmulatedDevice() {
  munmap(memory_, capacity_);
}

const KernelTable<float>& EmulatedDevice::floats() const noexcept {
  return emulated_cuda::kernel_table(precision_);
}

const KernelTable<double>& EmulatedDevice::doubles() const noexcept {
  return emulated_cuda::kernel_table<double>();
}

void EmulatedDevice::make_current() {
  current_device = this;
}

void* EmulatedDevice::stream() const noexcept {
  return static_cast<Stream*>(const_cast<EmulatedDevice*>(this));
}

void* EmulatedDevice::allocate(std::size_t bytes) {
  check_call("allocate");
  check_not_capturing("allocate");
  const std::size_t size = round_up(bytes);
  std::byte* place = memory_;
  for (const auto& [begin, length] : allocations_) {
    if (static_cast<std::size_t>(begin - place) >= size + kGap) {
      break;
    }
    place = begin + round_up(length) + kGap;
  }
  const auto before = static_cast<std::size_t>(place - memory_);
  if (size > capacity_ || before > capacity_ - size) {
    return nullptr;
  }
  const Access access(*this);
  std::memset(place, kPoison, size);
  allocations_[place] = bytes;
  return place;
}

void EmulatedDevice::release(void* memory) noexcept {
  if (memory == nullptr) {
    return;
  }
  if (capturing_) {
    released_in_capture_.push_back(memory);
  } else {
    forget(memory);
  }
}

void EmulatedDevice::forget(void* memory) {
  const auto found = allocations_.find(static_cast<std::byte*>(memory));
  if (found == allocations_.end()) {
    failure_ = "release of what was not allocated";
    return;
  }
  const Access access(*this);
  std::memset(memory, kPoison, found->second);
  allocations_.erase(found);
}

void EmulatedDevice::upload(void* target, const void* source, std::size_t bytes) {
  transfer("upload", target, target, source, bytes);
}

void EmulatedDevice::download(void* target, const void* source, std::size_t bytes) {
  transfer("download", source, target, source, bytes);
}

void EmulatedDevice::transfer(const char* call, const void* on_device, void* target,
                              const void* source, std::size_t bytes) {
  check_call(call);
  check_not_capturing(call);
  check_range(call, on_device, bytes);
  const Access access(*this);
  std::memcpy(target, source, bytes);
}

void EmulatedDevice::copy(void* target, const void* source, std::size_t bytes) {
  check_call("copy");
  const auto* to = static_cast<const std::byte*>(target);
  const auto* from = static_cast<const std::byte*>(source);
  if (from < to + bytes && to < from + bytes) {
    fail_with("copy: source and target overlap");
  }
  run_or_record([this, target, source, bytes] {
    check_range("copy", target, bytes);
    check_range("copy", source, bytes);
    std::memcpy(target, source, bytes);
  });
}

void EmulatedDevice::set_bytes(void* target, unsigned char value, std::size_t bytes) {
  check_call("set_bytes");
  run_or_record([this, target, value, bytes] {
    check_range("set_bytes", target, bytes);
    std::memset(target, value, bytes);
  });
}

void EmulatedDevice::synchronise() {
  check_call("synchronise");
  check_not_capturing("synchronise");
}

void EmulatedDevice::begin_capture() {
  check_call("begin_capture");
  check_not_capturing("begin_capture");
  capturing_ = true;
}

std::unique_ptr<CapturedWork> EmulatedDevice::end_capture() {
  if (!capturing_) {
    fail_with("end_capture without begin_capture");
  }
  capturing_ = false;
  auto work = std::make_unique<Work>(*this, std::exchange(captured_, {}));
  for (void* memory : std::exchange(released_in_capture_, {})) {
    forget(memory);
  }
  check_call("end_capture");
  return work;
}

std::size_t EmulatedDevice::used() const noexcept {
  std::size_t bytes = 0;
  for (const auto& [begin, length] : allocations_) {
    bytes += length;
  }
  return bytes;
}

void EmulatedDevice::submit(Launch launch) {
  check_call("launch");
  if (current_device != this) {
    fail_with("launch: the device is not the current one of this thread");
  }
  run_or_record([this, work = std::move(launch.run)] {
    ++launches_;
    work();
  });
}

void EmulatedDevice::check_argument(const void* bytes, std::size_t size) {
  for (std::size_t at = 0; at + sizeof(void*) <= size; at += sizeof(void*)) {
    std::uintptr_t word;
    std::memcpy(&word, static_cast<const std::byte*>(bytes) + at, sizeof word);
    // In the device's memory no guess is needed: it may begin where is_address() sees two numbers.
    const bool in_memory = word - reinterpret_cast<std::uintptr_t>(memory_) < capacity_;
    if (!owns(reinterpret_cast<const void*>(word), 0) && (in_memory || is_address(word))) {
      fail_with("launch: an argument points to no memory of the device, in byte " +
                std::to_string(at) + " of " + std::to_string(size));
    }
  }
}

void EmulatedDevice::run_or_record(std::function<void()> work) {
  if (capturing_) {
    captured_.push_back(std::move(work));
  } else {
    run(work);
  }
}

void EmulatedDevice::run(const std::function<void()>& work) {
  const Access access(*this);
  try {
    work();
  } catch (const Failure& failure) {
    fail_with(failure.what());
  }
}

void EmulatedDevice::check_call(const char* call) {
  if (calls_left_ == 0) {
    failure_ = "the device is gone";
  } else if (calls_left_ > 0) {
    --calls_left_;
  }
  if (!failure_.empty()) {
    throw DeviceError(name_ + ": " + call + ": " + failure_);
  }
}

void EmulatedDevice::check_not_capturing(const char* call) {
  if (capturing_) {
    throw DeviceError(name_ + ": " + call + " while work is captured");
  }
}

bool EmulatedDevice::owns(const void* memory, std::size_t bytes) const noexcept {
  auto* at = static_cast<std::byte*>(const_cast<void*>(memory));
  auto after = allocations_.upper_bound(at);
  if (after == allocations_.begin()) {
    return false;
  }
  const auto& [begin, length] = *--after;
  const auto offset = static_cast<std::size_t>(at - begin);
  return offset <= length && bytes <= length - offset;
}

void EmulatedDevice::check_range(const char* call, const void* memory, std::size_t bytes) {
  if (!owns(memory, bytes)) {
    fail_with(std::string(call) + ": " + std::to_string(bytes) +
              " bytes that are not memory of the device");
  }
}

void EmulatedDevice::fail_with(const std::string& text) {
  failure_ = text;
  throw DeviceError(name_ + ": " + text);
}

}  // namespace pisr::kernels::emulator
