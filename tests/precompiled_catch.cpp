// CMake precompiles a header for sources that include it, and this one stands for those of all test
// programs.
#include "tests/catch.h"
