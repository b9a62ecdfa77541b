#!/usr/bin/env bash
# Trains and evaluates the models of docs/results.md: baselines, teachers and students on T91 + BSDS200 (three seeds),
# and plain FSRCNN on the built-in images. Complete runs are kept, interrupted ones are resumed.
# usage: benchmarks/short_schedule.sh BUILD_DIR DATA_DIR RUNS_DIR [STAGE...]
#   DATA_DIR holds train/T91, train/BSDS200, benchmark/Set5, benchmark/B100
#   STAGE: baseline5000 baseline7500 pisr built_in (all, in this order, where none is named)
set -euo pipefail
build=$1 data=$2 runs=$3
shift 3
stages=("$@")
if [ ${#stages[@]} -eq 0 ]; then
  stages=(baseline5000 baseline7500 pisr built_in)
fi
here=$(cd "$(dirname "$0")/.." && pwd)
photographs=(--data "$data/train/T91" --data "$data/train/BSDS200")
validation=(--val "$data/benchmark/Set5")
mkdir -p "$runs"

train() { # train NAME ARGUMENT...
  local out=$runs/$1
  shift
  if [ ! -e "$out/done" ]; then
    "$build/tools/pisr_train" --config "$here/configs/short_x2.json" --out "$out" --resume auto -q "${validation[@]}" "$@"
    touch "$out/done"
  fi
}

measure() { # measure NAME WEIGHTS: the weights at the END of the run
  "$build/tools/pisr_eval" -m "$runs/$1/$2" -s 2 --protocol pisr --data "$data/benchmark/Set5" --data "$data/benchmark/B100" \
    --json "$runs/$1/${2%.safetensors}_end.json" >"$runs/$1/${2%.safetensors}_end.txt"
  echo "$1/$2: $(tail -n 1 "$runs/$1/${2%.safetensors}_end.txt")"
}

for stage in "${stages[@]}"; do
  case $stage in
    baseline5000 | baseline7500)
      for seed in 0 1 2; do
        train "${stage}_seed$seed" "${photographs[@]}" --phase baseline --set "train.total_iter=${stage#baseline}" --set "manual_seed=$seed"
        measure "${stage}_seed$seed" baseline_last.safetensors
      done
      ;;
    pisr)
      for seed in 0 1 2; do
        train "pisr_seed$seed" "${photographs[@]}" --phase all --set "manual_seed=$seed"
        measure "pisr_seed$seed" student_last.safetensors
      done
      ;;
    built_in)
      for iterations in 3000 8000; do
        train "built_in_$iterations" --phase baseline --set "train.total_iter=$iterations"
        measure "built_in_$iterations" baseline_last.safetensors
      done
      ;;
    *)
      echo "short_schedule: error: unknown stage '$stage'" >&2
      exit 2
      ;;
  esac
done
