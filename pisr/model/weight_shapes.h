#pragma once

#include <map>
#include <string>

#include "core/tensor.h"

/// What the names and shapes of tensors tell of the network that they are of. Missing tensors and
/// odd shapes are no errors here: what they tell fits no network then.
namespace pisr {

using Tensors = std::map<std::string, Tensor>;

/// An extent of a tensor, within 0 to 2^20; 0 where there is no such tensor or axis.
int extent_of(const Tensors& tensors, const std::string& name, int axis);
/// The first one; 1 for a tensor without axes.
int first_extent(const Tensors& tensors, const std::string& name);
bool has_shape(const Tensors& tensors, const std::string& name, const Shape& shape);
/// How many layers "PREFIX.0.weight", "PREFIX.1.weight", ... there are.
int layers_of(const Tensors& tensors, const std::string& prefix);
/// How many "PREFIXn.weight" there are, counted from `first`.
int layers_of(const Tensors& tensors, const std::string& prefix, int first);
/// By how much the pixel shuffle behind a convolution [channels scale^2, c, kh, kw] enlarges; 0
/// where that is not 2, 3 or 4.
int shuffle_scale(const Tensors& tensors, const std::string& name, int channels);

}  // namespace pisr
