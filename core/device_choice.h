#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/context.h"
#include "kernels/device.h"
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
DeviceChoice parse_device(std::string_view text);
/// Reads fp32, tf32 or fp16. Error(usage) for others.
kernels::Precision parse_precision(std::string_view text);
/// Reads own, eigen or cudnn. Error(usage) for others, which begins with `source`.
BackendChoice parse_backend(std::string_view text, std::string_view source = "backend");
/// own, eigen or cudnn.
const char* name(BackendChoice backend);

/// What the environment variable PISR_BACKEND names: the back end of a program that is told of
/// none. Empty where it is not set or empty; Error(usage) where it names none.
std::optional<BackendChoice> backend_of_environment();

/// The kernels of a context on the host.
Backend host_backend(BackendChoice backend);

/// Opens it; null for the CPU. Error(device) and the reason where an explicit choice cannot be
/// used; where `automatic` falls back to the CPU, `explanation` says why in one line, and what of
/// the choice is lost with it. With the Eigen back end `automatic` is the CPU. Error(usage) for a
/// CPU that is to compute in another precision than fp32 or with cuDNN, and for a CUDA device with
/// the Eigen back end.
std::unique_ptr<kernels::Device> open_device(const DeviceChoice& choice, std::string& explanation);

}  // namespace pisr
