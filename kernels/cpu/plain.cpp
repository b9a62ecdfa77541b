#include "kernels/cpu/cpu.h"
#include "kernels/instantiate.h"
#include "kernels/naive/naive.h"

// Kernels that have no vectorised version yet.
namespace pisr::kernels::cpu {

#define PISR_PLAIN(name, Args)                \
  template <class T>                          \
  void name(Queue& queue, const Args<T>& a) { \
    naive::name(queue, a);                    \
  }                                           \
  PISR_INSTANTIATE(name, Args)

PISR_PLAIN(unary, UnaryArgs)
PISR_PLAIN(unary_backward, UnaryBackwardArgs)
PISR_PLAIN(affine, AffineArgs)
PISR_PLAIN(binary, BinaryArgs)
PISR_PLAIN(binary_backward, BinaryBackwardArgs)
PISR_PLAIN(prelu, PreluArgs)
PISR_PLAIN(prelu_backward, PreluBackwardArgs)
PISR_PLAIN(sum, SumArgs)
PISR_PLAIN(spread_scalar, SpreadScalarArgs)
PISR_PLAIN(plane_statistic, PlaneStatisticArgs)
PISR_PLAIN(plane_statistic_backward, PlaneStatisticBackwardArgs)
PISR_PLAIN(copy_blocks, CopyBlocksArgs)
PISR_PLAIN(pixel_shuffle, PixelShuffleArgs)
PISR_PLAIN(pixel_shuffle_backward, PixelShuffleBackwardArgs)
PISR_PLAIN(block_mean, BlockMeanArgs)
PISR_PLAIN(block_mean_backward, BlockMeanBackwardArgs)
PISR_PLAIN(loss, LossArgs)
PISR_PLAIN(loss_backward, LossBackwardArgs)
PISR_PLAIN(adam, AdamArgs)
PISR_PLAIN(sum_squares, SumSquaresArgs)

}  // namespace pisr::kernels::cpu
