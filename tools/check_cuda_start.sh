#!/usr/bin/env bash
# Programs built with CUDA must start on machines without it: no CUDA library may be linked. Without a device,
# --device cuda must end with 6 and the reason, --device auto must go on with one line.
# usage: tools/check_cuda_start.sh FOLDER_OF_PROGRAMS
set -euo pipefail
programs=${1:?needs the folder of the programs, such as build/cuda/tools}
fail() {
  echo "check_cuda_start: error: $1" >&2
  exit 1
}
for program in "$programs"/pisr_*; do
  if [ ! -x "$program" ] || [ -d "$program" ]; then
    continue
  fi
  if ldd "$program" | grep -E 'libcuda|libcudart|libcudnn'; then
    fail "$program links a CUDA library"
  fi
done
listed=$("$programs/pisr_upscale" --list-devices 2>/dev/null)
if [ "$listed" != cpu ]; then
  echo "check_cuda_start: there is a device, so the start without one is not shown: $listed"
  exit 0
fi
start() { # start CODE DEVICE: with weights that are not there, which are looked for after the device
  local code=0 text
  text=$("$programs/pisr_upscale" -i none.png -o none.png -m none.safetensors --device "$2" 2>&1) || code=$?
  printf -- '--device %s: exit %d: %s\n' "$2" "$code" "${text//$'\n'/ | }"
  [ "$code" = "$1" ] || fail "--device $2: wanted exit $1"
}
start 6 cuda
start 5 auto
