#!/usr/bin/env bash
# Trains each network of PISR's table 3 for 200 updates as a teacher and 200 as a student, from the files of configs/ at
# a small patch on the built-in images. Checks that the losses fall, that a run continued from a checkpoint in either
# phase ends with the same bits, and that each run has a report. Prints the first and the last losses. Minutes.
#
# usage: tools/check_students.sh [PROGRAMS [RUNS]] [NETWORK...]
#   PROGRAMS  the folder of pisr_train (build/cpu/tools)
#   RUNS      where the runs go (runs/students); what is there is replaced
#   NETWORK   only these, by the names of their files, e.g. vdsr_x2 (all of table 3 at x2)
set -euo pipefail
cd "$(dirname "$0")/.."

programs=${1:-build/cpu/tools} runs=${2:-runs/students}
shift $(($# < 2 ? $# : 2))
[ $# -gt 0 ] || set -- fsrcnn_x2 fsrcnn_l_x2 vdsr_x2 idn_x2 carn_x2

updates=200 window=40
middle=$(printf %09d $((updates / 2)))
settings=(
  --set train.total_iter=$updates --set train.print_freq=$window --set train.save_checkpoint_freq=$((updates / 2))
  --set data.exclude=[]  # there is no folder of images
  --set train.batch_size=4 --set train.gt_size=32
  # So short a run needs more of it: with the paper's 1e-4 the encoder does not yet make an LR-like image.
  --set train.imitation_weight=0.1
  --set data.built_in.count=4 --set data.built_in.validation_count=1 --set data.built_in.size=64
  --set val.val_freq=$updates --set train.keep_checkpoints=9
)

fail() {
  echo "check_students: error: $*" >&2
  exit 1
}
# The columns are found by name. Each phase's first and last row with a loss: means of $window updates each.
print_losses() { # print_losses NETWORK METRICS
  awk -F, -v network="$1" -v wanted=$((updates / window)) '
    NR == 1 { for (i = 1; i <= NF; ++i) column[$i] = i; next }
    $column["loss"] != "" {
      phase = $column["phase"]
      if (!(phase in rows)) order[++phases] = phase
      ++rows[phase]
      for (i = 0; i < 2; ++i) {
        value = $column[i == 0 ? "reconstruction" : "auxiliary"]
        if (rows[phase] == 1) first[phase, i] = value
        last[phase, i] = value
      }
    }
    END {
      if (phases != 2) { print "no two phases in " FILENAME; exit 1 }
      for (p = 1; p <= phases; ++p) {
        phase = order[p]
        printf "| %s | %s | %.4f -> %.4f | %.4f -> %.4f |\n", network, phase,
          first[phase, 0], last[phase, 0], first[phase, 1], last[phase, 1]
        falls = last[phase, 0] + 0 < first[phase, 0] + 0 && last[phase, 1] + 0 < first[phase, 1] + 0
        if (!falls || rows[phase] != wanted) { print "a loss of this phase does not fall"; failed = 1 }
      }
      exit failed
    }' "$2"
}

echo "| network | phase | reconstruction | imitation or distillation |"
echo "|---|---|---|---|"
for network; do
  run=$runs/$network
  rm -rf "$run" "$run.resumed"
  "$programs/pisr_train" -q --config "configs/$network.json" --out "$run" "${settings[@]}" >/dev/null
  print_losses "$network" "$run/metrics.csv" || fail "$network: see $run/metrics.csv"
  [ -s "$run/report.html" ] || fail "$network: no report"
  for phase in teacher student; do
    rm -rf "$run.resumed"
    cp -r "$run" "$run.resumed"
    "$programs/pisr_train" -q --out "$run.resumed" --resume "$run.resumed/checkpoints/${phase}_$middle.safetensors" >/dev/null
    for weights in teacher_last student_last student; do
      cmp "$run/$weights.safetensors" "$run.resumed/$weights.safetensors" ||
        fail "$network: continued from the middle of the $phase, $weights.safetensors differs"
    done
  done
  rm -rf "$run.resumed"
done
echo "all losses fall; runs continued from either phase have the same bits; in $SECONDS s"
