# pisr_embed_weights(TARGET FOLDER) compiles each FOLDER/*.safetensors into the target: the array built_in_weights() of
# pisr/model/built_in_weights.h, by the names of the files.
function(pisr_embed_weights target folder)
  file(GLOB files CONFIGURE_DEPENDS ${folder}/*.safetensors)
  list(SORT files)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${files})
  set(arrays "")
  set(rows "")
  set(number 0)
  foreach(file IN LISTS files)
    get_filename_component(name ${file} NAME_WLE)
    file(READ ${file} bytes HEX)
    string(REGEX REPLACE "(................................................................)" "\\1\n" bytes "${bytes}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    string(APPEND arrays "alignas(8) constexpr unsigned char kFile${number}[] = {\n${bytes}};\n")
    string(APPEND rows "      {\"${name}\", std::as_bytes(std::span(kFile${number}))},\n")
    math(EXPR number "${number} + 1")
  endforeach()
  set(source ${CMAKE_CURRENT_BINARY_DIR}/built_in_weights.cpp)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[
// Made by cmake/EmbedFiles.cmake.
#include "pisr/model/built_in_weights.h"

#include <array>

namespace pisr {
namespace {
@arrays@}  // namespace

std::span<const BuiltInWeights> built_in_weights() {
  static const std::array<BuiltInWeights, @number@> kWeights = {{
@rows@  }};
  return kWeights;
}

}  // namespace pisr
]])
  target_sources(${target} PRIVATE ${source})
endfunction()
