#!/usr/bin/env bash
# Builds the programs, trains a PISR teacher and student and the FSRCNN they are compared with on the built-in
# images (about five minutes on two cores), and writes a report to look at. Continues where it was interrupted.
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
# Two baselines: as many updates as the student, and as many as teacher and student together.
train baseline --phase baseline
train baseline_equal_updates --phase baseline --set train.total_iter=2100
train pisr --phase all
echo "trained for $((SECONDS - start)) s"

report() { "$programs/pisr_report" "$runs/pisr" "$runs/baseline" "$runs/baseline_equal_updates" --title "PISR demo" "$@"; }
echo
echo "PSNR / SSIM, x2, protocol pisr, weights of the last iteration:"
if [ $# -gt 0 ]; then
  report --output "$runs/report_data.html" "$@"
fi
report --output "$runs/report.html"
echo "Open $runs/report.html in a browser."
