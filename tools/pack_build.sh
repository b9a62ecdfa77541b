#!/usr/bin/env bash
# Makes a folder for tools/gpu_check.sh on a machine with a GPU that lacks the packages of this one.
# usage: tools/pack_build.sh BUILD DIR     the programs and tests of a build, and the libraries they load
#        tools/pack_build.sh --deps DIR    headers and libraries to build with
set -euo pipefail
cd "$(dirname "$0")/.."
if [ $# -ne 2 ]; then
  echo "pack_build: error: needs BUILD DIR or --deps DIR" >&2
  exit 2
fi
target=$2
mkdir -p "$target"
if [ "$1" = --deps ]; then
  folder=$(realpath "$target")
  mkdir -p "$folder/packages"
  wanted='libeigen3-dev nlohmann-json3-dev libstb-dev catch2 libcli11-dev libtbb-dev libhwy-dev libpng-dev
    libjpeg62-turbo-dev zlib1g-dev libisal-dev libbenchmark-dev pkgconf'
  # Without the C and C++ libraries, which are everywhere.
  # shellcheck disable=SC2086
  packages=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
    --no-enhances --no-pre-depends $wanted | grep -E '^[a-z0-9]' |
    grep -E '^(lib(tbb|hwy|png|jpeg|isal|benchmark|pkgconf|stb|cli11|eigen)|zlib|pkgconf|nlohmann|catch2)' | grep -v ':' | sort -u)
  # shellcheck disable=SC2086
  (cd "$folder/packages" && apt-get -qq download $packages)
  for package in "$folder"/packages/*.deb; do
    dpkg -x "$package" "$folder"
  done
  rm -r "$folder/packages"
  # Links to absolute paths of this machine.
  find "$folder" -type l -lname '/*' | while read -r link; do
    ln -sfn "$(realpath -m --relative-to="$(dirname "$link")" "$folder$(readlink "$link")")" "$link"
  done
  exit 0
fi
build=$1
for part in tools benchmarks tests; do
  mkdir -p "$target/$part"
  for program in "$build/$part"/pisr_* "$build/$part"/test_*; do
    if [ -f "$program" ] && [ -x "$program" ]; then
      strip -o "$target/$part/$(basename "$program")" "$program"
    fi
  done
done
# The system's own libraries (C, C++, mathematics, threads) are everywhere; another version of them would do harm.
mkdir -p "$target/lib"
ldd "$target"/*/* | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u |
  grep -vE '/(libc|libm|libdl|libpthread|librt|libgcc_s|libstdc\+\+)\.so' | xargs -I{} cp -L {} "$target/lib/"
du -sh "$target"
