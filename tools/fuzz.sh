#!/usr/bin/env bash
# Builds the fuzz targets of tests/fuzz with Clang and runs each for a while, from the small corpus in tests/fuzz/corpus
# and what earlier runs found (build/fuzz/found). A finding is a failure; the input that shows it is kept there.
#
# usage: tools/fuzz.sh [SECONDS [TARGET...]]   (60 seconds each by default; 0: the corpus alone)
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -eq 0 ] || shift

if ! command -v clang++ >/dev/null; then
  echo "fuzz: skipped: no clang++"
  exit 0
fi
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$PWD} CCACHE_NOHASHDIR=1
CXX=clang++ cmake -S tests/fuzz -B build/fuzz -G Ninja -DCMAKE_CXX_COMPILER_LAUNCHER=ccache >/dev/null
cmake --build build/fuzz --parallel "$(nproc)" -- --quiet

# The kernels are not compiled with AddressSanitizer, so vectors that they grow are not marked as grown.
export ASAN_OPTIONS=detect_container_overflow=0
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for source in tests/fuzz/fuzz_*.cpp; do targets+=("$(basename "$source" .cpp)"); done
fi
for target in "${targets[@]}"; do
  found=build/fuzz/found/$target
  corpus=tests/fuzz/corpus/${target#fuzz_}
  mkdir -p "$found"
  limits=(-rss_limit_mb=1024 -malloc_limit_mb=256 -timeout=20 -print_final_stats=1 -artifact_prefix="$found/")
  if [ "$seconds" = 0 ]; then
    build/fuzz/"$target" "${limits[@]}" -runs=0 "$corpus" 2>&1 | tail -n 3
  else
    build/fuzz/"$target" "${limits[@]}" -max_len=4096 -max_total_time="$seconds" "$found" "$corpus" 2>&1 | tail -n 12
  fi
  echo "fuzz: $target: no finding"
done
