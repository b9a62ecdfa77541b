#!/usr/bin/env bash
# Runs a test with the Python that has the packages of tests/tools/requirements.txt. Without it the test is skipped with
# exit code 77, or fails where PISR_REQUIRE_CHECKERS or PISR_REQUIRE_SHARED is 1.
# usage: with_test_python.sh PYTHON SCRIPT [ARGUMENT...]
set -euo pipefail
python=$1
shift
if ! "$python" -c 'import numpy, onnx, onnxruntime' 2>/dev/null; then
  echo "SKIPPED: no $python with numpy, onnx and onnxruntime: tools/install_deps.sh makes it"
  if [ "${PISR_REQUIRE_CHECKERS:-0}" = 1 ] || [ "${PISR_REQUIRE_SHARED:-0}" = 1 ]; then
    exit 1
  fi
  exit 77
fi
PYTHONDONTWRITEBYTECODE=1 exec "$python" "$@"
