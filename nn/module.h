#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "core/parameter.h"
#include "core/tape.h"
#include "kernels/export.h"

namespace pisr {

class ConvChain;

/// The role of a parameter in its layer, which decides its initial value (nn/init.h). A linear
/// weight takes what another weight made, without an activation between them. Shares are those of a
/// weighted mean. A constant keeps the value that its layer or a file of weights gave it: nothing
/// trains it.
enum class ParameterRole {
  weight,
  transposed_weight,
  linear_weight,
  bias,
  slope,
  share,
  constant,
};

/// Whether it is the weight of a convolution.
constexpr bool is_weight(ParameterRole role) {
  return role == ParameterRole::weight || role == ParameterRole::transposed_weight ||
         role == ParameterRole::linear_weight;
}

/// A parameter with its name and what its initial value depends on.
struct NamedParameter {
  std::string name;  ///< path from the root, e.g. "mapping.0.weight"; the key in checkpoints
  Parameter* parameter;
  ParameterRole role;
  std::int64_t fan_in;  ///< products summed in one output of the layer; 0 without such sums
};

/// A part of a network: named parameters and children. Children are members of the derived class
/// and are registered in its constructor, so a module cannot be copied or moved.
class PISR_CORE_API Module {
 public:
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// All parameters below this module in the order of registration, own ones first.
  std::vector<NamedParameter> parameters() const;
  /// Number of scalars in them.
  std::int64_t parameter_count() const;
  /// false freezes the module: operations then treat its parameters as constants. Parameters of
  /// that role stay so for true.
  void set_trainable(bool trainable);
  /// Converts all parameters to `dtype` (before they are put into FlatParameters).
  void convert(DType dtype);
  /// Moves all parameters to `device`, or back to the host where it is null (before they are put
  /// into FlatParameters).
  void move_to(kernels::Device* device);

 protected:
  Module() = default;
  /// A parameter of zeros; the reference stays valid as long as the module.
  Parameter& add_parameter(std::string name, Shape shape, ParameterRole role,
                           std::int64_t fan_in = 0);
  void add_child(std::string name, Module& child);

 private:
  void collect(const std::string& prefix, std::vector<NamedParameter>& result) const;
  struct Own {
    std::string name;
    Parameter parameter;
    ParameterRole role;
    std::int64_t fan_in;
  };
  struct Child {
    std::string name;
    Module* module;
  };
  mutable std::deque<Own> own_;
  std::vector<Child> children_;
};

/// A module with one input and one output.
class PISR_CORE_API Layer : public Module {
 public:
  virtual Variable operator()(const Variable& x) const = 0;
  /// Appends this layer to a chain for inference. Throws Error(usage) unless it is a convolution, a
  /// PReLU, LeakyReLU or ReLU, or a sequence of them.
  virtual void append_to(ConvChain& chain) const;
};

}  // namespace pisr
