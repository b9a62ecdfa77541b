#!/usr/bin/env bash
# Everything a change must pass, on the CPU alone. Without an option, in ten minutes on two processors: format, length of
# sentences, the reference of the headers, a build with warnings as errors, no spills in the innermost loops, and all
# tests, with CUDA kernels emulated at small shapes.
#
# usage: tools/check.sh [--all | --rest | --ports]
#   --all    also what the next two do
#   --rest   what takes longer, three quarters of an hour in all, where the check without an option has just passed: the
#            CUDA kernels with nvcc, a program with CUDA, installed libraries and what is linked with them, the Python
#            wheel, video through ffmpeg, peak memory, valgrind, the compiled PTX executed, mutations that remove barriers,
#            long tests, NEON under qemu, all tests under AddressSanitizer and UndefinedBehaviorSanitizer, the threaded
#            ones under ThreadSanitizer
#   --ports  other builds, another half hour: programs of users with CUDA, fuzz targets,
#             no optional dependencies, Clang, packages
#
# Steps whose compiler is missing are skipped, which is said. PISR_REQUIRE_SHARED=1 makes it a failure when a test
# lacks its data or rights. Seconds of each step are printed at the end.
set -euo pipefail
cd "$(dirname "$0")/.."

first=1 rest=0 ports=0
case ${1:-} in
  '') ;;
  --all) rest=1 ports=1 ;;
  --rest) first=0 rest=1 ;;
  --ports) first=0 ports=1 ;;
  *)
    echo "check: error: unknown option '$1' (--all, --rest, --ports)" >&2
    exit 2
    ;;
esac

steps=() seconds=() started=0
finish_step() {
  [ ${#steps[@]} -eq ${#seconds[@]} ] || seconds+=($((SECONDS - started)))
}
step() { # step NAME: what follows belongs to it
  finish_step
  steps+=("$1")
  started=$SECONDS
  printf '\n[%4ds] %s\n' "$SECONDS" "$1"
}
passed=0
print_seconds() {
  finish_step
  printf '\nseconds a step:\n'
  for i in "${!steps[@]}"; do printf '%6d  %s\n' "${seconds[i]}" "${steps[i]}"; done
  printf '%6d  in all: %s\n' "$SECONDS" "$([ $passed = 1 ] && echo "all checks passed" || echo "FAILED in '${steps[-1]}'")"
}
trap print_seconds EXIT

# Tests of exported networks need programs of others, which install_deps.sh installs.
export PISR_REQUIRE_CHECKERS=1
# The same source with the same flags is compiled once, though several folders are built in.
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$PWD} CCACHE_NOHASHDIR=1
# ccache asks for this where a header is precompiled, as that of the tests is.
export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-pch_defines,time_macros}
build() { # build PRESET [TARGET...]
  local preset=$1
  shift
  cmake --preset "$preset" -DCMAKE_CXX_COMPILER_LAUNCHER=ccache >/dev/null
  cmake --build --preset "$preset" --parallel "$(nproc)" ${*:+--target "$@"} -- --quiet
}

# The flags of the preset dev, for builds that then need not compile the library again.
as_dev=(-DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O2 -g1")

step "packages"
bash tools/install_deps.sh

if [ $first = 1 ]; then
  step "format"
  git ls-files '*.h' '*.cpp' '*.cu' | xargs -P "$(nproc)" -n 40 clang-format --dry-run --Werror
  step "the longest sentences of the documentation"
  python3 tools/longest_sentences.py --count 3
  step "reference of the headers"
  bash tools/make_docs.sh

  verified=docs/gpu_verified.json
  if [ ! -f $verified ]; then
    echo "warning: no GPU has verified these kernels (tools/gpu_check.sh)"
  elif ! grep -q "\"kernels\": \"$(bash tools/kernel_hash.sh)\"" $verified; then
    echo "warning: $verified is of other kernels than these: run tools/gpu_check.sh where a GPU is"
  fi

  step "build (dev)"
  build dev
  step "the accumulators of the convolutions stay in registers"
  objdump -d --no-show-raw-insn "$(find build/dev/kernels -name conv_vector_ops.cpp.o)" | awk -f tools/spilled_loops.awk
  step "tests (dev)"
  ctest --preset dev --parallel "$(nproc)"
fi

if [ $rest = 1 ]; then
  step "CUDA kernels with nvcc"
  bash tools/check_cuda.sh
  if command -v nvcc >/dev/null; then
    step "a program with CUDA, and its start without a device"
    CMAKE_CUDA_COMPILER_LAUNCHER=ccache cmake --preset dev -B build/check-cuda -DCMAKE_CXX_COMPILER_LAUNCHER=ccache \
      -DPISR_CUDA=ON -DPISR_TESTS=OFF -DPISR_BENCHMARKS=OFF -DCMAKE_CUDA_ARCHITECTURES=90-real >/dev/null
    cmake --build build/check-cuda --parallel "$(nproc)" --target pisr_upscale -- --quiet
    bash tools/check_cuda_start.sh build/check-cuda/tools
  fi
  step "programs of users: the libraries installed, static and shared"
  bash tests/consumers/check_consumers.sh build/check-consumers -DPISR_CUDA=OFF "${as_dev[@]}"
  step "the Python wheel"
  bash tests/python/check_wheel.sh build/check-wheel build/dev/tools/pisr_upscale \
    -Ccmake.build-type=RelWithDebInfo -Ccmake.define.CMAKE_CXX_FLAGS_RELWITHDEBINFO="-O2 -g1"
  step "video through ffmpeg"
  bash tools/check_video.sh build/dev
  step "peak memory of pisr_upscale"
  python3 tests/tools/upscale_memory_test.py build/dev/tools/pisr_upscale 8000
  step "uninitialised bytes, under valgrind"
  bash tools/check_uninitialised.sh build/dev
  step "the compiled PTX, executed on the CPU"
  bash tests/ptx/check_ptx.sh build/dev
  step "long tests"
  build/dev/tests/test_pisr '[long]'
  PISR_KILLS=20 build/dev/tests/test_tools '*kill -9*'
  step "mutation: CUDA kernels without one of their barriers"
  bash tests/kernels/mutate_barriers.sh build/dev
  step "NEON, under qemu"
  PISR_CHECK_NEON=${PISR_CHECK_NEON:-1} bash tools/check_neon.sh
  step "build (asan)"
  build asan
  step "tests (AddressSanitizer, UndefinedBehaviorSanitizer)"
  ctest --preset asan --parallel "$(nproc)"
  step "build (tsan)"
  build tsan
  step "threaded tests (ThreadSanitizer)"
  ctest --preset tsan --parallel "$(nproc)"
fi
if [ $ports = 1 ]; then
  if command -v nvcc >/dev/null; then
    step "programs of users, with CUDA"
    CMAKE_CUDA_COMPILER_LAUNCHER=ccache bash tests/consumers/check_consumers.sh build/check-consumers-cuda \
      -DPISR_CUDA=ON -DCMAKE_CUDA_ARCHITECTURES=90-real "${as_dev[@]}"
  fi
  step "fuzz targets, from their corpora"
  bash tools/fuzz.sh 0
  step "without the optional dependencies"
  build minimal test_core test_pisr test_tools
  ctest --preset minimal --parallel "$(nproc)" -R '^(core|pisr|tools)$'
  step "Clang: library and programs"
  build clang pisr pisr_bench pisr_eval pisr_report pisr_train pisr_upscale test_core test_nn
  ctest --preset clang --parallel "$(nproc)" -R '^(core|nn)$'
  { printf 'P5\n64 48\n255\n' && head -c 3072 pisr/weights/pisr-plain_x2.safetensors; } >build/clang/noise.pgm
  for compiler in dev clang; do
    build/$compiler/tools/pisr_upscale -i build/clang/noise.pgm -o build/clang/$compiler.pgm -s 2 --overwrite -q
  done
  cmp build/clang/dev.pgm build/clang/clang.pgm
  step "Debian packages and an archive"
  cmake --preset package -B build/check-packages -DBUILD_SHARED_LIBS=OFF -DPISR_WERROR=ON "${as_dev[@]}" \
    -DCMAKE_CXX_COMPILER_LAUNCHER=ccache >/dev/null
  cmake --build build/check-packages --parallel "$(nproc)" -- --quiet
  bash packaging/check_packages.sh build/check-packages
fi
passed=1
