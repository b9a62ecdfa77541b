#include "pisr/teacher.h"

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

Variable Teacher::feature(const Variable& high) const {
  return decoder_.feature(encoder_.forward(high));
}

}  // namespace pisr
