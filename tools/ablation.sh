#!/usr/bin/env bash
# Trains the rows of PISR's table 1 and the controls that the paper lacks: a baseline of as many updates as teacher and
# student together, and weight transfer alone. Students share their teachers. Prints PSNR, mean and spread over seeds,
# beside the paper's, and writes OUT/ablation.md, .json and .svg. Can be stopped at any point: the same command goes on.
#
# usage: tools/ablation.sh [OPTION...] [-- ARGUMENT...]
#   --iters N         updates of a teacher, and of a student (default 20000)
#   --seeds K         seeds 0 to K - 1 (default 1); more of them may be added later
#   --jobs J          trainings at once (default 1); each has its share of the processors
#   --config FILE     default configs/fsrcnn_x2.json
#   --test FOLDER     images to measure on, such as Set5; several times for several sets. Without it: the held-out
#                     images of the trainings
#   --out OUT         default runs/ablation; one with other --iters, --config or ARGUMENTs is refused
#   --programs FOLDER of pisr_train and pisr_eval (default build/cpu/tools)
#   ARGUMENT          for every pisr_train, e.g. --data DIV2K or --set train.batch_size=8
# Exit codes: 0, 1 a training failed, 2 wrong use, 4 OUT cannot be used, 130 and 143 stopped by a signal.
set -uo pipefail

fail() { # fail CODE TEXT
  echo "ablation: error: $2" >&2
  exit "$1"
}
here=$(cd "$(dirname "$0")" && pwd)
iters=20000 seeds=1 jobs=1 config=$here/../configs/fsrcnn_x2.json out=runs/ablation programs=$here/../build/cpu/tools
tests=()
while [ $# -gt 0 ]; do
  case $1 in
    --) shift && break ;;
    --iters | --seeds | --jobs | --config | --test | --out | --programs) [ -n "${2:-}" ] || fail 2 "$1 needs a value" ;;
    -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0" && exit 0 ;;
    *) fail 2 "unknown option '$1'" ;;
  esac
  case $1 in
    --iters) iters=$2 ;;
    --seeds) seeds=$2 ;;
    --jobs) jobs=$2 ;;
    --config) config=$2 ;;
    --test) tests+=("$2") ;;
    --out) out=$2 ;;
    --programs) programs=$2 ;;
  esac
  shift 2
done
for name in iters seeds jobs; do
  [[ ${!name} =~ ^[1-9][0-9]{0,11}$ ]] || fail 2 "--$name must be a positive number, got '${!name}'"
done
[ -f "$config" ] || fail 2 "no file '$config'"
for program in pisr_train pisr_eval; do
  [ -x "$programs/$program" ] || fail 2 "no program '$programs/$program'; --programs names its folder"
done

# What would make old and new runs differ.
mkdir -p "$out" 2>/dev/null || fail 4 "cannot make folder '$out'"
arguments=$(printf '%s\n' "iters $iters" "config $(sha256sum <"$config")" "$@")
if [ -e "$out/arguments" ]; then
  [ "$(cat "$out/arguments")" = "$arguments" ] || fail 4 "'$out' holds an ablation with other arguments; --out names another"
else
  { printf '%s\n' "$arguments" >"$out/arguments.tmp" && mv "$out/arguments.tmp" "$out/arguments"; } || fail 4 "cannot write to '$out'"
fi

# A line for each training: NAME PHASE UPDATES TEACHER SETTING...
direct='train.hourglass=false' no_imitation='train.imitation_weight=0'
transfer='train.weight_transfer=true' no_transfer='train.weight_transfer=false'
first="baseline baseline $iters -
baseline_equal_updates baseline $((2 * iters)) -
teacher_direct teacher $iters - $direct
teacher_no_imitation teacher $iters - $no_imitation
teacher teacher $iters -"
then="direct_mae student $iters teacher_direct $direct $no_transfer train.distillation=mae
hourglass_mae student $iters teacher_no_imitation $no_imitation $no_transfer train.distillation=mae
transfer_mae student $iters teacher_no_imitation $no_imitation $transfer train.distillation=mae
imitation_mae student $iters teacher $transfer train.distillation=mae
imitation_gaussian student $iters teacher $transfer train.distillation=gaussian
imitation_laplace student $iters teacher $transfer train.distillation=laplace
transfer_alone student $iters teacher $transfer train.distillation=none"

threads=$(($(nproc) / jobs))
export threads=$((threads > 0 ? threads : 1)) out config programs
tests_as_text=${tests[*]@Q} more_as_text=${*@Q}
export tests_as_text more_as_text

train() { # train SEED NAME PHASE UPDATES TEACHER SETTING...
  local seed=$1 name=$2 phase=$3 updates=$4 teacher=$5
  shift 5
  local run=$out/seed$seed/$name settings=(--set "train.total_iter=$updates" --set "manual_seed=$seed")
  eval "local tests=($tests_as_text) more=($more_as_text)"
  [ "$teacher" = - ] || settings+=(--set "train.teacher_weights=$out/seed$seed/$teacher/teacher.safetensors")
  for setting; do settings+=(--set "$setting"); done
  local last=$run/${phase}_last.safetensors
  if [ ! -e "$last" ]; then
    echo "training: seed $seed, $name"
    "$programs/pisr_train" -q --config "$config" --out "$run" --resume auto --phase "$phase" -j "$threads" \
      "${more[@]}" "${settings[@]}" >/dev/null || return
  fi
  if [ ${#tests[@]} -gt 0 ] && { [ ! -s "$run/scores.json" ] || [ "$(cat "$run/tests" 2>/dev/null)" != "$tests_as_text" ]; }; then
    "$programs/pisr_eval" -j "$threads" -m "$last" -d "${tests[@]}" --json - >"$run/scores.tmp" 2>"$run/eval.log" ||
      { cat "$run/eval.log" >&2 && return 1; }
    mv "$run/scores.tmp" "$run/scores.json" && printf '%s' "$tests_as_text" >"$run/tests"
  fi
}
export -f train
trap 'exit 130' INT
trap 'exit 143' TERM
for stage in "$first" "$then"; do
  for ((seed = 0; seed < seeds; ++seed)); do
    sed "s/^/$seed /" <<<"$stage"
  done | xargs -P "$jobs" -L 1 bash -c 'train "$@"' train || fail 1 "a training failed; the same command goes on"
done
exec python3 "$here/ablation_table.py" "$out" "$iters" "$seeds" ${tests[@]+scores}
