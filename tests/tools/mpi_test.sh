#!/usr/bin/env bash
# pisr_train under a real mpirun: the same losses and weights on 1, 2 and 4 ranks, resumed with another number of them,
# stopped by a signal, killed, and what is refused. Needs Open MPI's mpirun; 77 where there is none that works.
# usage: tests/tools/mpi_test.sh PISR_TRAIN MPIRUN
set -euo pipefail
program=$(realpath "$1") mpirun=$2
folder=$(mktemp -d)
job= # of a run in the background
end() {
  [ -z "$job" ] || kill -TERM $job 2>/dev/null || true
  rm -rf "$folder" 2>/dev/null || true
}
trap end EXIT
cd "$folder"

# This machine alone, with or without ssh; several ranks a processor, which do not spin; root, as in containers.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_MCA_plm=isolated OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none
if ! "$mpirun" -n 2 true >/dev/null 2>&1; then
  echo "mpi_test: SKIPPED: '$mpirun -n 2 true' fails"
  [ "${PISR_REQUIRE_CHECKERS:-}" = 1 ] && exit 1
  exit 77
fi

failures=0
fail() {
  echo "mpi_test: FAILED: $*" >&2
  failures=$((failures + 1))
}
expect() { # expect WHAT WANTED GOT
  [ "$2" = "$3" ] || fail "$1: wanted '$2', got '$3'"
}
cat >small.json <<'END'
{"network": {"d": 6, "s": 4, "m": 1},
 "data": {"built_in": {"count": 3, "validation_count": 2, "size": 40}},
 "train": {"phase": "baseline", "total_iter": 40, "batch_size": 5, "gt_size": 16, "save_checkpoint_freq": 10,
           "print_freq": 5},
 "val": {"val_freq": 20}, "threads": 1}
END
train() { # train RANKS OUT OPTION...: its code in `code`, what it printed in out.txt and err.txt
  local ranks=$1 out=$2
  shift 2
  code=0
  "$mpirun" -n "$ranks" "$program" -c small.json --out "$out" "$@" >out.txt 2>err.txt || code=$?
}
same() { # same A B: columns of metrics.csv but for speed, within 1e-5
  paste -d, "$1/metrics.csv" "$2/metrics.csv" | awk -F, '
    NR > 1 { for (i = 1; i <= 11; ++i) if (i != 8 && i != 9) { a = $i; b = $(i + 11)
      if (i < 3 ? a != b : (a == "") != (b == "") || (a - b)^2 > 1e-10 * a^2) { print "row " NR ", column " i ": " a " and " b; exit 1 } } }
    END { if (NR < 11) { print NR " rows"; exit 1 } }'
}

# The same numbers on 1, 2 and 4 ranks; those of one process, to the bit, on one.
"$program" -c small.json --out alone --progress json >alone.txt
for ranks in 1 2 4; do
  train $ranks on$ranks --progress json
  expect "exit code of $ranks ranks" 0 $code
  same alone on$ranks || fail "metrics of $ranks ranks"
  expect "lines of $ranks ranks" "$(wc -l <alone.txt)" "$(wc -l <out.txt)"
  expect "errors of $ranks ranks" "" "$(cat err.txt)"
  [ -e on$ranks/report.html ] || fail "no report of $ranks ranks"
done
cmp alone/baseline_last.safetensors on1/baseline_last.safetensors || fail "one rank has other bits"
cmp -s alone/baseline_last.safetensors on4/baseline_last.safetensors && fail "four ranks were one"
grep -q "1 thread on the first of 4 ranks" on4/train.log || fail "the log does not name four ranks"

# Each thing that is wrong is said once, in one line, with the exit code of one process.
refused() { # refused NAME CODE LINE RANKS OPTION...
  local name=$1 wanted=$2 line=$3 ranks=$4
  shift 4
  train "$ranks" "refused" "$@"
  expect "$name: exit code" "$wanted" $code
  expect "$name: lines" "$line" "$(grep '^pisr_train' err.txt)"
  [ ! -e refused ] || fail "$name: a run directory is left"
}
refused "more ranks than images" 2 "pisr_train: error: train.batch_size: must be at least the number of ranks, 3, got 2" 3 \
  --set train.batch_size=2
refused "an unknown key" 2 "pisr_train: error: --set: unknown key \"train.total_iters\"" 3 --set train.total_iters=2
refused "an unknown option" 2 "pisr_train: error: The following argument was not expected: --bad" 2 --bad
refused "a missing folder" 3 "$("$program" -c small.json --data missing --out refused 2>&1 | head -n 1)" 2 --data missing
refused "a device" 6 "pisr_train: error: device: several ranks train on CPUs only, got 'cuda'" 2 --device cuda
train 3 refused --help
expect "help: exit code" 0 $code
expect "help: printed once" 1 "$(grep -c '^Trains super-resolution networks' out.txt)"

# Other images on rank 1: its machine has another folder under the same name.
mkdir -p host0/data host1/data
"$program" --print-config >/dev/null
awk 'BEGIN { printf "P2\n40 40\n255\n"; for (i = 0; i < 1600; ++i) print (i * 37) % 256 }' >host0/data/a.pgm
awk 'BEGIN { printf "P2\n40 40\n255\n"; for (i = 0; i < 1600; ++i) print (i * 41) % 256 }' >host1/data/a.pgm
code=0
"$mpirun" -n 1 --wdir host0 "$program" -c "$folder/small.json" --data data --out run : \
  -n 1 --wdir host1 "$program" -c "$folder/small.json" --data data --out run >out.txt 2>err.txt || code=$?
expect "other images: exit code" 3 $code
grep -q "^pisr_train: error: rank 1: its images differ from those of rank 0: training image 'a', 40 x 40" err.txt ||
  fail "other images: $(cat err.txt)"

rows=0
# A long run of 3 ranks in the background. The ranks are the processes with that folder in their command line.
long() { # long OUT OPTION...: returns when metrics.csv has more rows than $rows
  "$mpirun" --mca odls_base_sigkill_timeout 2 -n 3 "$program" -c small.json --out "$@" --set train.total_iter=100000 \
    --set val.val_freq=100000 >out.txt 2>err.txt &
  job=$!
  for i in $(seq 1500); do
    [ "$(cat "$1/metrics.csv" 2>/dev/null | wc -l)" -lt $((rows + 8)) ] || return 0
    sleep 0.02
  done
  fail "no updates are made: $(cat err.txt)"
}
rank() { # rank NUMBER: the process of that rank
  for process in $(pgrep -f "^$program -c small.json --out long"); do
    if tr '\0' '\n' <"/proc/$process/environ" | grep -qx "OMPI_COMM_WORLD_RANK=$1"; then echo "$process"; fi
  done
}
finish() {
  code=0
  wait $job || code=$?
  job=
}

long long
kill -TERM "$(rank 2)"
finish
expect "SIGTERM to rank 2: exit code" 143 $code
expect "SIGTERM to rank 2: lines" 1 "$(grep -c "^pisr_train: stopped; '--resume auto --out long' goes on" err.txt)"
stopped=$(grep -o 'stopped at baseline iteration [0-9]*' long/train.log | tail -n 1 | grep -o '[0-9]*$')
[ -e "long/checkpoints/baseline_$(printf %09d "$stopped").safetensors" ] || fail "no checkpoint of the iteration it was stopped at"

rows=$(wc -l <long/metrics.csv)
# Killed: the job ends, and goes on with another number of ranks.
long long --resume auto
grep -q "resumed baseline at iteration $stopped of" long/train.log || fail "did not go on from iteration $stopped"
kill -KILL "$(rank 1)"
finish
expect "kill -9: exit code" 137 $code
ls long/checkpoints/.pisr-* 2>/dev/null && fail "a half-written checkpoint is left"
newest=$(ls long/checkpoints | grep -v superseded | tail -n 1 | grep -o '[0-9]*' | head -n 1)
train 2 long --resume auto -q --set train.total_iter=$((10#$newest + 5))
expect "resumed by two ranks: exit code" 0 $code
grep -q "resumed baseline at iteration $((10#$newest)) of" long/train.log || fail "two ranks did not go on from iteration $newest"

# An error that the others cannot know: rank 0 ends them, and does not leave them waiting.
rows=$(wc -l <long/metrics.csv)
long long --resume auto
while [ -d long/checkpoints ]; do # rank 0 may make it again in between
  rm -rf long/checkpoints 2>/dev/null || true
  touch long/checkpoints
done
finish
expect "no folder for checkpoints: exit code" 4 $code
expect "no folder for checkpoints: lines" 1 "$(grep -c '^pisr_train: error: cannot .*checkpoints/' err.txt)"

# mpirun itself is told to stop: it tells the ranks, and has an exit code of its own. Then it reads no more of what they
# print, so a rank that fills the pipe would wait until it is killed.
rm -rf long
rows=0
long long -q
kill -TERM $job
finish
[ $code != 0 ] || fail "SIGTERM to mpirun: exit code 0"
grep -q 'stopped at baseline iteration' long/train.log || fail "SIGTERM to mpirun: nothing was saved"

[ $failures = 0 ] || exit 1
echo "1, 2 and 4 ranks agree; signals, a kill and refusals end as they should ($SECONDS s)"
