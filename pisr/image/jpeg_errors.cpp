#include "pisr/image/jpeg_errors.h"

#include <jerror.h>

namespace pisr {
namespace {

/// libjpeg only warns of damage and fills the rest with grey; here that is an error. Stray bytes
/// between segments, which some cameras write, and an unknown transform are not damage.
void on_message(j_common_ptr jpeg, int level) {
  const int code = jpeg->err->msg_code;
  if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_ADOBE_XFORM) {
    fail_in_jpeg(jpeg);
  }
}

}  // namespace

void start_jpeg_errors(JpegErrors& errors) {
  jpeg_std_error(&errors.manager);
  errors.manager.error_exit = fail_in_jpeg;
  errors.manager.emit_message = on_message;
}

void fail_in_jpeg(j_common_ptr jpeg) {
  auto* errors = reinterpret_cast<JpegErrors*>(jpeg->err);
  if (errors->at_end || errors->manager.msg_code == JWRN_HIT_MARKER) {
    std::snprintf(errors->text.data(), errors->text.size(), "truncated");
  } else {
    errors->manager.format_message(jpeg, errors->text.data());
  }
  std::longjmp(errors->jump, 1);
}

}  // namespace pisr
