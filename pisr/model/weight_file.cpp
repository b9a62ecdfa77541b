#include "pisr/model/weight_file.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <string_view>

#include "core/error.h"
#include "core/printable.h"
#include "pisr/model/metadata.h"

namespace pisr {
namespace {

constexpr const char* kPyTorch = "a PyTorch file";

/// How a file of another framework begins, or what its name ends with.
struct ForeignFormat {
  std::string_view beginning;
  const char* extension;
  const char* what;
};

using namespace std::string_view_literals;
constexpr std::array kFormats = {
    ForeignFormat{"PK\x03\x04"sv, ".pth", kPyTorch},
    ForeignFormat{"\x80\x02"sv, ".pt", kPyTorch},
    ForeignFormat{"\x80\x03"sv, ".ckpt", kPyTorch},
    ForeignFormat{"\x80\x04"sv, "", kPyTorch},
    ForeignFormat{"\x80\x05"sv, "", kPyTorch},
    ForeignFormat{"\x89HDF\r\n"sv, ".h5", "an HDF5 file, as Keras writes them"},
    ForeignFormat{"MATLAB 5.0 MAT-file"sv, ".mat", "a MATLAB file"},
    ForeignFormat{"\x93NUMPY"sv, ".npy", "a NumPy array"},
    ForeignFormat{"7767517\n"sv, ".param", "an ncnn network"},
    ForeignFormat{""sv, ".npz", "a NumPy archive"},
    ForeignFormat{""sv, ".onnx", "an ONNX network"},
    ForeignFormat{""sv, ".pb", "a TensorFlow graph"},
    ForeignFormat{""sv, ".tflite", "a TensorFlow Lite network"},
    ForeignFormat{""sv, ".caffemodel", "a Caffe network"},
};

/// What another framework calls the file; empty where it may be safetensors.
std::string foreign_format(const std::filesystem::path& path) {
  constexpr std::size_t kLengthBytes = 8;
  std::ifstream stream(path, std::ios::binary);
  std::string start(32, '\0');
  stream.read(start.data(), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<std::size_t>(std::max<std::streamsize>(stream.gcount(), 0)));
  // Behind the length of a safetensors header, which any bytes may be, its JSON begins.
  if (start.empty() || (start.size() > kLengthBytes && start[kLengthBytes] == '{')) {
    return "";
  }
  const std::string extension = path.extension().string();
  // The extension knows best what a zip holds.
  for (const ForeignFormat& format : kFormats) {
    if (!extension.empty() && extension == format.extension) {
      return format.what;
    }
  }
  for (const ForeignFormat& format : kFormats) {
    if (!format.beginning.empty() && start.starts_with(format.beginning)) {
      return format.what;
    }
  }
  return "";
}

void refuse_foreign_format(const std::filesystem::path& path) {
  const std::string format = foreign_format(path);
  if (format.empty()) {
    return;
  }
  const std::string name = printable(path);
  const std::filesystem::path converted =
      std::filesystem::path(path).replace_extension(".safetensors");
  fail_weights(name, "is " + format + ", not safetensors",
               format == kPyTorch ? message("python3 tools/convert_weights.py '", name, "' -o '",
                                            printable(converted), "' converts it")
                                  : "weights are safetensors files; docs/networks.md says more");
}

/// Refuses a checkpoint of a training and names the weights that the run has written beside it.
void refuse_checkpoint(const SafeTensors& file, const std::string& name) {
  const auto format = file.metadata.find("format");
  if (format == file.metadata.end() || !format->second.starts_with("pisr checkpoint")) {
    return;
  }
  const auto phase = file.metadata.find("phase");
  std::string beside;
  for (const char* ending : {".safetensors", "_last.safetensors"}) {
    if (phase != file.metadata.end()) {
      const std::filesystem::path weights =
          (std::filesystem::path(name).parent_path() / ".." / (phase->second + ending))
              .lexically_normal();
      std::error_code unreadable;
      if (std::filesystem::is_regular_file(weights, unreadable)) {
        beside += message(beside.empty() ? "'" : ", '", weights.string(), "'");
      }
    }
  }
  fail_weights(name, "is a checkpoint of a training, not weights",
               beside.empty() ? "its run has no weights yet: go on with pisr_train --resume"
                              : "the weights of its run: " + beside);
}

/// Strips what frameworks put before the name of every tensor, again and again.
void strip_prefixes(SafeTensors& file, const std::string& name, const Note& note) {
  std::string stripped;
  for (bool again = !file.tensors.empty(); again;) {
    again = false;
    for (const std::string prefix : {"module.", "_orig_mod.", "params_ema.", "params."}) {
      if (!std::ranges::all_of(file.tensors, [&](const auto& item) {
            return item.first.size() > prefix.size() && item.first.starts_with(prefix);
          })) {
        continue;
      }
      std::map<std::string, Tensor> tensors;
      for (const auto& [key, tensor] : file.tensors) {
        tensors.emplace(key.substr(prefix.size()), tensor);
      }
      file.tensors = std::move(tensors);
      stripped += prefix;
      again = true;
    }
  }
  if (!stripped.empty() && note) {
    note(message('\'', name, "': the prefix '", stripped,
                 "' of all names of its tensors is passed over"));
  }
}

}  // namespace

SafeTensors read_weight_file(const std::filesystem::path& path, const Note& note) {
  refuse_foreign_format(path);
  return as_weights(read_safetensors(path), path.string(), note);
}

SafeTensors as_weights(SafeTensors file, const std::string& name, const Note& note) {
  refuse_checkpoint(file, name);
  strip_prefixes(file, name, note);
  return file;
}

}  // namespace pisr
