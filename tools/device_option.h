#pragma once

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "kernels/device.h"

namespace pisr {

/// -g, --device, --precision, --backend and --list-devices of a program. `app` keeps references to
/// the object.
class DeviceOption {
 public:
  explicit DeviceOption(CLI::App& app);
  DeviceOption(const DeviceOption&) = delete;
  DeviceOption& operator=(const DeviceOption&) = delete;

  /// Opens what was chosen, null for the CPU; to be called once the command line is read. Prints
  /// one line on stderr where `auto` falls back to the CPU, unless the build has no CUDA and nobody
  /// asked. Errors: those of parse_device, parse_precision and open_device.
  std::unique_ptr<kernels::Device> open() const;

 private:
  std::string program_;
  std::string device_ = "auto";
  std::string precision_ = "fp32";
  std::string backend_ = "own";
  const CLI::Option* given_;
};

}  // namespace pisr
