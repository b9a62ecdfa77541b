#pragma once

#include "pisr/model/encoder.h"
#include "pisr/model/fsrcnn.h"

namespace pisr {

/// PISR's teacher: an hourglass that sees the ground truth, privileged information at training
/// time. Parameters: those of Encoder below "encoder" and of Fsrcnn below "decoder".
class Teacher final : public Module {
 public:
  explicit Teacher(const FsrcnnOptions& decoder = {});

  Encoder& encoder() noexcept { return encoder_; }
  Fsrcnn& decoder() noexcept { return decoder_; }
  const Encoder& encoder() const noexcept { return encoder_; }
  const Fsrcnn& decoder() const noexcept { return decoder_; }

  struct Result {
    Variable output;   ///< Y^T [n, 1, h, w]
    Variable compact;  ///< X^ [n, 1, h / scale, w / scale]
    Variable feature;  ///< f_T [n, d, h / scale, w / scale]: the decoder's Fsrcnn::Result::feature
  };
  /// high [n, 1, h, w], luminance in 0..1; h and w are multiples of the scale.
  Result forward(const Variable& high) const;
  /// From high to Result::feature, all that distillation reads, with the parameters of now.
  ConvChain feature_chain() const;

 private:
  Encoder encoder_;
  Fsrcnn decoder_;
};

}  // namespace pisr
