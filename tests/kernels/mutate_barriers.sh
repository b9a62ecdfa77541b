#!/usr/bin/env bash
# Removes each __syncthreads and copy_wait of the CUDA kernels in turn, builds the emulated kernels with it
# and runs their tests: every removal must be noticed.
# usage: tests/kernels/mutate_barriers.sh BUILD   (a configured build folder in which test_kernels is built)
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(realpath "$1")
tests='emulated CUDA*'
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/tree" "$folder/objects"
cp -r kernels "$folder/tree/"

# The objects of the test program but for the kernels', which come from the changed sources.
mapfile -t objects < <(cd "$build" && find "$PWD" -path '*test_kernels.dir*' -name '*.o' -o \
  -path '*pisr_test_main.dir*' -name '*.o' -o -path '*pisr_kernels.dir*' -name '*.o' -o \
  -path '*pisr_emulated_cuda.dir*' -name '*.cpp.o')
compile() { # compile SOURCE: within the changed tree
  g++ -std=c++17 -O1 -ffp-contract=off -fPIC -I "$folder/tree" -x c++ -c "$folder/tree/$1" \
    -o "$folder/objects/$(basename "$1").o"
}
noticed() { # builds and runs; whether a test failed
  g++ "${objects[@]}" "$folder"/objects/*.o -lhwy -lpthread -o "$folder/test"
  ! timeout 120 "$folder/test" "$tests" >"$folder/output" 2>&1
}
users_of() { # the .cu files that contain FILE or include it
  if [[ $1 == *.cu ]]; then echo "$1"; else grep -l "\"$1\"" kernels/cuda/*.cu; fi
}

for source in kernels/cuda/*.cu; do compile "$source"; done
if noticed; then
  echo "mutate_barriers: error: the tests fail without a change" >&2
  tail -20 "$folder/output" >&2
  exit 1
fi

removed=0 missed=0
while IFS=: read -r file line _; do
  sed -i -E "${line}s/(__syncthreads|copy_wait)\(\);//" "$folder/tree/$file"
  for source in $(users_of "$file"); do compile "$source"; done
  removed=$((removed + 1))
  if noticed; then
    echo "noticed: $file:$line"
  else
    echo "MISSED:  $file:$line"
    missed=$((missed + 1))
  fi
  cp "$file" "$folder/tree/$file"
  for source in $(users_of "$file"); do compile "$source"; done
done < <(grep -nE '^\s*(__syncthreads|copy_wait)\(\);' kernels/cuda/*.cu kernels/cuda/*.h)
echo "$removed removals, $missed missed"
[ "$removed" -gt 0 ] && [ "$missed" -eq 0 ]
