#!/usr/bin/env bash
# Tests the order, the deadline and the report of tools/gpu_check.sh without a GPU, with a fake driver, fake programs and
# fake tools.
# usage: tests/tools/gpu_check_test.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail() { echo "gpu_check_test: FAILED: $1" >&2 && exit 1; }

make() { # make PROGRAM: a program with standard input as its script
  mkdir -p "$(dirname "$1")"
  { echo '#!/usr/bin/env bash' && cat; } >"$1"
  chmod +x "$1"
}
programs=$folder/build
make "$folder/bin/nvidia-smi" <<<'echo "Fake GPU, 1.2.3, 9.0"'
make "$folder/bin/compute-sanitizer" <<<'[ "$1" = --version ] || { [ "$2" != racecheck ] || echo "a race" && [ "$2" != racecheck ]; }'
for part in kernels core nn pisr; do
  make "$programs/tests/test_$part" <<<'[ "$1" = "[device]" ] && [ "$PISR_REQUIRE_DEVICE" = 1 ]'
done
make "$programs/benchmarks/pisr_bench" <<'S'
for argument; do
  case $argument in
    --benchmark_out=*) cat >"${argument#*=}" <<'J' ;;
{"benchmarks": [{"name": "W3/cuda:tf32", "median_ms": 0.25, "lower_ms": 0.2, "upper_ms": 0.3},
 {"name": "conv2d/mapping/cuda:tf32", "median_ms": 0.01}, {"name": "conv2d/mapping/cudnn:tf32", "median_ms": 0.03},
 {"name": "W1/cuda:fp16", "error_occurred": true, "error_message": "wrong result"}]}
J
  esac
done
S

status=0
PATH=$folder/bin:$PATH bash tools/gpu_check.sh --prebuilt "$programs" --out "$folder/out.json" >"$folder/log" 2>&1 || status=$?
cat "$folder/log"
[ "$status" = 1 ] || fail "a race must give exit code 1, got $status"
grep -q 'racecheck .*failed: a race' "$folder/log" || fail "the race is not named"
grep -q 'memcheck .*passed' "$folder/log" || fail "memcheck did not pass"
grep -qE 'W3/cuda:tf32 +0.500 +0.2500 +0.50' "$folder/log" || fail "no goal beside its measurement"
grep -qE 'W1/cuda:fp16 +0.040 +wrong result' "$folder/log" || fail "a failed row must say so"
grep -qE 'conv2d/mapping/cuda:tf32 +0.0100 +0.0300 +3.00' "$folder/log" || fail "no ratio to cuDNN"
python3 - "$folder/out.json" "$(bash tools/kernel_hash.sh)" <<'P' || fail "the report is wrong"
import json, sys
report = json.load(open(sys.argv[1]))
assert report["kernels"] == sys.argv[2] and report["gpu"] == "Fake GPU" and report["driver"] == "1.2.3", report
assert [s["name"] for s in report["stages"]][:4] == ["test_kernels", "test_core", "test_nn", "test_pisr"], report
assert report["measured"]["W3/cuda:tf32"]["median_ms"] == 0.25, report
P

status=0
PATH=$folder/bin:$PATH bash tools/gpu_check.sh --prebuilt "$programs" --out "$folder/late.json" --seconds 5 >"$folder/log" 2>&1 || status=$?
[ "$status" = 0 ] || fail "what is left out is no failure, got $status"
grep -q 'test_kernels .*left out: no time' "$folder/log" || fail "what is left out is not named"

make "$folder/none/nvidia-smi" <<<'exit 9'
status=0
PATH=$folder/none:$PATH bash tools/gpu_check.sh 2>"$folder/log" || status=$?
[ "$status" = 6 ] && grep -qx 'gpu_check: error: nvidia-smi finds no GPU' "$folder/log" || fail "no GPU: got $status"
status=0
PATH=$folder/bin:$PATH bash tools/gpu_check.sh --prebuilt "$folder/nowhere" 2>"$folder/log" >/dev/null || status=$?
[ "$status" = 6 ] || fail "no build: got $status"
status=0
bash tools/gpu_check.sh --what 2>/dev/null || status=$?
[ "$status" = 2 ] || fail "an unknown option: got $status"
echo "gpu_check_test: passed"
