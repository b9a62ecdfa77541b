// conv_chain in half precision: the choice between the fused network and stage by stage.

#include "kernels/cuda/conv/conv_tf32_kernels.h"
#include "kernels/cuda/fsrcnn/fused_fsrcnn.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {

void conv_chain_fp16(Launcher& launcher, const ConvChainArgs<float>& args) {
  if (!fused_fsrcnn_takes(args)) {
    conv_chain_tf32(launcher, args);
    return;
  }
  const unsigned* packed =
      prepare<unsigned>(launcher, args.cache, kFsrcnnWords,
                        [&](unsigned* memory) { pack_fsrcnn(launcher, args, memory); });
  const ConvSizes& first = args.stages[0].sizes;
  fused_fsrcnn(launcher, {first.batch, first.in_height, first.in_width,
                          args.stages[args.count - 1].sizes.stride, args.x, packed, args.y});
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
