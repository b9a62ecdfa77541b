# pisr_bytes_of(OUT FILE...): the bytes of the files, one after another, as C++ writes them: "0x2f,0x2a,".
function(pisr_bytes_of out)
  set(all "")
  foreach(file IN LISTS ARGN)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    file(READ ${file} bytes HEX)
    string(REGEX REPLACE "(................................................................)" "\\1\n" bytes "${bytes}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    string(APPEND all "${bytes}\n")
  endforeach()
  set(${out} "${all}" PARENT_SCOPE)
endfunction()

# pisr_embed_text(TARGET HEADER FUNCTION FILE...) compiles the files into the target: FUNCTION() of HEADER returns them, one
# after another.
function(pisr_embed_text target header function)
  pisr_bytes_of(bytes ${ARGN})
  string(REGEX REPLACE "0x(..)," "'\\\\x\\1'," bytes "${bytes}")
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${function}.cpp)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[
// Made by cmake/EmbedFiles.cmake.
#include "@header@"

namespace pisr {
namespace {
constexpr char kText[] = {
@bytes@};
}  // namespace

std::string_view @function@() {
  return {kText, sizeof kText};
}

}  // namespace pisr
]])
  target_sources(${target} PRIVATE ${source})
endfunction()

# pisr_embed_weights(TARGET FOLDER) compiles each FOLDER/*.safetensors into the target: the array built_in_weights() of
# pisr/model/built_in_weights.h, by the names of the files.
function(pisr_embed_weights target folder)
  file(GLOB files CONFIGURE_DEPENDS ${folder}/*.safetensors)
  list(SORT files)
  set(arrays "")
  set(rows "")
  set(number 0)
  foreach(file IN LISTS files)
    get_filename_component(name ${file} NAME_WLE)
    pisr_bytes_of(bytes ${file})
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
