#pragma once

#include <string_view>

namespace pisr {

/// The page's style sheet and script: the files of assets/, which cmake/EmbedFiles.cmake compiles
/// in.
std::string_view report_style();
std::string_view report_script();

}  // namespace pisr
