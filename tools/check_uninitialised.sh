#!/usr/bin/env bash
# Decodes small files of every format under valgrind, so that a byte that was never written is seen where it decides or is
# printed: the corpora of the fuzz targets, and the inputs in ../shared/cases where they are there. Skipped without valgrind.
# usage: tools/check_uninitialised.sh [BUILD_FOLDER]   (build/dev)
set -euo pipefail
cd "$(dirname "$0")/.."
program=$(realpath "${1:-build/dev}/tests/dump_pixels")
if ! command -v valgrind >/dev/null; then
  echo "check_uninitialised: SKIPPED: no valgrind (apt-get install valgrind)"
  exit 0
fi
shared=${PISR_SHARED:-../shared}
files=(tests/fuzz/corpus/image/*)
for file in "$shared"/cases/*.png "$shared"/cases/*.jpg "$shared"/cases/*.bmp; do
  [ ! -f "$file" ] || files+=("$file")
done
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# 3 is the program's own code for a file that it refuses. xargs ends with 123 where a command failed.
export program
if ! printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -n 1 bash -c '
  code=0
  text=$(valgrind --quiet --error-exitcode=99 "$program" "$1" 2>&1 >/dev/null) || code=$?
  if [ "$code" != 0 ] && [ "$code" != 3 ]; then
    printf "check_uninitialised: error: %s: exit code %s\n%s\n" "$1" "$code" "$text" >&2
    exit 1
  fi' _ 2>"$log"; then
  head -n 60 "$log" >&2
  exit 1
fi
echo "check_uninitialised: ${#files[@]} files, no uninitialised byte"
