// The one device there is, and errors.

#include <cstring>

#include "tests/ptx/machine/fault.h"
#include "tests/ptx/runtime/limits.h"
#include "tests/ptx/runtime/state.h"

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int number) {
  return number == 0 ? cudaSuccess : pisr::ptx::report(cudaErrorInvalidDevice);
}

cudaError_t cudaGetDevice(int* number) {
  *number = 0;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {};
  std::strcpy(properties->name, "PTX on the CPU");
  properties->major = pisr::ptx::kComputeCapability / 10;
  properties->minor = pisr::ptx::kComputeCapability % 10;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, enum cudaDeviceAttr attribute, int) {
  switch (attribute) {
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = static_cast<int>(pisr::ptx::kMostSharedBytes);
      return cudaSuccess;
    case cudaDevAttrMultiProcessorCount:
      *value = pisr::ptx::kMultiprocessors;
      return cudaSuccess;
    default:
      pisr::ptx::end_with_fault("cudaDeviceGetAttribute: attribute " +
                                std::to_string(static_cast<int>(attribute)) + " is not supported");
  }
}

cudaError_t cudaGetLastError() {
  return pisr::ptx::take_last_error();
}

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorIllegalState:
      return "the operation cannot be performed in the present state";
    default:
      return "unknown error";
  }
}

}  // extern "C"
