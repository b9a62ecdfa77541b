#!/usr/bin/env bash
# Checks what only a GPU can show, in at most ten minutes. Builds for the GPU of this machine, runs the kernel case
# tables and training steps on it, compares speed with cuDNN and PyTorch, and looks for races and invalid accesses with
# compute-sanitizer. Writes every figure to docs/gpu_verified.json and prints predicted beside measured times.
#
# usage: tools/gpu_check.sh [--prebuilt DIR] [--out FILE] [--seconds N]
#   --prebuilt DIR  run what tools/pack_build.sh put there instead of building
#   --out FILE      default docs/gpu_verified.json
#   --seconds N     stop after N seconds (default 570) and name what was left out
# PISR_DEPS names a folder with headers and libraries that this machine lacks (tools/pack_build.sh --deps makes it).
# Exit codes: 0, 1 a part failed, 2 wrong use, 6 no GPU or nothing to build with.
set -uo pipefail
cd "$(dirname "$0")/.."

fail() { # fail CODE TEXT
  echo "gpu_check: error: $2" >&2
  exit "$1"
}
prebuilt='' out=docs/gpu_verified.json limit=570
while [ $# -gt 0 ]; do
  case $1 in
    --prebuilt) prebuilt=${2:?--prebuilt needs a folder} ;;
    --out) out=${2:?--out needs a file} ;;
    --seconds) limit=${2:?--seconds needs a number} ;;
    *) fail 2 "unknown option '$1'" ;;
  esac
  shift 2
done

gpu=$(nvidia-smi --query-gpu=name,driver_version,compute_cap --format=csv,noheader 2>/dev/null | head -1)
[ -n "$gpu" ] || fail 6 "nvidia-smi finds no GPU"
IFS=, read -r gpu_name gpu_driver gpu_capability <<<"${gpu//, /,}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
date -u +%Y-%m-%d >"$work/date"
bash tools/kernel_hash.sh >"$work/hash"
printf '%s\n' "$gpu_name" "$gpu_driver" "$gpu_capability" >"$work/gpu"
echo "gpu_check: $gpu_name, driver $gpu_driver, compute capability $gpu_capability"

failed=0
stage() { # stage NAME MOST_SECONDS COMMAND...: runs it unless it is too late, notes how it ended
  local name=$1 most=$2 start=$SECONDS left=$((limit - SECONDS)) status
  shift 2
  if [ "$left" -lt 10 ]; then
    status="left out: no time"
  else
    timeout "$((most < left ? most : left))" "$@" >"$work/$name.log" 2>&1
    case $? in
      0) status=passed ;;
      77) status="left out: $(tail -1 "$work/$name.log")" ;;
      124) status="failed: took longer than $((most < left ? most : left)) s" ;;
      *) status="failed: $(grep -v '^$' "$work/$name.log" | tail -1)" ;;
    esac
  fi
  case $status in failed*) failed=1 && tail -25 "$work/$name.log" ;; esac
  printf '%s\t%s\t%s\n' "$name" "$((SECONDS - start))" "$status" >>"$work/stages"
  printf '[%4ds] %-22s %s\n' "$SECONDS" "$name" "$status"
}

if [ -n "${PISR_DEPS:-}" ]; then
  deps=$(realpath "$PISR_DEPS")
  export CMAKE_PREFIX_PATH=$deps/usr PKG_CONFIG_SYSROOT_DIR=$deps
  export PKG_CONFIG_PATH=$deps/usr/lib/x86_64-linux-gnu/pkgconfig:$deps/usr/share/pkgconfig
  export CPATH=$deps/usr/include LIBRARY_PATH=$deps/usr/lib/x86_64-linux-gnu
  export LD_LIBRARY_PATH=$deps/usr/lib/x86_64-linux-gnu:$deps/lib/x86_64-linux-gnu:${LD_LIBRARY_PATH:-}
fi
build_all() {
  cmake -S . -B "$programs" -G Ninja -DCMAKE_BUILD_TYPE=Release -DPISR_CUDA=ON -DPISR_BENCHMARKS=ON \
    "-DCMAKE_CUDA_ARCHITECTURES=${gpu_capability/./}" && cmake --build "$programs" --parallel "$(nproc)"
}
if [ -n "$prebuilt" ]; then
  [ -x "$prebuilt/benchmarks/pisr_bench" ] || fail 6 "there is no build in '$prebuilt'"
  programs=$(realpath "$prebuilt")
  export LD_LIBRARY_PATH=$programs/lib:${LD_LIBRARY_PATH:-}
else
  command -v nvcc cmake ninja >/dev/null || fail 6 "needs nvcc, cmake and ninja, or --prebuilt"
  programs=$PWD/build/gpu
  stage build 300 build_all
  [ "$failed" = 0 ] || exit 1
fi

# A test that finds no device fails here instead of being left out.
export PISR_REQUIRE_DEVICE=1
for folder in kernels core nn pisr; do
  stage "test_$folder" 120 "$programs/tests/test_$folder" '[device]'
done
stage bench 150 "$programs/benchmarks/pisr_bench" --device cuda --benchmark_format=json \
  "--benchmark_out=$work/bench.json"
exchange() {
  mkdir -p "$work/exchange"
  for work_name in W1 W2 W3 W4; do
    "$programs/benchmarks/pisr_bench" --exchange $work_name --exchange-file "$work/exchange/$work_name.safetensors" ||
      return 1
  done
}
torch() {
  python3 -c 'import torch' 2>/dev/null || { echo "no PyTorch" && return 77; }
  exchange && python3 benchmarks/torch_gpu.py --exchange "$work/exchange" >"$work/torch.json"
}
export -f exchange torch build_all
export work programs gpu_capability
stage torch 180 bash -c torch
sanitize() {
  command -v compute-sanitizer >/dev/null || { echo "no compute-sanitizer" && return 77; }
  compute-sanitizer --version >/dev/null
  PISR_DEVICE_CASES=small compute-sanitizer --tool "$1" --error-exitcode 1 "$programs/tests/test_kernels" '[device]'
}
export -f sanitize
for tool in memcheck racecheck initcheck synccheck; do
  stage "$tool" 60 bash -c "sanitize $tool"
done

python3 tools/gpu_summary.py "$work" "$out" || failed=1
exit "$failed"
