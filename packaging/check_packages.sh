#!/usr/bin/env bash
# Makes the packages of a build folder and tests them without installing: unpacks the Debian packages and the archive
# beside each other, runs a program from there, and looks at the manual page, the completions, the dependencies and what
# lintian says.
# usage: packaging/check_packages.sh BUILD_FOLDER   (built with CMAKE_INSTALL_PREFIX=/usr, as the preset package is)
set -euo pipefail
build=$(realpath "${1:?usage: packaging/check_packages.sh BUILD_FOLDER}")
cd "$(dirname "$0")/.."

fail() {
  echo "check_packages: error: $*" >&2
  exit 1
}
for tool in cpack dpkg-deb dpkg-shlibdeps man groff; do
  command -v "$tool" >/dev/null || fail "no $tool"
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cpack --config "$build/CPackConfig.cmake" -B "$work/packages" >"$work/log" 2>&1 ||
  { cat "$work/log" >&2; fail "cpack"; }
packages=("$work"/packages/*.deb)
archive=("$work"/packages/*.tar.gz)
[ -f "${packages[0]}" ] || fail "no Debian package"
[ -f "${archive[0]}" ] || fail "no archive"

mkdir "$work/debian" "$work/archive"
for package in "${packages[@]}"; do
  name=$(dpkg-deb -f "$package" Package)
  dpkg -x "$package" "$work/debian"
  for document in copyright changelog.gz changelog.Debian.gz; do
    [ -f "$work/debian/usr/share/doc/$name/$document" ] || fail "$name: no $document"
  done
  echo "$name $(dpkg-deb -f "$package" Version): $(dpkg-deb -c "$package" | grep -vc '/$') files, depends on" \
    "$(dpkg-deb -f "$package" Depends | sed 's/^$/nothing/')"
done
pisr=$(ls "$work"/packages/pisr_*.deb)
dpkg-deb -f "$pisr" Depends | grep -q 'libc6 ' || fail "pisr: no dependency on the C library"
tar -x -C "$work/archive" --strip-components=1 -f "${archive[0]}"

printf 'P5\n8 8\n255\n%064d' 0 >"$work/small.pgm"
for root in "$work/debian/usr" "$work/archive"; do
  for program in pisr_upscale pisr_train pisr_eval pisr_report pisr_export; do
    "$root/bin/$program" --version >/dev/null || fail "$root/bin/$program does not run"
  done
  "$root/bin/pisr_upscale" -i "$work/small.pgm" -o "$work/large.png" -s 2 --overwrite -q
  [ "$(od -An -j16 -N8 -tx1 "$work/large.png" | tr -d ' ')" = 0000001000000010 ] || fail "the image is not 16x16"
  bash -n "$root/share/bash-completion/completions/pisr_upscale"
  [ -s "$root/share/pisr/starts/fsrcnn_x2.safetensors" ] || fail "no weights that trainings start from"
  [ -s "$root/share/zsh/site-functions/_pisr_upscale" ] || fail "no completion of zsh"
  [ -s "$root/share/fish/vendor_completions.d/pisr_upscale.fish" ] || fail "no completion of fish"
  page=$(ls "$root"/share/man/man1/pisr_upscale.1*)
  complaints=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l "$page" 2>&1 >"$work/page")
  [ -z "$complaints" ] || fail "$page: $complaints"
  grep -q -- '--scale' "$work/page" || fail "$page: no --scale"
done
echo "programs, manual pages and completions: as packed"

if ! command -v lintian >/dev/null; then
  echo "check_packages: SKIPPED: no lintian"
  exit
fi
lintian --no-cfg --allow-root --profile debian --fail-on error "${packages[@]}" || fail "lintian finds errors"
echo "lintian: no errors"
