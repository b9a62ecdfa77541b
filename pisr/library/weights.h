#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "kernels/export.h"

namespace pisr {

class SrNetwork;

/// A trained network that enlarges images. Cheap to copy; the copies share its parameters, which
/// nobody changes, so that several threads may use them.
class PISR_API Weights {
 public:
  /// Those that are part of the library, called MODEL_xSCALE; the default model without a name.
  /// Throws Error weights, with the names there are as the hint, where there are none such.
  static Weights builtin(int scale, const std::string& model = "");
  /// The names of all that are part of the library: "pisr-plain_x2", ...
  static std::vector<std::string> builtin_names();

  /// A safetensors file. Scale 0 is what the file tells; it must agree with any other. Throws Error
  /// weights, one line that names the tensor or entry, what is wanted and what was found.
  static Weights load(const std::filesystem::path& file, int scale = 0);
  /// The same of `count` bytes in memory; `name` stands for them in error texts. The bytes are not
  /// needed afterwards.
  static Weights parse(const void* bytes, std::size_t count, const std::string& name,
                       int scale = 0);

  int scale() const noexcept;  ///< 2, 3 or 4
  /// 1: the network sees luminance, and chroma is enlarged by bicubic interpolation. 3: RGB.
  int channels() const noexcept;
  const std::string& architecture() const noexcept;  ///< its name in configurations
  std::string title() const;                         ///< as people write it: "Plain(16, 4)"
  std::int64_t parameter_count() const;

 private:
  friend class Upscaler;
  explicit Weights(std::shared_ptr<const SrNetwork> network) : network_(std::move(network)) {}
  std::shared_ptr<const SrNetwork> network_;
};

}  // namespace pisr
