#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "core/device_choice.h"

namespace pisr {

/// The option --backend of a program; without it, the environment variable PISR_BACKEND. `app`
/// keeps references to this object.
class BackendOption {
 public:
  explicit BackendOption(CLI::App& app);
  BackendOption(const BackendOption&) = delete;
  BackendOption& operator=(const BackendOption&) = delete;

  /// Empty where neither names one. To be called once the command line is read. Errors: those of
  /// parse_backend.
  std::optional<BackendChoice> value() const;
  BackendChoice value_or_own() const { return value().value_or(BackendChoice::own); }

 private:
  std::string text_;
};

/// The options -g, --device, --precision, --backend and --list-devices of a program. `app` keeps
/// references to this object.
class DeviceOption {
 public:
  explicit DeviceOption(CLI::App& app);
  DeviceOption(const DeviceOption&) = delete;
  DeviceOption& operator=(const DeviceOption&) = delete;

  /// Opens the chosen device, after the command line has been parsed. Throws as open_device(),
  /// parse_device() and parse_precision() do.
  std::unique_ptr<kernels::Device> open() const;
  /// The kernels of a context on the host.
  Backend host_backend() const { return pisr::host_backend(backend_.value_or_own()); }

  /// The options that were given, and the back end that PISR_BACKEND names, as settings
  /// "key=value" of a configuration with the same keys.
  std::vector<std::string> settings() const;

 private:
  const CLI::App& app_;
  std::string program_;
  std::string device_ = "auto";
  std::string precision_ = "fp32";
  BackendOption backend_;
};

/// Opens a device; null for the CPU. Prints one line on stderr where `auto` falls back to the CPU.
/// A build without CUDA prints it only if the user `asked` for a device, or for something only a
/// device has. Throws as pisr::open_device() does.
std::unique_ptr<kernels::Device> open_device(const std::string& program, const DeviceChoice& choice,
                                             bool asked);

}  // namespace pisr
