#!/usr/bin/env bash
# Executes the PTX that nvcc makes of the CUDA kernels, on the CPU: all tests tagged [device] run on it. Tests before
# that the translator and the machine find planted faults. README.md tells how.
# usage: tests/ptx/check_ptx.sh [BUILD]   (default: build/dev, which is configured where it is not)
# PISR_DEVICE_CASES=small leaves out the large cases of the kernels, which take most of the time.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! command -v nvcc >/dev/null; then
  echo "check_ptx: skipped: no nvcc on PATH"
  exit 0
fi
build=${1:-build/dev}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

if [ -f "$build/CMakeCache.txt" ]; then
  cmake "$build" >"$folder/configure"
else
  cmake --preset dev -B "$build" >"$folder/configure"
fi
if grep "The compiled PTX is not executed" "$folder/configure"; then
  echo "check_ptx: error: $build cannot execute PTX" >&2
  exit 1
fi
started=$SECONDS
cmake --build "$build" --target pisr_ptx --parallel "$(nproc)" -- --quiet
echo "check_ptx: built in $((SECONDS - started)) s"
started=$SECONDS
for test in translator faults; do
  if ! PISR_BUILD=$build python3 tests/ptx/test_$test.py >"$folder/$test" 2>&1; then
    cat "$folder/$test" >&2
    exit 1
  fi
done
echo "check_ptx: every planted fault was found, in $((SECONDS - started)) s"
started=$SECONDS

export build folder
export PISR_REQUIRE_DEVICE=1 PISR_TEST_DEVICES=cuda
run() { # run FOLDER ORDER CASES TESTS: one line with the numbers, or the output where a test failed
  export PISR_PTX_ORDER=$2 PISR_DEVICE_CASES=${PISR_DEVICE_CASES:-$3}
  local TIMEFORMAT='%R s, %U s of a core' log assertions
  log=$folder/$(tr -c 'a-zA-Z0-9' _ <<<"$1 $2 $4")
  if ! { time PISR_PTX_KERNELS=$log.kernels "$build/tests/ptx/ptx_$1" "$4" >"$log" 2>"$log.errors"; } 2>"$log.time"; then
    cat "$log" "$log.errors" >&2
    echo "check_ptx: error: test_$1 '$4' fails on the compiled PTX, order $2" >&2
    return 1
  fi
  assertions=$(grep -oE '[0-9]+ assertions?' "$log")
  echo "$assertions" >>"$folder/assertions"
  echo "check_ptx: test_$1 $4, $2: $assertions, $(cat "$log.time")"
}
export -f run
# The longest first. What is left out of pisr and kernels runs on the emulated device alone.
cat >"$folder/runs" <<'RUNS'
kernels|forward|all|"the convolutions of a device*"
kernels|forward|all|"FSRCNN in one kernel of a device*"
pisr|forward|all|"device: PSNR in half precision*"
pisr|forward|all|"device training: 50 steps in TF32*"
pisr|forward|all|"device training: 50 steps have*"
pisr|forward|all|"device: PSNR in TF32*"
kernels|forward|all|[device]~"emulated device*"~"the convolutions of a device*"~"FSRCNN*"
pisr|forward|all|[device]~"device: PSNR*"~"device training: 50 steps*"~"device training: kernels of a step*"~"device training: a run*"~"device training: a device that fails*"
kernels|reverse|small|[device]~"emulated device*"
core|forward|all|[device]
core|reverse|all|[device]
nn|forward|all|[device]
nn|reverse|all|[device]
RUNS
# shellcheck disable=SC2016
xargs -a "$folder/runs" -d '\n' -n 1 -P "$(nproc)" \
  bash -c 'IFS="|" read -r program order cases tests <<<"$1" && run "$program" "$order" "$cases" "$tests"' _
cat "$folder"/*.kernels | c++filt | awk '
  { if ($1 == "ran") ran[$0] = 1; sub(/^[a-z]+ /, ""); all[$0] = 1 }
  END {
    for (kernel in all) { ++count; if (("ran " kernel) in ran) ++run; else print "check_ptx: never launched: " kernel }
    print "check_ptx: " run " of " count " kernels ran"
  }'
echo "check_ptx: passed: $(awk '{ sum += $1 } END { print sum }' "$folder/assertions") assertions in $((SECONDS - started)) s"
