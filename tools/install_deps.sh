#!/usr/bin/env bash
# Installs the Debian packages that building and testing need and that are missing. Needs root or sudo.
# usage: tools/install_deps.sh [--build-only]   (--build-only: without the checkers that only check.sh uses)
set -euo pipefail

packages=(cmake ninja-build g++ ccache pkg-config libeigen3-dev nlohmann-json3-dev libstb-dev catch2 libcli11-dev
  libtbb-dev libhwy-dev libpng-dev libjpeg62-turbo-dev libtiff-dev libwebp-dev libbenchmark-dev)
if [ "$(dpkg --print-architecture 2>/dev/null || true)" = amd64 ]; then
  packages+=(libisal-dev) # optional: compresses PNG; Debian has it for this architecture alone
fi
if [ "${1:-}" != --build-only ]; then
  packages+=(clang clang-format clang-tidy libclang-rt-dev doxygen python3 python3-pil python3-numpy ffmpeg valgrind)
fi

missing=()
for package in "${packages[@]}"; do
  if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" != installed ]; then
    missing+=("$package")
  fi
done
if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi

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
