// AVX-512 as of Skylake servers; kernels/CMakeLists.txt asks for it.
#ifdef __x86_64__
#ifndef __AVX512DQ__
#error "avx512.cpp has to be compiled for AVX-512"
#endif
#define PISR_EIGEN_LEVEL avx512
#define Eigen EigenAvx512
#include "kernels/eigen/level-inl.h"
#endif
