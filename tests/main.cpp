// The one translation unit that holds Catch2's main (version 2 is header-only, version 3 a
// library).
#define CATCH_CONFIG_MAIN
#include "tests/catch.h"
