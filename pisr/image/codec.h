#pragma once
// What the file formats share; not a header for users of the library, who include image_io.h.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "pisr/image/image_io.h"

namespace pisr {

using Bytes = std::span<const std::byte>;

/// Each throws Error(input) or Error(memory) that names `name`; `file` starts with the format's
/// signature.
AnyImage decode_png(Bytes file, const std::string& name, const ReadLimits& limits);
Image8 decode_jpeg(Bytes file, const std::string& name, const ReadLimits& limits);
Image8 decode_bmp(Bytes file, const std::string& name, const ReadLimits& limits);

/// Throws Error(input) `cannot decode 'NAME': REASON`. Characters that would break the line, or
/// that a damaged file put into a library's message, are shown as '?'.
[[noreturn]] void fail_to_decode(const std::string& name, std::string reason);

/// Throws Error(memory) where a declared size exceeds the limit, Error(input) where a side is zero.
void check_declared_size(std::int64_t width, std::int64_t height, const std::string& name,
                         const ReadLimits& limits);

}  // namespace pisr
