#pragma once

#include <functional>
#include <string>

#include "core/safetensors.h"
#include "pisr/model/architectures.h"

namespace pisr {

/// What is known of weights that do not say in our words what they are.
struct ForeignWish {
  std::string architecture;  ///< only this network; empty: any
  /// One network of several that fit; empty: none is preferred.
  std::string preferred_architecture;
  int scale = 0;  ///< 0: not known
  /// Is told, in a line, that names did not tell; may be empty.
  std::function<void(const std::string&)> note = {};
};

/// The network that the tensors of a file are of, by their names and shapes: under our names, under
/// those that the rows of architectures.h list, and as their recognise() says. Every tensor must
/// fit. ForeignWeights::scale is that of the shapes where they fit a single one. Where the wish
/// names the network, unknown names are no hindrance: shapes and order then tell (tensor_order.h),
/// for the default of its numbers.
///
/// Throws Error(weights), which names the nearest network and what is different first, where none
/// fits, and which names them where several do.
ForeignWeights recognise(const SafeTensors& file, const std::string& name, const ForeignWish& wish);

}  // namespace pisr
