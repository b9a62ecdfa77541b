#pragma once

#include "kernels/eigen/conv-inl.h"
#include "kernels/eigen/eigen.h"
#include "kernels/eigen/pointwise-inl.h"

namespace pisr::kernels::eigen::PISR_EIGEN_LEVEL {

template <class T>
KernelTable<T> eigen_kernels(KernelTable<T> own) {
  own.conv2d = conv2d;
  own.conv2d_backward_data = conv2d_backward_data;
  own.conv2d_backward_weight = conv2d_backward_weight;
  own.conv_transpose2d = conv_transpose2d;
  own.conv_transpose2d_backward_data = conv_transpose2d_backward_data;
  own.conv_transpose2d_backward_weight = conv_transpose2d_backward_weight;
  own.unary = unary;
  own.unary_backward = unary_backward;
  own.prelu = prelu;
  own.prelu_backward = prelu_backward;
  return own;
}

template KernelTable<float> eigen_kernels(KernelTable<float> own);
template KernelTable<double> eigen_kernels(KernelTable<double> own);

}  // namespace pisr::kernels::eigen::PISR_EIGEN_LEVEL
