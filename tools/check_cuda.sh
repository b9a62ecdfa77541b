#!/usr/bin/env bash
# Compiles the CUDA kernels with nvcc for several architectures: warnings are errors, spilled registers
# fail. Prints the registers of each kernel. Nothing is run: no GPU is needed.
# usage: tools/check_cuda.sh [ARCHITECTURE...]   (default: 80 86 90; PTX of the last is kept as well)
set -euo pipefail
cd "$(dirname "$0")/.."
# nvcc's PTX of today does not show it: without this a compiler may read shared memory before the copies have arrived.
if ! sed -n '/void copy_wait() {$/,/^}/p' kernels/cuda/language.h | grep -q 'asm volatile.*"memory"'; then
  echo "check_cuda: error: copy_wait() in kernels/cuda/language.h does not say that it changes memory" >&2
  exit 1
fi
if ! command -v nvcc >/dev/null; then
  echo "check_cuda: skipped: no nvcc on PATH"
  exit 0
fi
architectures=("$@")
if [ $# -eq 0 ]; then
  architectures=(80 86 90)
fi
flags=()
for architecture in "${architectures[@]}"; do
  flags+=(-gencode "arch=compute_$architecture,code=sm_$architecture")
done
flags+=(-gencode "arch=compute_$architecture,code=compute_$architecture")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
compile() { # compile SOURCE
  local log
  log=$folder/$(basename "$1").log
  # shellcheck disable=SC2086
  if ! nvcc -std=c++17 -O3 -I. -Xcompiler -Wall,-Wextra -Werror all-warnings $code \
    -Xptxas -v,-warn-spills,-warn-lmem-usage -c "$1" -o "${log%.log}.o" >"$log" 2>&1; then
    cat "$log" >&2
    echo "check_cuda: error: $1 does not compile" >&2
    return 1
  fi
}
export folder code="${flags[*]}"
export -f compile
find kernels/cuda -name '*.cu' | xargs -P "$(nproc)" -I{} bash -c 'compile {}'
cat "$folder"/*.log | c++filt | awk '
  /Compiling entry function/ { split($0, word, "\047"); name = word[2]; target = word[4] }
  /bytes spill stores/ { spills = $5 + $9 }
  /Used [0-9]+ registers/ {
    ++kernels[target]
    for (i = 1; i < NF; ++i) if ($i == "Used") registers = $(i + 1)
    if (registers > most[target]) most[target] = registers
    if (spills > 0) { print "check_cuda: error: spills " spills " bytes: " target " " name; failed = 1 }
    if (name ~ /conv_|fsrcnn/) { gsub(/pisr::kernels::cuda::|\(anonymous namespace\)::/, "", name); print target, registers " registers", spills " spilled", name }
  }
  END {
    for (t in kernels) { print t ": " kernels[t] " kernels, at most " most[t] " registers"; ++targets }
    exit failed || !targets
  }'
