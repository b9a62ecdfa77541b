#include "tools/device_option.h"

#include <iostream>
#include <vector>

#include "core/error.h"
#include "tools/program.h"

namespace pisr {
namespace {

/// -1 and the names as --device takes them, one a line.
void list_devices(const std::string& program) {
  std::cout << "cpu\n";
  std::string why_not;
  const std::vector<std::string> names = kernels::list_cuda_devices(why_not);
  for (std::size_t number = 0; number < names.size(); ++number) {
    std::cout << "cuda:" << number << ' ' << names[number] << '\n';
  }
  std::cout.flush();
  if (names.empty()) {
    note(program, "only the CPU: " + why_not);
  }
}

}  // namespace

BackendOption::BackendOption(CLI::App& app) {
  app.add_option("--backend", text_,
                 "Whose kernels: own; eigen, on the CPU; cudnn, on a CUDA device. Without it that "
                 "of the environment variable PISR_BACKEND, or own")
      ->type_name("{own,eigen,cudnn}");
}

std::optional<BackendChoice> BackendOption::value() const {
  return text_.empty() ? backend_of_environment() : parse_backend(text_, "--backend");
}

DeviceOption::DeviceOption(CLI::App& app) : app_(app), program_(app.get_name()), backend_(app) {
  app.add_option("-g,--device", device_,
                 "auto; cpu or -1; cuda, cuda:N or N for the CUDA device of this number")
      ->type_name("DEVICE")
      ->capture_default_str();
  app.add_option("--precision", precision_, "Of a CUDA device: fp32, tf32 or fp16")
      ->type_name("{fp32,tf32,fp16}")
      ->capture_default_str();
  app.add_flag_callback(
      "--list-devices",
      [program = program_] {
        list_devices(program);
        throw CLI::Success();
      },
      "Print the devices there are");
}

std::unique_ptr<kernels::Device> DeviceOption::open() const {
  DeviceChoice choice = parse_device(device_);
  choice.cuda.precision = parse_precision(precision_);
  choice.backend = backend_.value_or_own();
  return open_device(program_, choice, app_.count("--device") > 0);
}

std::vector<std::string> DeviceOption::settings() const {
  std::vector<std::string> settings;
  const auto add = [&](const std::string& key, const std::string& value) {
    if (app_.count("--" + key) > 0) {
      settings.push_back(key + "=" + value);
    }
  };
  add("device", device_);
  add("precision", precision_);
  if (const std::optional<BackendChoice> backend = backend_.value()) {
    settings.push_back(std::string("backend=") + name(*backend));
  }
  return settings;
}

std::unique_ptr<kernels::Device> open_device(const std::string& program, const DeviceChoice& choice,
                                             bool asked) {
  std::string explanation;
  std::unique_ptr<kernels::Device> device = open_device(choice, explanation);
  const bool more =
      choice.cuda.precision != kernels::Precision::fp32 || choice.backend == BackendChoice::cudnn;
  if (!explanation.empty() && (kernels::has_cuda() || asked || more)) {
    note(program, explanation);
  }
  return device;
}

}  // namespace pisr
