#!/usr/bin/env bash
# Removes each __syncthreads, __syncwarp and copy_wait of the CUDA kernels in turn, builds the emulated kernels
# with it and runs their tests: every removal must be noticed.
# usage: tests/kernels/mutate_barriers.sh BUILD   (a configured build folder in which test_kernels is built)
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
build=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/tree"
cp -r kernels "$folder/tree/"
ninja -C "$build" -t commands test_kernels >"$folder/commands"

failed() { # failed WHAT: ends the script with what its last command has said
  tail -20 "$folder/output" >&2
  echo "mutate_barriers: error: $1" >&2
  exit 1
}
object_of() { echo "$folder/$(basename "$1").o"; }
compile() { # compile SOURCE: within the changed tree
  local command
  command=$(grep -F -- "-c $root/$1" "$folder/commands" | head -1 |
    sed -e "s|ccache ||; s|$root|$folder/tree|g; s| -O[0-9]| -O1|; s| -g1||" \
      -e "s| -M[FT] [^ ]*||g; s| -MD||; s| -o [^ ]*| -o $(object_of "$1")|")
  (cd "$build" && eval "$command") >"$folder/output" 2>&1 || failed "$1 does not compile"
}
link() { # link SOURCE...: these from the changed tree, all else as it was built
  local command source
  command=$(grep -F -- '-o tests/test_kernels ' "$folder/commands" | sed "s| -o [^ ]*| -o $folder/test|")
  for source in "$@"; do
    command=$(sed "s|[^ ]*/cuda/\([^ ]*/\)\{0,1\}$(basename "$source").o|$(object_of "$source")|" <<<"$command")
  done
  (cd "$build" && eval "$command") >"$folder/output" 2>&1 || failed "test_kernels does not link"
}
limit=600 # seconds for a run of the tests: without a change, then several times what that took
passes() { timeout "$limit" "$1" "$2" --abort >"$folder/output" 2>&1; }
users_of() { # the emulated .cu files that contain FILE or include it
  local source
  for source in $(if [[ $1 == *.cu ]]; then echo "$1"; else grep -rl --include="*.cu" "\"$1\"" kernels/cuda; fi); do
    if grep -qF -- "-c $root/$source" "$folder/commands"; then echo "$source"; fi
  done
}
tests_of() { # the tests of the kernels in FILE
  case $1 in
    */fused_fsrcnn.cu) echo 'emulated CUDA: FSRCNN*' ;;
    */cuda/conv/*) echo 'emulated CUDA convolutions*' ;;
    */sums.h) echo 'emulated CUDA kernels*' ;;
    *) echo 'emulated CUDA*' ;;
  esac
}

waits=$(grep -rnE '^\s*(__syncthreads|__syncwarp|copy_wait)\([^)]*\);' kernels/cuda --include="*.cu" --include="*.h")
mapfile -t sources < <(cut -d: -f1 <<<"$waits" | sort -u | while read -r file; do users_of "$file"; done | sort -u)
for source in "${sources[@]}"; do compile "$source"; done
link "${sources[@]}"
started=$SECONDS
passes "$folder/test" 'emulated CUDA*' || failed "the tests fail without a change"
limit=$((30 + 4 * (SECONDS - started))) # a removed barrier may leave threads waiting for ever

removed=0 missed=0
while IFS=: read -r file line _; do
  sed -i -E "${line}s/(__syncthreads|__syncwarp|copy_wait)\([^)]*\);//" "$folder/tree/$file"
  mapfile -t sources < <(users_of "$file")
  for source in "${sources[@]}"; do compile "$source"; done
  link "${sources[@]}"
  removed=$((removed + 1))
  if passes "$folder/test" "$(tests_of "$file")"; then
    echo "MISSED:  $file:$line"
    missed=$((missed + 1))
  else
    echo "noticed: $file:$line"
  fi
  cp "$file" "$folder/tree/$file"
done <<<"$waits"
echo "$removed removals, $missed missed"
[ "$removed" -gt 0 ] && [ "$missed" -eq 0 ]
