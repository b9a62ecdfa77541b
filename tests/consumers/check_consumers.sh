#!/usr/bin/env bash
# Installs the library static and shared, moves the installation, and builds programs with it in every way that users
# have: find_package, pkg-config, add_subdirectory, FetchContent. Their results must be the same. Also: what the shared
# libraries export and need, and that no header shows what belongs to others.
#
# usage: tests/consumers/check_consumers.sh FOLDER [CMAKE_OPTIONS...]   e.g. build/consumers -DPISR_CUDA=ON
#
# What is built of the library lies in FOLDER-static, FOLDER-shared, ..., beside other build folders: ccache knows what
# those have compiled only in folders of the same depth.
set -euo pipefail
sources=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mkdir -p "$1" && cd "$1" && pwd)
shift
options=(--no-warn-unused-cli -G Ninja -DPISR_TESTS=OFF -DPISR_TOOLS=OFF -DPISR_BENCHMARKS=OFF -DPISR_WERROR=ON -DCMAKE_BUILD_TYPE=Release
  "$@")
if command -v ccache >/dev/null; then
  options+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
fi
fail() {
  echo "check_consumers: error: $*" >&2
  exit 1
}

# same KIND COMMAND...: what the program prints is what the first of its kind printed.
declare -A printed
same() {
  local kind=$1 text
  shift
  text=$("$@") || fail "$* failed"
  [ "${printed[$kind]:=$text}" = "$text" ] || fail "$* printed '$text', the first '${printed[$kind]}'"
}

run_programs() { # run_programs FOLDER
  same c "$1/enlarge_c"
  same cpp "$1/enlarge_cpp"
  same engine "$1/engine"
  [ "${printed[c]% *}" = "${printed[cpp]}" ] || fail "C and C++ differ: ${printed[c]}, ${printed[cpp]}"
}

with_cmake() { # with_cmake NAME OPTIONS...
  local name=$1
  shift
  cmake -S "$sources/tests/consumers" -B "$folder-$name" "${options[@]}" "$@" >"$folder/$name.log" || fail "$(tail -20 "$folder/$name.log")"
  cmake --build "$folder-$name" --parallel "$(nproc)" --target enlarge_c enlarge_cpp engine -- --quiet
  run_programs "$folder-$name"
  echo "$name: ${printed[c]}, engine ${printed[engine]}"
}

with_pkg_config() { # with_pkg_config KIND PREFIX
  local out=$folder/pkg-config-$1 static=() flags
  mkdir -p "$out"
  [ "$1" = shared ] || static=(--static)
  export PKG_CONFIG_PATH=$2/lib/pkgconfig:$2/lib/$(gcc -print-multiarch)/pkgconfig
  flags() { pkg-config "${static[@]}" "$@"; }
  local rpath=-Wl,-rpath,$(pkg-config --variable=libdir pisr)
  # shellcheck disable=SC2046
  {
    cc -std=c99 -Wall -Wextra -Wpedantic -Werror -c "$sources/tests/consumers/enlarge.c" -o "$out/enlarge_c.o" $(flags --cflags pisr)
    c++ "$out/enlarge_c.o" -o "$out/enlarge_c" $(flags --libs pisr) "$rpath"
    c++ -std=c++20 "$sources/tests/consumers/enlarge.cpp" -o "$out/enlarge_cpp" $(flags --cflags --libs pisr) "$rpath"
    c++ -std=c++20 "$sources/tests/consumers/engine.cpp" -o "$out/engine" $(flags --cflags --libs pisr-core) "$rpath"
  }
  run_programs "$out"
  echo "pkg-config, $1: $(pkg-config --modversion pisr)"
}

# exported LIBRARY: its symbols, demangled; of inline functions and templates nothing, which vary with the compiler.
exported() {
  nm -D --defined-only "$1" | awk '$2 != "W" && $2 != "V" { print $3 }' | c++filt | LC_ALL=C sort -u
}

stripped_size() { # stripped_size LIBRARY: without symbols for debugging
  strip --strip-debug "$1" -o "$folder/stripped" && stat -c %s "$folder/stripped"
}

check_symbols() { # check_symbols PREFIX
  local library file lib
  for library in pisr_core pisr; do
    lib=$(find "$1" -name "lib$library.so")
    nm -D --defined-only "$lib" | awk '{ print $3 }' | c++filt |
      grep -vE '^(pisr::|pisr_|(typeinfo|typeinfo name|vtable) for pisr::)' && fail "lib$library.so exports what is not pisr's"
    file=$sources/tests/consumers/symbols_$library.txt
    exported "$lib" >"$folder/symbols_$library.txt"
    diff "$file" "$folder/symbols_$library.txt" >"$folder/symbols.diff" ||
      fail "lib$library.so does not export what $file lists (a change of the interface changes it; < listed, > exported):
$(head -20 "$folder/symbols.diff")"
    echo "lib$library.so: $(stripped_size "$lib") bytes, $(wc -l <"$file") symbols; needs $(readelf -d "$lib" |
      sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | tr '\n' ' ')"
  done
}

check_headers() { # check_headers PREFIX
  local others
  others=$(grep -rhE '^ *# *include' "$1/include" | grep -E '<[^>]*/[^>]*>|\.h>|\.hpp>' | grep -vE '<(std(def|int)|pisr/.*)\.h>' || true)
  [ -z "$others" ] || fail "headers of others in public ones: $others"
  # Each can be included alone.
  (cd "$1/include" && find pisr -name '*.h' | sort) | while read -r header; do
    echo "#include <$header>" | c++ -std=c++20 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I "$1/include" -x c++ - ||
      fail "<$header> cannot be included alone"
  done
}

for kind in static shared; do
  shared=$([ $kind = shared ] && echo ON || echo OFF)
  cmake -S "$sources" -B "$folder-$kind" "${options[@]}" -DBUILD_SHARED_LIBS=$shared >"$folder/$kind.log" || fail "$(tail -20 "$folder/$kind.log")"
  cmake --build "$folder-$kind" --parallel "$(nproc)" -- --quiet
  rm -rf "$folder/$kind-first" "$folder/$kind-moved"
  cmake --install "$folder-$kind" --prefix "$folder/$kind-first" >"$folder/$kind-install.log"
  mv "$folder/$kind-first" "$folder/$kind-moved"
  ! grep -rIl "$folder/$kind-first" "$folder/$kind-moved" || fail "the installation holds its prefix"
  with_cmake find_package-$kind -DCMAKE_PREFIX_PATH="$folder/$kind-moved"
  cmake -S "$sources/tests/consumers/core_alone" -B "$folder/core_alone-$kind" "${options[@]}" \
    -DCMAKE_PREFIX_PATH="$folder/$kind-moved" >"$folder/core_alone.log" || fail "$(tail -20 "$folder/core_alone.log")"
  cmake --build "$folder/core_alone-$kind" -- --quiet
  same engine "$folder/core_alone-$kind/engine"
  with_pkg_config $kind "$folder/$kind-moved"
  for program in your_network tutorial; do # what the documents show
    cmake -S "$sources/tests/$program" -B "$folder/$program-$kind" "${options[@]}" \
      -DCMAKE_PREFIX_PATH="$folder/$kind-moved" >"$folder/$program.log" || fail "$(tail -20 "$folder/$program.log")"
    cmake --build "$folder/$program-$kind" -- --quiet
    same $program sh -c "cd $folder && $program-$kind/$program"
  done
done
check_symbols "$folder/shared-moved"
python=${PISR_TEST_PYTHON:-/usr/bin/python3}
if "$python" -c 'import numpy' 2>/dev/null; then
  sum=$("$python" "$sources/tests/consumers/enlarge_ctypes.py" "$(find "$folder/shared-moved" -name libpisr.so)")
  [ "${printed[cpp]#* }" = "$sum" ] || fail "ctypes: $sum, C++: ${printed[cpp]}"
  echo "ctypes: $sum"
else
  echo "check_consumers: skipped: ctypes, $python has no numpy" >&2
  [ -z "${PISR_REQUIRE_SHARED:-}" ] || exit 1
fi
check_headers "$folder/static-moved"
with_cmake add_subdirectory -DPISR_BY=add_subdirectory -DPISR_SOURCES="$sources"
with_cmake FetchContent -DPISR_BY=FetchContent -DPISR_SOURCES="$sources" -DBUILD_SHARED_LIBS=ON
for library in pisr_core pisr; do
  echo "lib$library.a: $(stripped_size "$(find "$folder/static-moved" -name lib$library.a)") bytes"
done
echo "passed"
