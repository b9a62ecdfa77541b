# PISR_CUDA: AUTO builds the CUDA back end where nvcc is found, ON insists on it. Sets PISR_BUILD_CUDA.

set(PISR_CUDA AUTO CACHE STRING "CUDA back end: AUTO, ON or OFF")
set_property(CACHE PISR_CUDA PROPERTY STRINGS AUTO ON OFF)
set(PISR_BUILD_CUDA OFF)
if(PISR_CUDA)
  include(CheckLanguage)
  # Before the language is enabled. Without suffix also as PTX, for newer cards.
  set(CMAKE_CUDA_ARCHITECTURES 80-real 86-real 90 CACHE STRING "Architectures of the CUDA back end")
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    set(CMAKE_CUDA_STANDARD 17)  # CMake 3.25 knows no later one for nvcc
    set(CMAKE_CUDA_STANDARD_REQUIRED ON)
    find_package(CUDAToolkit REQUIRED)
    set(PISR_BUILD_CUDA ON)
  elseif(NOT PISR_CUDA STREQUAL "AUTO")
    message(FATAL_ERROR "PISR_CUDA=${PISR_CUDA}: no working nvcc on PATH or in CUDACXX; PISR_CUDA=OFF builds for the CPU only.")
  endif()
endif()
message(STATUS "CUDA back end: ${PISR_BUILD_CUDA}")
