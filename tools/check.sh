#!/usr/bin/env bash
# Everything a change must pass: format and length of sentences, a build with warnings as errors, no spills in the
# innermost loops, all tests, and the mutations that remove barriers from CUDA kernels. All tests again under
# AddressSanitizer and UndefinedBehaviorSanitizer, the threaded ones under ThreadSanitizer. Where an ARM cross compiler
# and qemu are installed, also the CPU kernels on NEON.
# usage: tools/check.sh [--quick]   (--quick: no mutations, no sanitizers)
set -euo pipefail
cd "$(dirname "$0")/.."

bash tools/install_deps.sh

step() { printf '\n[%4ds] %s\n' "$SECONDS" "$*"; }

step "format"
git ls-files '*.h' '*.cpp' '*.cu' | xargs clang-format --dry-run --Werror
step "the longest sentences of the documentation"
python3 tools/longest_sentences.py --count 3

build() { # build PRESET [TARGET...]
  local preset=$1
  shift
  cmake --preset "$preset" -DCMAKE_CXX_COMPILER_LAUNCHER=ccache >/dev/null
  cmake --build --preset "$preset" --parallel "$(nproc)" ${*:+--target "$@"} -- --quiet
}

verified=docs/gpu_verified.json
if [ ! -f $verified ]; then
  echo "warning: no GPU has verified these kernels (tools/gpu_check.sh)"
elif ! grep -q "\"kernels\": \"$(bash tools/kernel_hash.sh)\"" $verified; then
  echo "warning: $verified is of other kernels than these: run tools/gpu_check.sh where a GPU is"
fi

step "CUDA kernels with nvcc"
bash tools/check_cuda.sh

if command -v nvcc >/dev/null; then
  step "a program with CUDA, and its start without a device"
  CMAKE_CUDA_COMPILER_LAUNCHER=ccache cmake --preset cuda -B build/check-cuda -DCMAKE_CXX_COMPILER_LAUNCHER=ccache \
    -DPISR_TESTS=OFF -DPISR_BENCHMARKS=OFF -DPISR_WERROR=ON -DCMAKE_CUDA_ARCHITECTURES=90-real >/dev/null
  cmake --build build/check-cuda --parallel "$(nproc)" --target pisr_upscale -- --quiet
  bash tools/check_cuda_start.sh build/check-cuda/tools
fi

step "build (dev)"
build dev
step "the accumulators of the convolutions stay in registers"
objdump -d --no-show-raw-insn "$(find build/dev/kernels -name conv_vector_ops.cpp.o)" | awk -f tools/spilled_loops.awk
step "tests (dev)"
ctest --preset dev

if [ "${1:-}" != --quick ]; then
  step "mutation: CUDA kernels without one of their barriers"
  bash tests/kernels/mutate_barriers.sh build/dev
  step "NEON, under qemu"
  bash tools/check_neon.sh
  step "build (asan)"
  build asan
  step "tests (AddressSanitizer, UndefinedBehaviorSanitizer)"
  ctest --preset asan
  step "build (tsan)"
  build tsan
  step "threaded tests (ThreadSanitizer)"
  ctest --preset tsan
fi
step "all checks passed"
