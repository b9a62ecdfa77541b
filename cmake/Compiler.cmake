# Warnings, sanitizers and the flags every target of the project shares (none of them reaches a user's target).

add_library(pisr_flags INTERFACE)
if(NOT BUILD_SHARED_LIBS)
  target_compile_definitions(pisr_flags INTERFACE PISR_STATIC)
endif()
if(CMAKE_CXX_COMPILER_FRONTEND_VARIANT STREQUAL MSVC OR MSVC)
  # MSVC and clang-cl; docs/portability.md tells what of the project they can compile.
  target_compile_options(pisr_flags INTERFACE /W4 /permissive- /utf-8 /Zc:__cplusplus /fp:precise
    $<$<CXX_COMPILER_ID:MSVC>:/Zc:preprocessor> $<$<CXX_COMPILER_ID:Clang>:/clang:-ffp-contract=off>
    $<$<BOOL:${PISR_WERROR}>:/WX>)
  target_compile_definitions(pisr_flags INTERFACE NOMINMAX WIN32_LEAN_AND_MEAN _CRT_SECURE_NO_WARNINGS)
else()
  # GCC, Clang and Apple's. Contraction would let two builds of the same source differ in the last bit; kernels ask for
  # fused multiply-adds by name.
  target_compile_options(pisr_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -ffp-contract=off
    $<$<BOOL:${PISR_WERROR}>:-Werror>)
endif()
if(PISR_SANITIZE)
  target_compile_options(pisr_flags INTERFACE -fsanitize=${PISR_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  # Of these, AddressSanitizer sees the access, and a check of every pointer takes a quarter of the compilation.
  if(PISR_SANITIZE MATCHES "address.*undefined")
    target_compile_options(pisr_flags INTERFACE -fno-sanitize=null,object-size,vptr)
  endif()
  add_link_options(-fsanitize=${PISR_SANITIZE})
  # Sanitizers multiply the time to compile an instruction set. SSE4 has the vectors of the portable version, so it reads
  # and writes in the same places. Threads share memory in the same way whatever the vectors.
  if(PISR_SANITIZE MATCHES "thread")
    target_compile_definitions(pisr_flags INTERFACE "PISR_LEFT_OUT_TARGETS=(HWY_SSE4|HWY_AVX3)")
  else()
    target_compile_definitions(pisr_flags INTERFACE PISR_LEFT_OUT_TARGETS=HWY_SSE4)
  endif()
endif()

# An object library of all sources of the folder it is called in (sub-folders are named by the caller).
function(pisr_layer name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  foreach(folder IN LISTS ARGN)
    file(GLOB more CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.cpp)
    list(APPEND sources ${more})
  endforeach()
  add_library(${name} OBJECT ${sources})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${name} PRIVATE PISR_BUILDS_CORE)
  target_link_libraries(${name} PRIVATE pisr_flags)
endfunction()
