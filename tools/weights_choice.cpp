#include "tools/weights_choice.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "pisr/model/weight_file.h"

namespace pisr {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExtension = ".safetensors";

/// A variable of the environment; empty where it is not set.
std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::optional<FoundWeights> find_exactly(const std::string& name) {
  const auto built_in = std::ranges::find(built_in_weights(), name, &BuiltInWeights::name);
  if (built_in != built_in_weights().end()) {
    return FoundWeights{name, {}, &*built_in};
  }
  for (const fs::path& folder : weights_path()) {
    std::error_code none;
    const fs::path file = folder / (name + kExtension);
    if (fs::is_regular_file(file, none)) {
      return FoundWeights{name, file, nullptr};
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<fs::path> weights_path() {
  std::vector<fs::path> folders;
  std::istringstream listed(variable("PISR_WEIGHTS_PATH"));
  for (std::string folder; std::getline(listed, folder, ':');) {
    if (!folder.empty()) {
      folders.emplace_back(folder);
    }
  }
  const fs::path within = fs::path("pisr") / "weights";
  const fs::path data = variable("XDG_DATA_HOME");
  const fs::path home = variable("HOME");
  if (data.is_absolute()) {  // others are to be ignored
    folders.push_back(data / within);
  } else if (!home.empty()) {
    folders.push_back(home / ".local" / "share" / within);
  }
  std::error_code failure;
  const fs::path program = fs::read_symlink("/proc/self/exe", failure);
  if (!failure) {
    folders.push_back(program.parent_path().parent_path() / "share" / within);
  }
  return folders;
}

std::optional<FoundWeights> find_weights(const std::string& name, int scale) {
  if (auto found = find_exactly(name)) {
    return found;
  }
  return find_exactly(message(name, "_x", scale));
}

std::vector<FoundWeights> list_weights() {
  std::vector<FoundWeights> all;
  const auto add = [&](FoundWeights found) {
    if (std::ranges::find(all, found.name, &FoundWeights::name) == all.end()) {
      all.push_back(std::move(found));
    }
  };
  for (const BuiltInWeights& weights : built_in_weights()) {
    add({std::string(weights.name), {}, &weights});
  }
  for (const fs::path& folder : weights_path()) {
    std::vector<fs::path> files;
    std::error_code failure;
    for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end;
         entry.increment(failure)) {
      std::error_code none;
      if (entry->path().extension() == kExtension && entry->is_regular_file(none)) {
        files.push_back(entry->path());
      }
    }
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
      add({file.stem().string(), file, nullptr});
    }
  }
  return all;
}

SafeTensors read_named_weights(const std::string& name, int scale,
                               const std::function<void(const std::string&)>& note,
                               std::string& found, std::string& place) {
  const std::optional<FoundWeights> weights = find_weights(name, scale);
  if (!weights) {
    std::string names;
    for (const FoundWeights& known : list_weights()) {
      names += (names.empty() ? "there are " : ", ") + known.name;
    }
    throw Error(ErrorKind::weights, message("no weights '", name, "' for scale ", scale),
                names.empty() ? "-m names a file of weights" : names + "; -m names a file");
  }
  found = weights->name;
  place = weights->file.empty() ? weights->name : weights->file.string();
  return weights->file.empty() ? parse_safetensors(weights->built_in->file, place)
                               : read_weight_file(weights->file, note);
}

std::unique_ptr<SrNetwork> load_named_network(const std::string& name, int scale,
                                              const WeightsOptions& wanted, std::string& found) {
  std::string place;
  const SafeTensors file = read_named_weights(name, scale, wanted.note, found, place);
  return make_network(file, place, wanted);
}

}  // namespace pisr
