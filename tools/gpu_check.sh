#!/usr/bin/env bash
# Checks what only a GPU can show, in at most ten minutes. Times the goals of docs/cuda.md first, so that the first
# figures are there within two minutes. Then runs the kernel case tables and training steps on the GPU, looks for races
# and invalid accesses with compute-sanitizer, times every kernel, and compares with cuDNN and PyTorch. Without
# --prebuilt it builds for the GPU of this machine: first what the goals need, the tests afterwards.
#
# usage: tools/gpu_check.sh [--prebuilt DIR] [--out FOLDER] [--seconds N]
#   --prebuilt DIR  run what tools/pack_build.sh put there instead of building
#   --out FOLDER    default build/gpu_check: a log of each stage, its figures, and gpu_verified.json, which is written
#                   again after every stage; figures of an earlier run there are removed, its build is used again
#   --seconds N     the limits of all stages together (default 570); what does not fit is left out and named
# PISR_DEPS names a folder with headers and libraries that this machine lacks (tools/pack_build.sh --deps makes it).
# PISR_CUDNN_DIR names a folder of cuDNN; otherwise that of Python's package nvidia-cudnn is taken where there is one.
# Exit codes: 0, 1 a part failed, 2 wrong use, 6 no GPU or nothing to build with, 130 and 143 stopped by a signal.
set -uo pipefail

fail() { # fail CODE TEXT
  echo "gpu_check: error: $2" >&2
  exit "$1"
}
root=$(cd "$(dirname "$0")/.." && pwd)
prebuilt='' out=$root/build/gpu_check limit=570
while [ $# -gt 0 ]; do
  case $1 in
    --prebuilt | --out | --seconds) [ -n "${2:-}" ] || fail 2 "$1 needs a value" ;;
    *) fail 2 "unknown option '$1'" ;;
  esac
  case $1 in
    --prebuilt) prebuilt=$(realpath -m "$2") ;;
    --out) out=$(realpath -m "$2") ;;
    --seconds) limit=$2 ;;
  esac
  shift 2
done
[[ $limit =~ ^[1-9][0-9]*$ ]] || fail 2 "--seconds must be a positive number, got '$limit'"
[ -z "${PISR_DEPS:-}" ] || deps=$(realpath "$PISR_DEPS") || fail 2 "PISR_DEPS: no folder '$PISR_DEPS'"
cd "$root" || exit

gpu=$(nvidia-smi --query-gpu=name,driver_version,compute_cap --format=csv,noheader 2>/dev/null | head -1)
[ -n "$gpu" ] || fail 6 "nvidia-smi finds no GPU"
IFS=, read -r gpu_name gpu_driver gpu_capability <<<"${gpu//, /,}"

# What this machine needs: CUDA's programs, the headers and libraries of PISR_DEPS, cuDNN.
for folder in ${CUDA_HOME:-${CUDA_PATH:-/usr/local/cuda /usr/local/cuda-*}}; do
  if ! command -v nvcc >/dev/null && [ -x "$folder/bin/nvcc" ]; then
    export PATH=$folder/bin:$PATH
  fi
done
if [ -n "${deps:-}" ]; then
  multiarch=$(uname -m)-linux-gnu
  libraries=$deps/usr/lib/$multiarch
  export CMAKE_PREFIX_PATH=$deps/usr PKG_CONFIG_SYSROOT_DIR=$deps
  export PKG_CONFIG_PATH=$libraries/pkgconfig:$deps/usr/share/pkgconfig
  export CPATH=$deps/usr/include:$deps/usr/include/$multiarch LIBRARY_PATH=$libraries
  export LD_LIBRARY_PATH=$libraries:$deps/lib/$multiarch:${LD_LIBRARY_PATH:-}
fi
if [ -z "${PISR_CUDNN_DIR:-}" ]; then
  cudnn=$(python3 -c 'import nvidia.cudnn; print(list(nvidia.cudnn.__path__)[0])' 2>/dev/null)
  if [ -n "$cudnn" ]; then
    export PISR_CUDNN_DIR=$cudnn LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}
    for part in cublas cuda_nvrtc; do
      LD_LIBRARY_PATH+=:$(dirname "$cudnn")/$part/lib
    done
  fi
fi
if [ -n "$prebuilt" ]; then
  [ -x "$prebuilt/benchmarks/pisr_bench" ] || fail 6 "there is no build in '$prebuilt'"
  programs=$prebuilt
  export LD_LIBRARY_PATH=$programs/lib:${LD_LIBRARY_PATH:-}
else
  for tool in nvcc cmake ninja; do
    command -v "$tool" >/dev/null || fail 6 "needs $tool on PATH to build, or --prebuilt"
  done
  programs=$out/build
fi

mkdir -p "$out" || fail 2 "--out: cannot make the folder '$out'"
rm -rf "$out"/{stages,machine,gpu_verified.json,exchange_W?,*.log,bench_*.json,torch_W?.json}
: >"$out/stages" || fail 2 "--out: cannot write in '$out'"
{
  bash tools/kernel_hash.sh
  date -u +%Y-%m-%d
  printf '%s\n' "$gpu_name" "$gpu_driver" "$gpu_capability"
} >"$out/machine"
echo "gpu_check: $gpu_name, driver $gpu_driver, compute capability $gpu_capability; results in $out"

# The stages in their order, and the seconds that each may take of 570. What one leaves goes to those after it.
if [ -n "$prebuilt" ]; then
  plan="quick 25 bench_goals 60 memcheck 40 test_kernels 60 test_core 20 test_nn 15 test_pisr 60 racecheck 40
    bench_conv 50 bench_rest 40 synccheck 25 initcheck 25 bench_cudnn 40 torch_W1 16 torch_W2 18 torch_W3 18 torch_W4 18"
else
  plan="configure 20 build_first 150 bench_goals 50 build_rest 100 quick 20 memcheck 25 test_kernels 40 test_core 10
    test_nn 10 test_pisr 30 racecheck 20 bench_conv 25 bench_rest 20 synccheck 10 initcheck 10 bench_cudnn 14
    torch_W1 4 torch_W2 4 torch_W3 4 torch_W4 4"
fi

# What a stage does; the last line of output says why one ended with 77, left out.
# shellcheck disable=SC2317
run_stage() { # run_stage NAME
  local goals='^(W1/cuda:fp(16|32)|W[2-4]/cuda:tf32)$' build=(cmake --build "$programs" --parallel "$(nproc)")
  case $1 in
    configure)
      cmake -S . -B "$programs" -G Ninja -DCMAKE_BUILD_TYPE=Release -DPISR_CUDA=ON -DPISR_BENCHMARKS=ON \
        ${multiarch:+"-DCMAKE_LIBRARY_ARCHITECTURE=$multiarch"} "-DCMAKE_CUDA_ARCHITECTURES=${gpu_capability/./}"
      ;;
    build_first) "${build[@]}" --target pisr_bench ;;
    build_rest) "${build[@]}" --target test_kernels test_core test_nn test_pisr ;;
    quick) PISR_DEVICE_CASES=small "$programs/tests/test_kernels" '[device]' ;;
    test_*) "$programs/tests/$1" '[device]' ;;
    bench_goals) bench "$1" own "$goals" ;;
    bench_conv) bench "$1" own '^conv' ;;
    bench_rest) bench "$1" own "-^conv|$goals" ;;
    bench_cudnn) bench "$1" cudnn '^(conv|W)' ;;
    torch_*)
      python3 -c 'import torch' 2>/dev/null || { echo "no PyTorch" && return 77; }
      local work=${1#torch_}
      mkdir -p "$out/exchange_$work"
      "$programs/benchmarks/pisr_bench" --exchange "$work" --exchange-file "$out/exchange_$work/$work.safetensors" &&
        python3 benchmarks/torch_gpu.py --exchange "$out/exchange_$work" >"$out/$1.json"
      ;;
    *check)
      command -v compute-sanitizer >/dev/null || { echo "no compute-sanitizer" && return 77; }
      PISR_DEVICE_CASES=small compute-sanitizer --tool "$1" --error-exitcode 1 "$programs/tests/test_kernels" '[device]'
      ;;
  esac
}
# shellcheck disable=SC2317
bench() { # bench STAGE BACKEND FILTER
  "$programs/benchmarks/pisr_bench" --device cuda --backend "$2" "--benchmark_filter=$3" --benchmark_format=json \
    "--benchmark_out=$out/$1.json"
}
export -f run_stage bench
export out programs gpu_capability multiarch
# On the GPU alone, without the emulated device; where a test finds no GPU, it fails instead of being left out.
export PISR_REQUIRE_DEVICE=1 PISR_TEST_DEVICES=cuda

child=''
stop() { # stop CODE: by a signal
  [ -z "$child" ] || kill "$child" 2>/dev/null
  python3 tools/gpu_summary.py "$out" >/dev/null
  exit "$1"
}
trap 'stop 130' INT
trap 'stop 143' TERM

failed=0
stage() { # stage NAME SECONDS: runs it, notes how it ended
  local name=$1 most=$2 start=$SECONDS status
  printf '%s\t0\tunfinished\n' "$name" >>"$out/stages"
  timeout --kill-after=3 "$most" bash -c 'run_stage "$1"' run_stage "$name" >"$out/$name.log" 2>&1 &
  child=$!
  wait "$child"
  case $? in
    0) status=passed ;;
    77) status="left out: $(tail -1 "$out/$name.log")" ;;
    124) status="failed: took longer than $most s" ;;
    137) status="failed: killed after $((SECONDS - start)) s, of $most" ;;
    *) status="failed: $(grep -v '^$' "$out/$name.log" | tail -1)" ;;
  esac
  child=''
  case $status in failed*) failed=1 && tail -25 "$out/$name.log" ;; esac
  note "$name" "$((SECONDS - start))" "$status"
}
note() { # note NAME SECONDS STATUS
  printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$out/stages"
  printf '[%4ds] %-14s %s\n' "$SECONDS" "$1" "$3"
  python3 tools/gpu_summary.py "$out" >"$out/summary.log" || failed=1
}

# shellcheck disable=SC2086
set -- $plan
while [ $# -gt 0 ]; do
  name=$1 all=0
  for part; do
    [[ $part =~ [^0-9] ]] || all=$((all + part))
  done
  most=$(((limit - SECONDS) * $2 / all))
  shift 2
  if [ "$most" -lt 6 ]; then
    note "$name" 0 "left out: no time"
  else
    stage "$name" "$most"
  fi
  case $name in configure | build_first) [ "$failed" = 0 ] || break ;; esac
done

cat "$out/summary.log"
if [ "$failed" = 0 ]; then
  echo "to record that these kernels are verified: cp $out/gpu_verified.json docs/"
fi
exit "$failed"
