#!/usr/bin/env bash
# Tests tools/gpu_check.sh without a GPU, with fake programs and tools: the order and the limits of its stages, both ways
# to get its programs, what is on disk after a kill, missing tools, and the report.
# usage: tests/tools/gpu_check_test.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail() { echo "gpu_check_test: FAILED: $1" >&2 && exit 1; }

make() { # make PROGRAM: a program with standard input as its script
  mkdir -p "$(dirname "$1")" && rm -f "$1"  # never through a link to the real tool
  { echo '#!/usr/bin/env bash' && cat; } >"$1"
  chmod +x "$1"
}
# A system of its own: the real tools that the script needs, and fakes. Each fake notes how it was called.
system=$folder/system
mkdir -p "$system"
for tool in bash cat chmod cut date dirname env find grep head mkdir nproc realpath rm sha256sum sleep sort tail timeout \
  uname xargs; do
  ln -s "$(type -P "$tool")" "$system/$tool"
done
python=$(python3 -c 'import sys; print(sys.executable)')
ln -s "$python" "$system/python3"
export CALLS=$folder/calls CUDA_HOME=$folder/no_cuda
unset PISR_DEPS PISR_CUDNN_DIR
make "$system/nvidia-smi" <<<'echo "Fake GPU, 1.2.3, 9.0"'
make "$system/nvcc" <<<'exit 0'
make "$system/ninja" <<<'exit 0'
make "$system/compute-sanitizer" <<'S2'
echo "$2 $PISR_DEVICE_CASES $PISR_TEST_DEVICES" >>"$CALLS"
[ "$2" != racecheck ] || { echo "a race" && exit 1; }
S2
make_programs() { # make_programs FOLDER TEST...: pisr_bench and tests
  make "$1/benchmarks/pisr_bench" <<'S2'
echo "bench $*" >>"$CALLS"
for argument; do
  case $argument in
    --benchmark_out=*goals*) cat >"${argument#*=}" <<'J' ;;
{"benchmarks": [{"name": "W3/cuda:tf32", "median_ms": 0.25, "lower_ms": 0.2, "upper_ms": 0.3},
 {"name": "W1/cuda:fp16", "error_occurred": true, "error_message": "wrong result"}]}
J
    --benchmark_out=*conv*) echo '{"benchmarks": [{"name": "conv2d/mapping/cuda:tf32", "median_ms": 0.01}]}' >"${argument#*=}" ;;
    --benchmark_out=*cudnn*) echo '{"benchmarks": [{"name": "conv2d/mapping/cudnn:tf32", "median_ms": 0.03}]}' >"${argument#*=}" ;;
    --benchmark_out=*) echo '{"benchma' >"${argument#*=}" ;;
  esac
done
S2
  for part in kernels core nn pisr; do
    make "$1/tests/test_$part" <<'S2'
echo "${0##*/} $* ${PISR_DEVICE_CASES:-all} $PISR_TEST_DEVICES" >>"$CALLS"
[ "$1" = "[device]" ] && [ "$PISR_REQUIRE_DEVICE" = 1 ] || exit 1
if [ "${SLEEPER:-}" = "${0##*/}" ]; then
  echo $$ >"$CALLS.sleeper"
  exec sleep 60
fi
S2
  done
}
export -f make make_programs
# Configures, then builds the programs of its targets; notes the environment that a compiler would see.
make "$system/cmake" <<'S2'
echo "cmake $*" >>"$CALLS"
case $1 in
  -S) env >"$CALLS.env" && mkdir -p "$4" && [ -z "${CMAKE_FAILS:-}" ] || { echo "no Highway" && exit 1; } ;;
  --build) make_programs "$2" ;;
esac
S2
run() { # run OPTION...: sets status, leaves the output in $folder/log
  status=0
  : >"$CALLS"
  PATH=$system bash tools/gpu_check.sh --out "$folder/out" "$@" >"$folder/log" 2>&1 || status=$?
}
report() { "$python" -c "import json, sys; r = json.load(open(sys.argv[1])); $1" "$folder/out/gpu_verified.json" "$(bash tools/kernel_hash.sh)"; }
logged() { grep -qE "$1" "$folder/log" || { cat "$folder/log" && fail "$2"; }; }
names() { # names PROGRAM...: the stages that ran, in order
  awk '{ print $3 }' <<<"$(grep -E '^\[ *[0-9]+s\]' "$folder/log" | sed 's/^\[ *[0-9]*s\]/[0 s]/')" | tr '\n' ' '
}

# A finished build.
programs=$folder/programs
make_programs "$programs"
run --prebuilt "$programs"
[ "$status" = 1 ] || { cat "$folder/log" && fail "a race must give exit code 1, got $status"; }
[ "$(names)" = "quick bench_goals memcheck test_kernels test_core test_nn test_pisr racecheck bench_conv bench_rest synccheck initcheck bench_cudnn torch_W1 torch_W2 torch_W3 torch_W4 " ] ||
  fail "the order of the stages: $(names)"
logged 'racecheck .*failed: a race' "the race is not named"
logged 'memcheck .*passed' "memcheck did not pass"
logged 'W3/cuda:tf32 +0.500 +0.2500 +0.50' "no goal beside its measurement"
logged 'W1/cuda:fp16 +0.040 +wrong result' "a failed row must say so"
logged 'conv2d/mapping/cuda:tf32 +0.0100 +0.0300 +3.00' "no ratio to cuDNN"
! grep -q 'cp .*docs/' "$folder/log" || fail "a run that failed is not to be recorded"
grep -qx 'memcheck small cuda' "$CALLS" || fail "compute-sanitizer must not run the emulator"
grep -qx 'test_kernels \[device\] small cuda' "$CALLS" || fail "the quick tests are not the small ones"
[ -s "$folder/out/racecheck.log" ] || fail "the log of a stage is not kept"
! grep -q cmake "$CALLS" || fail "a finished build was built again"
report 'assert r["kernels"] == sys.argv[2] and r["gpu"] == "Fake GPU" and r["driver"] == "1.2.3", r
assert r["stages"][3]["name"] == "test_kernels" and r["stages"][3]["status"] == "passed", r
assert r["measured"]["W3/cuda:tf32"]["median_ms"] == 0.25, r' || fail "the report is wrong"

# Building: what the first figures need is built first.
make "$system/compute-sanitizer" <<<'exit 0'
mkdir -p "$folder/deps/usr"
PISR_DEPS=$folder/deps run
[ "$status" = 0 ] || { cat "$folder/log" && fail "building failed: $status"; }
[[ "$(names)" = "configure build_first bench_goals build_rest quick memcheck test_kernels "* ]] ||
  fail "the order of the stages when building: $(names)"
grep -qE '^cmake -S \. -B [^ ]*/out/build -G Ninja .*-DPISR_CUDA=ON .*-DCMAKE_CUDA_ARCHITECTURES=90$' "$CALLS" || fail "how it is configured"
grep -qE '^cmake --build .* --target pisr_bench$' "$CALLS" || fail "pisr_bench is not built first"
grep -q "^CPATH=$folder/deps/usr/include:$folder/deps/usr/include/$(uname -m)-linux-gnu$" "$CALLS.env" || fail "CPATH lacks the folder of jconfig.h"
logged "cp $folder/out/gpu_verified.json docs/" "how to record the result is not said"
CMAKE_FAILS=1 run
[ "$status" = 1 ] && [ "$(names)" = "configure " ] || fail "after a configuration that failed: $status, $(names)"
logged 'configure .*failed: no Highway' "why it cannot be configured"

# The limits fit the total, whatever earlier stages took, and no time is no failure. (No reports: they take time.)

make "$system/python3" <<<'exit 0'
make "$system/timeout" <<'S2'
echo "limit $2" >>"$CALLS"
shift 2
exec "$@"
S2
run --prebuilt "$programs" --seconds 300
# The fakes take no time, so what a stage leaves is given to those after it.
limits=$(awk '/^limit/ { print $2 }' "$CALLS")
[ "$(head -1 <<<"$limits")" -le $((300 * 25 / 570)) ] || fail "the first of 300 s takes $(head -1 <<<"$limits")"
[ "$(sort -n <<<"$limits" | tail -1)" -le 300 ] || fail "a stage of 300 s may take more: $limits"
run --prebuilt "$programs" --seconds 5
[ "$status" = 0 ] || fail "what is left out is no failure, got $status"
logged 'test_kernels .*left out: no time' "what is left out is not named"
ln -sf "$(type -P timeout)" "$system/timeout"
plan_sums=$("$python" -c 'import re
plans = re.findall("plan=\"([^\"]*)\"", open("tools/gpu_check.sh").read())
print(*(sum(map(int, plan.split()[1::2])) for plan in plans))')
[ "$plan_sums" = "570 570" ] || fail "the limits of the stages add up to $plan_sums"

# Stopped in the middle: everything before is on disk.
ln -sf "$python" "$system/python3"
interrupted() { # interrupted SIGNAL
  : >"$CALLS"
  rm -f "$CALLS.sleeper"
  PATH=$system SLEEPER=test_core bash tools/gpu_check.sh --out "$folder/out" --prebuilt "$programs" >"$folder/log" 2>&1 &
  local script=$!
  for _ in $(seq 100); do
    [ ! -s "$CALLS.sleeper" ] || break
    sleep 0.05
  done
  kill "-$1" "$script"
  status=0
  wait "$script" 2>/dev/null || status=$?
  [ "$(tail -1 "$folder/out/stages" | cut -f1,3)" = $'test_core\tunfinished' ] || fail "after $1 the stage is not named"
  report 'ends = {s["name"]: s["status"] for s in r["stages"]}
assert ends["bench_goals"] == ends["test_kernels"] == "passed" and ends.get("test_core") != "passed", r
assert r["measured"]["W3/cuda:tf32"]["median_ms"] == 0.25 and "kernels" not in r, r' || fail "after $1"
}
interrupted TERM
[ "$status" = 143 ] || fail "after SIGTERM: $status"
sleeps() { grep -qs '^State:[^Z]*$' "/proc/$(cat "$CALLS.sleeper")/status"; }
for _ in $(seq 100); do
  sleeps || break
  sleep 0.05
done
! sleeps || fail "the stage goes on after SIGTERM"
interrupted KILL
kill "$(cat "$CALLS.sleeper")" || fail "the stage ended before it was interrupted"

# Missing tools, and wrong use.
for tool in nvcc cmake ninja; do
  mv "$system/$tool" "$folder/hidden"
  run
  mv "$folder/hidden" "$system/$tool"
  [ "$status" = 6 ] && grep -qx "gpu_check: error: needs $tool on PATH to build, or --prebuilt" "$folder/log" ||
    fail "without $tool: $status, $(cat "$folder/log")"
done
mkdir -p "$folder/cuda/bin" && mv "$system/nvcc" "$folder/cuda/bin/nvcc"
CUDA_HOME=$folder/cuda CMAKE_FAILS=1 run
mv "$folder/cuda/bin/nvcc" "$system/nvcc"
[ "$status" = 1 ] && grep -q "^PATH=$folder/cuda/bin:" "$CALLS.env" || fail "nvcc in CUDA_HOME is not found: $status"
run --prebuilt "$folder/nowhere"
[ "$status" = 6 ] || fail "no build: got $status"
run --seconds none
[ "$status" = 2 ] || fail "--seconds none: got $status"
run --what
[ "$status" = 2 ] || fail "an unknown option: got $status"
make "$system/nvidia-smi" <<<'exit 9'
run --prebuilt "$programs"
[ "$status" = 6 ] && grep -qx 'gpu_check: error: nvidia-smi finds no GPU' "$folder/log" || fail "no GPU: got $status"
echo "gpu_check_test: passed"
