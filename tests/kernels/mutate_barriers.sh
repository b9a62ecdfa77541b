#!/usr/bin/env bash
# Removes each __syncthreads, __syncwarp and copy_wait of the CUDA kernels in turn, builds the emulated kernels
# with it and runs their tests: every removal must be noticed. As many removals at once as there are processors.
# usage: tests/kernels/mutate_barriers.sh BUILD   (a configured build folder in which test_kernels is built)
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
build=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
ninja -C "$build" -t commands test_kernels >"$folder/commands"

# A removal has a place of its own: the changed tree, its objects, its test program and what the last command said.
failed() { # failed PLACE WHAT
  tail -20 "$1/output" >&2
  echo "mutate_barriers: error: $2" >&2
  return 1
}
object_of() { echo "$1/$(basename "$2").o"; } # object_of PLACE SOURCE
compile() { # compile PLACE SOURCE: within the changed tree
  local command
  command=$(grep -F -- "-c $root/$2" "$folder/commands" | head -1 |
    sed -e "s|ccache ||; s|$root|$1/tree|g; s| -O[0-9]| -O1|; s| -g1||" \
      -e "s| -M[FT] [^ ]*||g; s| -MD||; s| -o [^ ]*| -o $(object_of "$1" "$2")|")
  (cd "$build" && eval "$command") >"$1/output" 2>&1 || failed "$1" "$2 does not compile"
}
link() { # link PLACE SOURCE...: these from the changed tree, all else as it was built
  local place=$1 command source
  shift
  command=$(grep -F -- '-o tests/test_kernels ' "$folder/commands" | sed "s| -o [^ ]*| -o $place/test|")
  for source in "$@"; do
    command=$(sed "s|[^ ]*/cuda/\([^ ]*/\)\{0,1\}$(basename "$source").o|$(object_of "$place" "$source")|" <<<"$command")
  done
  (cd "$build" && eval "$command") >"$place/output" 2>&1 || failed "$place" "test_kernels does not link"
}
make_place() { # make_place NAME: prints its folder
  mkdir -p "$folder/$1/tree"
  cp -r kernels "$folder/$1/tree/"
  echo "$folder/$1"
}
users_of() { # the emulated .cu files that contain FILE or include it
  local source
  for source in $(if [[ $1 == *.cu ]]; then echo "$1"; else grep -rl --include="*.cu" "\"$1\"" kernels/cuda; fi); do
    if grep -qF -- "-c $root/$source" "$folder/commands"; then echo "$source"; fi
  done
}
first_and_others() { printf '%s\n' "$1" "\"emulated CUDA convolutions*\"~\"$1\""; }
tests_of() { # the tests of the kernels in FILE, one filter a line: first those that are most likely to notice
  case $1 in
    */fused_fsrcnn.cu) echo 'emulated CUDA: FSRCNN*' ;;
    */conv_tf32_*) first_and_others 'emulated CUDA convolutions in TF32*' ;;
    */conv_fp32_*) first_and_others 'emulated CUDA convolutions in float*' ;;
    */conv_weight_gradient_tiles.cu) first_and_others 'emulated CUDA convolutions: *' ;;
    */cuda/conv/*) echo 'emulated CUDA convolutions*' ;;
    */sums.h) echo 'emulated CUDA kernels*' ;;
    *) echo 'emulated CUDA*' ;;
  esac
}
remove() { # remove FILE:LINE: prints whether the tests notice it
  local file=${1%:*} line=${1#*:} place sources source tests verdict=MISSED
  place=$(make_place "removal/${1//\//_}")
  sed -i -E "${line}s/(__syncthreads|__syncwarp|copy_wait)\([^)]*\);//" "$place/tree/$file"
  mapfile -t sources < <(users_of "$file")
  for source in "${sources[@]}"; do compile "$place" "$source" || return 1; done
  link "$place" "${sources[@]}" || return 1
  while IFS= read -r tests; do
    if ! timeout "$limit" "$place/test" "$tests" --abort >"$place/output" 2>&1; then
      verdict=noticed
      break
    fi
  done < <(tests_of "$file")
  printf '%-8s %s\n' "$verdict:" "$1"
  rm -rf "$place"
}
export root build folder
export -f failed object_of compile link make_place users_of first_and_others tests_of remove

mapfile -t places < <(grep -rnE '^\s*(__syncthreads|__syncwarp|copy_wait)\([^)]*\);' kernels/cuda --include="*.cu" \
  --include="*.h" | cut -d: -f1,2)
unchanged=$(make_place unchanged)
mapfile -t sources < <(printf '%s\n' "${places[@]%:*}" | sort -u | while read -r file; do users_of "$file"; done | sort -u)
printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -I{} bash -c "compile '$unchanged' {}"
link "$unchanged" "${sources[@]}"
started=$SECONDS
"$unchanged/test" 'emulated CUDA*' >"$unchanged/output" 2>&1 || failed "$unchanged" "the tests fail without a change"
# Removals run beside each other, and one may leave threads waiting for ever.
export limit=$((30 + 6 * (SECONDS - started)))

printf '%s\n' "${places[@]}" | xargs -P "$(nproc)" -I{} bash -c 'remove {}' | tee "$folder/results"
removed=$(grep -c . "$folder/results" || true)
missed=$(grep -c '^MISSED' "$folder/results" || true)
echo "$removed removals, $missed missed"
[ "$removed" -eq "${#places[@]}" ] && [ "$removed" -gt 0 ] && [ "$missed" -eq 0 ]
