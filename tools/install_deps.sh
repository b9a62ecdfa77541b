#!/usr/bin/env bash
# Installs the Debian packages that building and testing need and that are missing. Needs root or sudo. Makes the Python
# environment .venv that tests of exported networks run in.
# usage: tools/install_deps.sh [--build-only]   (--build-only: without the checkers that only check.sh uses)
set -euo pipefail

packages=(cmake ninja-build g++ ccache pkg-config libeigen3-dev nlohmann-json3-dev libstb-dev catch2 libcli11-dev
  libtbb-dev libopenmpi-dev openmpi-bin libhwy-dev libpng-dev libjpeg62-turbo-dev libtiff-dev libwebp-dev libbenchmark-dev)
if [ "$(dpkg --print-architecture 2>/dev/null || true)" = amd64 ]; then
  packages+=(libisal-dev) # optional: compresses PNG; Debian has it for this architecture alone
fi
if [ "${1:-}" != --build-only ]; then
  packages+=(clang clang-format clang-tidy libclang-rt-dev doxygen python3 python3-pil python3-numpy python3-venv python3-dev ffmpeg
    mesa-vulkan-drivers valgrind zsh fish groff-base man-db dpkg-dev lintian chromium)
fi

missing=()
for package in "${packages[@]}"; do
  if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" != installed ]; then
    missing+=("$package")
  fi
done
install_missing() {
  if ! command -v apt-get >/dev/null; then
    echo "install_deps: error: no apt-get here; install by hand: ${missing[*]}" >&2
    exit 1
  fi
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo)
  fi
  echo "installing: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
if [ ${#missing[@]} -gt 0 ]; then
  install_missing
fi

if [ "${1:-}" != --build-only ]; then
  # The environment names the requirements that it was made of.
  folder=$(cd "$(dirname "$0")/.." && pwd)
  if ! cmp -s "$folder/tests/tools/requirements.txt" "$folder/.venv/requirements.txt"; then
    echo "installing into .venv: $(grep -v '^#' "$folder/tests/tools/requirements.txt" | tr '\n' ' ')"
    python3 -m venv "$folder/.venv"
    "$folder/.venv/bin/pip" install --quiet --disable-pip-version-check -r "$folder/tests/tools/requirements.txt"
    cp "$folder/tests/tools/requirements.txt" "$folder/.venv/requirements.txt"
  fi
fi
