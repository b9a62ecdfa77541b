#!/usr/bin/env bash
# Tests tools/ablation.sh with trainings of a few updates: its table, going on, what is shared, wrong use.
# usage: tests/tools/ablation_test.sh PROGRAMS
set -euo pipefail
programs=$(realpath "$1")
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail() { echo "ablation_test: FAILED: $1" >&2 && exit 1; }

out=$folder/out
ablation() { # ablation ARGUMENT...: with small trainings
  bash tools/ablation.sh --iters 3 --jobs 2 --out "$out" --programs "$programs" "$@" -- --set network.d=4 \
    --set network.s=3 --set network.m=1 --set train.gt_size=8 --set train.batch_size=1 --set data.exclude=[] \
    --set data.built_in.size=16 --set data.built_in.count=2 --set data.built_in.validation_count=1 \
    --set train.save_checkpoint_freq=1 --set train.imitation_weight=0.5
}
expect() { # expect CODE TEXT ARGUMENT...: the script ends so and says it
  local wanted=$1 text=$2 code=0
  shift 2
  "$@" >"$folder/said" 2>&1 || code=$?
  [ $code = "$wanted" ] || fail "exit code $code instead of $wanted: $(cat "$folder/said")"
  grep -qF -- "$text" "$folder/said" || fail "not said: $text; but: $(cat "$folder/said")"
}
trained() { grep -c '^training: ' "$folder/said" || true; }

expect 2 "--iters must be a positive number, got '0'" bash tools/ablation.sh --iters 0
expect 2 "unknown option '--iter'" bash tools/ablation.sh --iter 3
expect 2 "--seeds needs a value" bash tools/ablation.sh --seeds
expect 2 "no file '/nowhere'" bash tools/ablation.sh --config /nowhere
expect 2 "no program '/nowhere/pisr_train'" bash tools/ablation.sh --programs /nowhere --out "$out"

# 3 teachers, 2 baselines and 7 students.
expect 0 "| imitation_laplace | yes | yes | yes | VID_L | 6 |" ablation
[ "$(trained)" = 12 ] || fail "$(trained) trainings instead of 12"
[ "$(grep -c '^| [a-z]*_\?[a-z_]* | [-yn]' "$out/ablation.md")" = 9 ] || fail "not 9 rows: $(cat "$out/ablation.md")"
expect 0 "| baseline_equal_updates | - | - | - | - | 6 |" ablation
[ "$(trained)" = 0 ] || fail "a finished ablation is trained again"

# Another seed is added; a training that was stopped goes on from its checkpoint with the same bits.
run=$out/seed0/transfer_mae
cp -r "$run" "$folder/whole"
rm "$run"/student*.safetensors "$run"/checkpoints/student_00000000[23].safetensors
expect 0 "+-" ablation --seeds 2
[ "$(trained)" = 13 ] || fail "$(trained) trainings instead of 12 and 1"
cmp "$run/student_last.safetensors" "$folder/whole/student_last.safetensors" || fail "other weights after going on"

python3 - "$out" <<'PYTHON' || fail "ablation.json or ablation.svg"
import json, statistics, sys, xml.etree.ElementTree
out = sys.argv[1]
rows = json.load(open(out + "/ablation.json"))["rows"]
assert [row["paper"]["student"] for row in rows] == [37.15, 37.19, 37.22, 37.23, 37.27, 37.31, 37.33, None, None]
def last_psnr(seed, name):
    return float(open(f"{out}/seed{seed}/{name}/metrics.csv").read().split("\n")[-2].split(",")[9])
for row in rows:
    (student,) = row["student"].values()
    wanted = [last_psnr(seed, row["name"]) for seed in (0, 1)]
    assert student["values"] == wanted and abs(student["mean"] - sum(wanted) / 2) < 1e-9, (row, wanted)
    assert abs(student["spread"] - statistics.stdev(wanted)) < 1e-9
config_of = lambda name: json.load(open(f"{out}/seed1/{name}/config.json"))["train"]
configs = {row["name"]: config_of(row["name"]) for row in rows}
assert {name: train["teacher_weights"].split("/")[-2] for name, train in configs.items() if "base" not in name} == {
    "direct_mae": "teacher_direct", "hourglass_mae": "teacher_no_imitation", "transfer_mae": "teacher_no_imitation",
    "imitation_mae": "teacher", "imitation_gaussian": "teacher", "imitation_laplace": "teacher",
    "transfer_alone": "teacher"}
assert [config_of(name)["imitation_weight"] for name in ("teacher", "teacher_no_imitation")] == [0.5, 0]
assert [config_of(name)["hourglass"] for name in ("teacher", "teacher_direct")] == [True, False]
keys = ("hourglass", "weight_transfer", "distillation", "total_iter")
assert {name: tuple(train[key] for key in keys) for name, train in configs.items() if "base" not in name} == {
    "direct_mae": (False, False, "mae", 3), "hourglass_mae": (True, False, "mae", 3),
    "transfer_mae": (True, True, "mae", 3), "imitation_mae": (True, True, "mae", 3),
    "imitation_gaussian": (True, True, "gaussian", 3), "imitation_laplace": (True, True, "laplace", 3),
    "transfer_alone": (True, True, "none", 3)}
assert configs["baseline_equal_updates"]["total_iter"] == 6
xml.etree.ElementTree.parse(out + "/ablation.svg")
PYTHON

expect 4 "holds an ablation with other arguments" bash tools/ablation.sh --iters 4 --out "$out" --programs "$programs"

# A training that fails.
mkdir "$folder/broken"
printf '#!/bin/sh\necho no >&2\nexit 3\n' >"$folder/broken/pisr_train"
cp "$folder/broken/pisr_train" "$folder/broken/pisr_eval"
chmod +x "$folder"/broken/*
expect 1 "a training failed; the same command goes on" bash tools/ablation.sh --out "$folder/other" --programs "$folder/broken"
[ ! -e "$folder/other/ablation.md" ] || fail "a table of a failed ablation"
echo "ablation_test: passed"
