#pragma once

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "core/device_choice.h"

namespace pisr {

/// -g, --device, --precision, --backend and --list-devices of a program. `app` keeps references to
/// the object.
class DeviceOption {
 public:
  explicit DeviceOption(CLI::App& app);
  DeviceOption(const DeviceOption&) = delete;
  DeviceOption& operator=(const DeviceOption&) = delete;

  /// open_device() of what was chosen; to be called once the command line is read. Errors: those of
  /// parse_device and parse_precision too.
  std::unique_ptr<kernels::Device> open() const;

  /// What was given, as settings "key=value" of a configuration that has the same keys.
  std::vector<std::string> settings() const;

 private:
  const CLI::App& app_;
  std::string program_;
  std::string device_ = "auto";
  std::string precision_ = "fp32";
  std::string backend_ = "own";
};

/// Opens a device, null for the CPU. Prints one line on stderr where `auto` falls back to the CPU,
/// unless the build has no CUDA and nobody `asked`, nor for what only a device does. Errors: those
/// of pisr::open_device.
std::unique_ptr<kernels::Device> open_device(const std::string& program, const DeviceChoice& choice,
                                             bool asked);

}  // namespace pisr
