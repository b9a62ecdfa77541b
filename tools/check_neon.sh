#!/usr/bin/env bash
# Tests the CPU kernels on NEON without an ARM machine: cross-compiles for 64-bit ARM with warnings as errors and runs
# the tests of kernels, core and nn under qemu. Tests of kernels on emulated CUDA devices are left out: they are slow
# there and do not use NEON. So are most of Eigen's, whose code but for Eigen itself is that of x86-64. Without a model,
# pisr and the programs are not built: they have no code for one architecture. Needs Debian,
# g++-aarch64-linux-gnu and qemu-user-static. The arm64 libraries are downloaded and unpacked below build/; no package of
# another architecture is installed. The speed of NEON is not measured.
# With a model and an image, the enlarged image must have the bytes that AVX2 gives on this machine.
# usage: tools/check_neon.sh [MODEL IMAGE]
#   PISR_CHECK_NEON=1 installs what is missing, 0 skips. Not set, the script skips where compiler or qemu is missing.
set -euo pipefail
model=${1:+$(realpath "$1")}
image=${1:+$(realpath "${2:?needs an image beside the model}")}
cd "$(dirname "$0")/.."

tools=(g++-aarch64-linux-gnu qemu-user-static)
libraries=(libhwy-dev libtbb-dev libpng-dev libjpeg62-turbo-dev libtiff-dev libwebp-dev libeigen3-dev
  nlohmann-json3-dev libstb-dev catch2 libcli11-dev)
build=build/neon
sysroot=$PWD/build/neon-sysroot

say() { printf 'check_neon: [%3ds] %s\n' "$SECONDS" "$*"; }
fail() {
  echo "check_neon: error: $*" >&2
  exit 1
}
skip() {
  echo "check_neon: SKIPPED, NEON is not checked: $*"
  exit 0
}

missing=()
for tool in aarch64-linux-gnu-g++ qemu-aarch64-static; do
  command -v "$tool" >/dev/null || missing+=("$tool")
done
if [ "${PISR_CHECK_NEON:-}" = 0 ]; then
  skip "PISR_CHECK_NEON=0"
elif [ ${#missing[@]} -gt 0 ]; then
  [ "${PISR_CHECK_NEON:-}" = 1 ] || skip "no ${missing[*]} (PISR_CHECK_NEON=1 installs ${tools[*]})"
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${tools[@]}" >/dev/null
fi

# Unpacks the arm64 libraries with a private apt configuration that knows arm64 only.
make_sysroot() {
  local new=$sysroot.new release mirror packages
  release=$(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME") || fail "the arm64 libraries are Debian's"
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $release" | head -n 1)
  [ -n "$mirror" ] || fail "apt knows no mirror of Debian $release: apt-get update"
  rm -rf "$new"
  mkdir -p "$new"/apt/{lists,cache}/partial "$new"/{debs,usr/lib}
  ln -s usr/lib "$new/lib"
  touch "$new/apt/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $release main" \
    >"$new/apt/sources.list"
  cat >"$new/apt/apt.conf" <<END
Dir::State "$new/apt";
Dir::State::status "$new/apt/status";
Dir::Cache "$new/apt/cache";
Dir::Etc::sourcelist "$new/apt/sources.list";
Dir::Etc::sourceparts "-";
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Sandbox::User "";
END
  export APT_CONFIG=$new/apt/apt.conf
  apt-get update -qq
  # Without the C and C++ libraries, which the cross compiler has.
  packages=$(apt-get install -s -qq --no-install-recommends "${libraries[@]}" | awk '$1 == "Inst" { print $2 }' |
    grep -Ev '^(libc6|libc-dev-bin|linux-libc-dev|libgcc|libstdc\+\+|gcc-)')
  (cd "$new/debs" && apt-get download -qq $packages)
  unset APT_CONFIG
  for package in "$new"/debs/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x -C "$new" --keep-directory-symlink
  done
  # Links that start at the root of the file system.
  find "$new/usr/lib" -type l -lname '/*' -printf '%l\t%p\n' | while IFS=$'\t' read -r target link; do
    ln -sfn "$sysroot$target" "$link"
  done
  rm -rf "$new/debs" "$new/apt" "$sysroot"
  mv "$new" "$sysroot"
}
wanted="${libraries[*]}, $(declare -f make_sysroot | md5sum)"
if [ "$(cat "$sysroot/made_of" 2>/dev/null)" != "$wanted" ]; then
  say "arm64 libraries"
  make_sysroot
  echo "$wanted" >"$sysroot/made_of"
fi

say "build"
launcher=()
if command -v ccache >/dev/null; then
  launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-pch_defines,time_macros}  # for the precompiled header of the tests
fi
cmake --preset neon "${launcher[@]}" >/dev/null
cmake --build --preset neon --parallel "$(nproc)" --target test_kernels test_core test_nn ${model:+pisr_upscale} -- --quiet

say "the accumulators of the convolutions stay in registers"
object=$(find $build/kernels -name 'conv_vector_ops.cpp.o')
aarch64-linux-gnu-objdump -d --no-show-raw-insn "$object" | awk -f tools/spilled_loops.awk

emulated=(qemu-aarch64-static -L /usr/aarch64-linux-gnu -E "LD_LIBRARY_PATH=$sysroot/usr/lib/aarch64-linux-gnu")
run() { # run PROGRAM FILTER: an emulated processor takes ten times as long, so programs run beside each other
  local log
  log=$(mktemp -p $build)
  if ! "${emulated[@]}" "$build/tests/$1" "$2" >"$log" 2>&1; then
    cat "$log"
    return 1
  fi
  echo "$1 '$2': $(grep -oE '[0-9]+ assertions in [0-9]+ test cases' "$log")"
}
say "tests of kernels, core and nn"
run test_kernels '~[device]~[eigen]~*mulat*' &
kernels=$!
run test_core '*'
run test_nn '*'
run test_kernels 'Eigen kernels agree*'
wait "$kernels"

say "a processor without AES has NEON too"
aarch64-linux-gnu-g++ -shared -fPIC -o $build/without_aes.so tests/kernels/arm/without_aes.cpp
"${emulated[@]}" -E "LD_PRELOAD=$PWD/$build/without_aes.so" $build/tests/test_kernels '*nstruction set that*,Every instruction set*' |
  sed '/^Filters/d; /^=*$/d'

if [ -n "$model" ]; then
  say "an enlarged image, NEON and AVX2"
  cmake --preset dev "${launcher[@]}" >/dev/null
  cmake --build --preset dev --parallel "$(nproc)" --target pisr_upscale -- --quiet
  for threads in 1 2 3 8; do
    PISR_ISA=neon "${emulated[@]}" $build/tools/pisr_upscale -m "$model" -i "$image" -o $build/neon.png -j $threads --overwrite
    PISR_ISA=avx2 build/dev/tools/pisr_upscale -m "$model" -i "$image" -o $build/avx2.png -j $threads --overwrite
    cmp $build/neon.png $build/avx2.png || fail "$image, $threads threads: NEON's is not AVX2's"
  done
  echo "the same bytes, 1, 2, 3 and 8 threads"
fi
say "done"
