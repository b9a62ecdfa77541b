#include "pisr/model/teacher.h"

namespace pisr {

Teacher::Teacher(const FsrcnnOptions& decoder) : encoder_(decoder), decoder_(decoder) {
  add_child("encoder", encoder_);
  add_child("decoder", decoder_);
}

Teacher::Result Teacher::forward(const Variable& high) const {
  const Variable compact = encoder_.forward(high);
  const Fsrcnn::Result decoded = decoder_.forward(compact);
  return {decoded.output, compact, decoded.feature};
}

ConvChain Teacher::feature_chain() const {
  ConvChain chain;
  encoder_.append_to(chain);
  decoder_.append_feature_to(chain);
  return chain;
}

}  // namespace pisr
