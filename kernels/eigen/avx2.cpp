// AVX2 with FMA; kernels/CMakeLists.txt asks for them.
#ifdef __x86_64__
#ifndef __FMA__
#error "avx2.cpp has to be compiled for AVX2 and FMA"
#endif
#define PISR_EIGEN_LEVEL avx2
#define Eigen EigenAvx2
#include "kernels/eigen/level-inl.h"
#endif
