#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "kernels/export.h"
#include "nn/module.h"

namespace pisr {

/// A module and the prefix of its names.
struct NamedModule {
  std::string name;  ///< prefix of its parameters' names; none when empty
  Module* module;
};

/// The trainable parameters of one or several modules in one flat buffer: one call of Adam, one
/// norm and one copy serve them all. Each Parameter::value becomes a view of the buffer, at
/// Parameter::offset. The buffer lies where the parameters do. The modules must outlive the object,
/// and a parameter can belong to one object only.
class PISR_CORE_API FlatParameters {
 public:
  /// A parameter in the buffer.
  struct Entry {
    std::string name;  ///< e.g. "student.feature.weight"; the key in checkpoints
    Shape shape;
    std::int64_t offset;  ///< of its first number in the buffer
  };

  /// Throws Error(usage) when there is nothing to train, a parameter is in another FlatParameters,
  /// a name occurs twice, or element types or devices differ.
  explicit FlatParameters(const std::vector<NamedModule>& modules);

  std::int64_t count() const noexcept { return values_.count(); }
  DType dtype() const noexcept { return values_.dtype(); }
  /// [count()]: the numbers themselves, not a copy.
  const Tensor& values() const noexcept { return values_; }
  const std::vector<Entry>& entries() const noexcept { return entries_; }

  /// Zeros of the size of values(), on the same device: for a gradient, a moment or an average.
  Tensor make_gradient() const { return Tensor::zeros({count()}, dtype(), values_.device()); }
  /// The part of a buffer as large as values() that belongs to `entry`, under its shape; shared.
  static Tensor part(const Tensor& flat, const Entry& entry) {
    return flat.slice_flat(entry.offset, entry.shape);
  }

 private:
  std::vector<Entry> entries_;
  Tensor values_;
};

}  // namespace pisr
