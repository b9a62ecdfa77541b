#include "kernels/cpu/cpu.h"
#include "kernels/instantiate.h"
#include "kernels/naive/naive.h"

// Lets the library link until kernels/cpu/conv*.cpp exist; CMakeLists.txt drops it then.
namespace pisr::kernels::cpu {

#define PISR_PLAIN(name, Args)                \
  template <class T>                          \
  void name(Queue& queue, const Args<T>& a) { \
    naive::name(queue, a);                    \
  }                                           \
  PISR_INSTANTIATE(name, Args)

PISR_PLAIN(conv2d, ConvArgs)
PISR_PLAIN(conv2d_backward_data, ConvBackwardDataArgs)
PISR_PLAIN(conv2d_backward_weight, ConvBackwardWeightArgs)
PISR_PLAIN(conv_transpose2d, ConvArgs)
PISR_PLAIN(conv_transpose2d_backward_data, ConvBackwardDataArgs)
PISR_PLAIN(conv_transpose2d_backward_weight, ConvBackwardWeightArgs)

}  // namespace pisr::kernels::cpu
