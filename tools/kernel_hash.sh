#!/usr/bin/env bash
# Prints a hash of all files in kernels/, by which docs/gpu_verified.json names the kernels that a GPU has verified.
# usage: tools/kernel_hash.sh
set -euo pipefail
cd "$(dirname "$0")/.."
find kernels -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16
