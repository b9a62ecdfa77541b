#include "core/device_choice.h"

#include <array>
#include <charconv>
#include <cstdlib>

#include "core/error.h"

namespace pisr {
namespace {

constexpr std::array kBackends = {BackendChoice::own, BackendChoice::eigen, BackendChoice::cudnn};

// All of `text` as the number of a device.
bool parse_number(std::string_view text, int& number) {
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, number);
  return failure == std::errc() && stop == end && number >= 0;
}

}  // namespace

DeviceChoice parse_device(std::string_view text) {
  using Kind = DeviceChoice::Kind;
  constexpr std::string_view kNumbered = "cuda:";
  DeviceChoice choice;
  if (text == "auto") {
    return choice;
  }
  if (text == "cpu" || text == "-1") {
    choice.kind = Kind::cpu;
    return choice;
  }
  choice.kind = Kind::cuda;
  if (text == "cuda" ||
      parse_number(text.starts_with(kNumbered) ? text.substr(kNumbered.size()) : text,
                   choice.cuda.number)) {
    return choice;
  }
  throw Error(ErrorKind::usage,
              message("device: must be auto, cpu, cuda, cuda:N or the number of a "
                      "CUDA device, got '",
                      text, "'"));
}

kernels::Precision parse_precision(std::string_view text) {
  if (text == "fp32") {
    return kernels::Precision::fp32;
  }
  if (text == "tf32") {
    return kernels::Precision::tf32;
  }
  if (text == "fp16") {
    return kernels::Precision::fp16;
  }
  throw Error(ErrorKind::usage, message("precision: must be fp32, tf32 or fp16, got '", text, "'"));
}

const char* name(BackendChoice backend) {
  return backend == BackendChoice::own     ? "own"
         : backend == BackendChoice::eigen ? "eigen"
                                           : "cudnn";
}

BackendChoice parse_backend(std::string_view text, std::string_view source) {
  for (const BackendChoice backend : kBackends) {
    if (text == name(backend)) {
      return backend;
    }
  }
  throw Error(ErrorKind::usage, message(source, ": must be own, eigen or cudnn, got '", text, "'"));
}

std::optional<BackendChoice> backend_of_environment() {
  constexpr const char* kVariable = "PISR_BACKEND";
  const char* const text = std::getenv(kVariable);
  if (text == nullptr || *text == '\0') {
    return std::nullopt;
  }
  return parse_backend(text, kVariable);
}

Backend host_backend(BackendChoice backend) {
  return backend == BackendChoice::eigen ? Backend::eigen : Backend::cpu;
}

std::unique_ptr<kernels::Device> open_device(const DeviceChoice& choice, std::string& explanation) {
  explanation.clear();
  const bool eigen = choice.backend == BackendChoice::eigen;
  const bool cudnn = choice.backend == BackendChoice::cudnn;
  if (eigen && choice.kind == DeviceChoice::Kind::cuda) {
    throw Error(ErrorKind::usage, "backend: eigen runs on the CPU, not on a CUDA device",
                "--device auto or cpu runs on the CPU");
  }
  if (eigen || choice.kind == DeviceChoice::Kind::cpu) {
    if (choice.cuda.precision != kernels::Precision::fp32 || cudnn) {
      throw Error(ErrorKind::usage, "device: the CPU computes in fp32 and without cuDNN only");
    }
    return nullptr;
  }
  std::string why_not;
  kernels::CudaOptions options = choice.cuda;
  options.cudnn = cudnn;
  std::unique_ptr<kernels::Device> device = kernels::open_cuda_device(options, why_not);
  if (device == nullptr && choice.kind == DeviceChoice::Kind::cuda) {
    throw Error(ErrorKind::device, message("no CUDA device can be used: ", why_not),
                "--device auto or cpu runs on the CPU");
  }
  if (device == nullptr) {
    explanation = message("running on the CPU",
                          choice.cuda.precision == kernels::Precision::fp32 ? "" : " in fp32",
                          cudnn ? " without cuDNN" : "", ": ", why_not);
  }
  return device;
}

}  // namespace pisr
