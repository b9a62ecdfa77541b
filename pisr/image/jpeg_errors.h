#pragma once
// How libjpeg's errors come back to C++. Not for users of the library.
//
// On an error libjpeg leaves a function by our longjmp. Every setjmp therefore stands in a function
// with trivial locals only: what needs a destructor lives in the caller or in a struct. No
// exception may pass through libjpeg: the callbacks keep it in `failure`.

#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdio>  // before jpeglib.h, which needs it
#include <exception>

#include <jpeglib.h>

namespace pisr {

/// Where libjpeg puts its errors.
struct JpegErrors {
  jpeg_error_mgr manager{};  // first: libjpeg's pointer to it is a pointer to this struct
  std::jmp_buf jump{};
  std::array<char, JMSG_LENGTH_MAX> text{};  ///< of the error
  std::exception_ptr failure;                ///< of a source or sink, which comes before the text
  bool at_end = false;                       ///< the source has no more bytes
};

/// Makes libjpeg report to `errors`. A warning that samples are damaged is an error, too.
void start_jpeg_errors(JpegErrors& errors);

/// Leaves libjpeg by the longjmp to errors.jump.
[[noreturn]] void fail_in_jpeg(j_common_ptr jpeg);

}  // namespace pisr
