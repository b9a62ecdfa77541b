#include "kernels/open_cuda.h"

// open_cuda.h in builds without the CUDA back end.
namespace pisr::kernels {
namespace {

constexpr const char* kWhyNot = "built without CUDA";

}  // namespace

bool has_cuda() noexcept {
  return false;
}

std::unique_ptr<Device> open_cuda_device(const CudaOptions&, std::string& why_not) {
  why_not = kWhyNot;
  return nullptr;
}

std::vector<std::string> list_cuda_devices(std::string& why_not) {
  why_not = kWhyNot;
  return {};
}

}  // namespace pisr::kernels
