#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "core/device_choice.h"

namespace pisr {

/// --backend of a program: what it is given, or else what PISR_BACKEND says. `app` keeps references
/// to the object.
class BackendOption {
 public:
  explicit BackendOption(CLI::App& app);
  BackendOption(const BackendOption&) = delete;
  BackendOption& operator=(const BackendOption&) = delete;

  /// Nothing where neither says any. To be called once the command line is read. Errors: those of
  /// parse_backend.
  std::optional<BackendChoice> value() const;
  BackendChoice value_or_own() const { return value().value_or(BackendChoice::own); }

 private:
  std::string text_;
};

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
  /// The kernels of a context on the host.
  Backend host_backend() const { return pisr::host_backend(backend_.value_or_own()); }

  /// What was given, and the back end of PISR_BACKEND, as settings "key=value" of a configuration
  /// that has the same keys.
  std::vector<std::string> settings() const;

 private:
  const CLI::App& app_;
  std::string program_;
  std::string device_ = "auto";
  std::string precision_ = "fp32";
  BackendOption backend_;
};

/// Opens a device, null for the CPU. Prints one line on stderr where `auto` falls back to the CPU,
/// unless the build has no CUDA and nobody `asked`, nor for what only a device does. Errors: those
/// of pisr::open_device.
std::unique_ptr<kernels::Device> open_device(const std::string& program, const DeviceChoice& choice,
                                             bool asked);

}  // namespace pisr
