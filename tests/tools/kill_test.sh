#!/usr/bin/env bash
# Kills a training run with SIGKILL at random moments, resumes it each time, and compares the final weights with
# those of an uninterrupted run, byte for byte.
# usage: tests/tools/kill_test.sh PISR_TRAIN [KILLS] [SEED]    (20 kills, seed 1)
set -euo pipefail
program=$(realpath "$1") kills=${2:-20}
RANDOM=${3:-1}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

settings=(-q --set train.total_iter=300 --set train.save_checkpoint_freq=10 --set val.val_freq=40 --set train.print_freq=10
  --set train.gt_size=32 --set train.batch_size=4 --set data.built_in.count=4 --set data.built_in.validation_count=1
  --set data.built_in.size=64)

"$program" --out "$folder/whole" "${settings[@]}" -j 2
killed=0 tries=0
while [ "$killed" -lt "$kills" ]; do
  tries=$((tries + 1))
  "$program" --out "$folder/cut" "${settings[@]}" -j $((1 + RANDOM % 2)) --resume auto &
  pid=$!
  sleep "$(printf '0.%03d' $((RANDOM % 600 + 100)))"
  if kill -9 "$pid" 2>/dev/null; then
    killed=$((killed + 1))
  fi
  wait "$pid" 2>/dev/null || true
  if [ -e "$folder/cut/report.html" ]; then # It came to its end: begin again.
    cmp "$folder/whole/student_last.safetensors" "$folder/cut/student_last.safetensors"
    cmp "$folder/whole/teacher.safetensors" "$folder/cut/teacher.safetensors"
    rm -rf "$folder/cut"
  fi
done
"$program" --out "$folder/cut" "${settings[@]}" -j 1 --resume auto
for weights in teacher.safetensors teacher_last.safetensors student.safetensors student_last.safetensors; do
  cmp "$folder/whole/$weights" "$folder/cut/$weights"
done
if ls "$folder"/cut/.pisr-*.tmp "$folder"/cut/checkpoints/.pisr-*.tmp 2>/dev/null; then
  echo "kill_test: temporary files are left" >&2
  exit 1
fi
echo "killed $killed times in $tries starts; the weights equal those of an uninterrupted run"
