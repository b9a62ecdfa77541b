#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/context.h"
#include "kernels/device.h"
#include "kernels/export.h"
#include "kernels/open_cuda.h"

namespace pisr {

/// Whose kernels shall run.
enum class BackendChoice {
  own,    ///< those of this project, on the CPU and on a CUDA device
  eigen,  ///< Eigen's, which run on the CPU alone
  cudnn,  ///< cuDNN's convolutions, which run on a CUDA device alone
};

/// Which device kernels shall run on, and whose they are.
struct DeviceChoice {
  enum class Kind {
    automatic,  ///< a CUDA device where one can be used, otherwise the CPU
    cpu,
    cuda,  ///< a CUDA device or an error
  };
  Kind kind = Kind::automatic;
  BackendChoice backend = BackendChoice::own;
  kernels::CudaOptions cuda;  ///< its `cudnn` is `backend`'s
};

/// Reads auto, cpu or -1, cuda, cuda:N, or the number N of a CUDA device. Error(usage) for others.
PISR_CORE_API DeviceChoice parse_device(std::string_view text);
/// Reads fp32, tf32 or fp16. Error(usage) for others.
PISR_CORE_API kernels::Precision parse_precision(std::string_view text);
/// Reads own, eigen or cudnn. Throws Error(usage), beginning with `source`, for others.
PISR_CORE_API BackendChoice parse_backend(std::string_view text,
                                          std::string_view source = "backend");
/// own, eigen or cudnn.
PISR_CORE_API const char* name(BackendChoice backend);

/// The back end that the environment variable PISR_BACKEND names, for a program without --backend.
/// Nothing where the variable is not set or empty. Throws Error(usage) for an unknown name.
PISR_CORE_API std::optional<BackendChoice> backend_of_environment();

/// The kernels of a context on the host.
PISR_CORE_API Backend host_backend(BackendChoice backend);

/// Opens the device; null for the CPU. Throws Error(device) with the reason where an explicit
/// choice cannot be used. Where `automatic` falls back to the CPU, `explanation` says in one line
/// why, and what the choice loses by it. With the Eigen back end `automatic` is the CPU. Throws
/// Error(usage) for the CPU with cuDNN or a precision other than fp32, and for a CUDA device with
/// Eigen.
PISR_CORE_API std::unique_ptr<kernels::Device> open_device(const DeviceChoice& choice,
                                                           std::string& explanation);

}  // namespace pisr
