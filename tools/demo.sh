#!/usr/bin/env bash
# Builds the programs, distils a student from the teacher in pisr/weights/starts on the built-in images, trains the FSRCNN
# it is compared with (about five minutes on two cores), and writes a report to look at. Continues where it was interrupted.
# usage: tools/demo.sh [RUNS_DIR] [--data DIR]...   (RUNS_DIR: runs/demo; DIR: more images to measure on, e.g. Set5)
set -euo pipefail
cd "$(dirname "$0")/.."

runs=runs/demo
if [ $# -gt 0 ] && [ "${1:0:1}" != - ]; then
  runs=$1
  shift
fi

bash tools/install_deps.sh --build-only
echo "building ..."
cmake --preset cpu -DPISR_TESTS=OFF -DCMAKE_CXX_COMPILER_LAUNCHER=ccache >/dev/null
cmake --build --preset cpu --parallel "$(nproc)" -- --quiet
programs=build/cpu/tools

train() { # train NAME ARGUMENT...
  local name=$1
  shift
  if [ ! -e "$runs/$name/report.html" ]; then
    echo "training: $name"
    "$programs/pisr_train" --config configs/demo.json --out "$runs/$name" --resume auto "$@"
  fi
}
start=$SECONDS
# The student's baselines: one of as many updates as the student, from the beginning, and one of as many as teacher and
# student together, which starts from weights that had as many updates as the teacher, on the same photographs.
train baseline --phase baseline
train baseline_equal_updates --phase baseline --set train.init_weights=pisr/weights/starts/fsrcnn_x2.safetensors
train student --phase student --set train.teacher_weights=pisr/weights/starts/fsrcnn-teacher_x2.safetensors
echo "trained for $((SECONDS - start)) s"

report() { "$programs/pisr_report" "$runs/student" "$runs/baseline" "$runs/baseline_equal_updates" --title "PISR demo" "$@"; }
echo
echo "PSNR / SSIM, x2, protocol pisr, weights of the last iteration:"
if [ $# -gt 0 ]; then
  report --output "$runs/report_data.html" "$@"
fi
report --output "$runs/report.html"
echo "Open $runs/report.html in a browser."
