#include "pisr/model/weight_shapes.h"

#include <algorithm>
#include <cstdint>

#include "core/error.h"

namespace pisr {

int extent_of(const Tensors& tensors, const std::string& name, int axis) {
  constexpr std::int64_t kTooMany = 1 << 20;
  const auto found = tensors.find(name);
  if (found == tensors.end() || axis >= found->second.shape().rank()) {
    return 0;
  }
  return static_cast<int>(std::min(found->second.shape()[axis], kTooMany));
}

int first_extent(const Tensors& tensors, const std::string& name) {
  const auto found = tensors.find(name);
  return found != tensors.end() && found->second.shape().rank() == 0 ? 1
                                                                     : extent_of(tensors, name, 0);
}

bool has_shape(const Tensors& tensors, const std::string& name, const Shape& shape) {
  const auto found = tensors.find(name);
  return found != tensors.end() && found->second.shape() == shape;
}

int layers_of(const Tensors& tensors, const std::string& prefix) {
  return layers_of(tensors, prefix + ".", 0);
}

int layers_of(const Tensors& tensors, const std::string& prefix, int first) {
  int layers = 0;
  while (tensors.contains(message(prefix, first + layers, ".weight"))) {
    ++layers;
  }
  return layers;
}

int shuffle_scale(const Tensors& tensors, const std::string& name, int channels) {
  const int outputs = extent_of(tensors, name, 0);
  for (const int scale : {2, 3, 4}) {
    if (outputs > 0 && outputs == channels * scale * scale) {
      return scale;
    }
  }
  return 0;
}

}  // namespace pisr
