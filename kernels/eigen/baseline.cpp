// What every processor of the architecture has: SSE2, or NEON.
#define PISR_EIGEN_LEVEL baseline
#define Eigen EigenBaseline
#include "kernels/eigen/level-inl.h"
