#!/usr/bin/env bash
# The object files of the Eigen back end, one for each level of x86-64, must share no inline function with each other or
# with anybody: the linker keeps one of each, and that might be one that this processor cannot run. So every weak symbol has
# to belong to the level's own namespaces.
# usage: check_eigen_levels.sh OBJECT...   (all objects of the kernels)
set -euo pipefail

shared_symbols() { # shared_symbols OBJECT NAMESPACE EIGEN: what another object may define as well
  # The reference to the exception handler is data, the same in all.
  nm -C --defined-only "$1" | grep -E ' [VWuw] ' | grep -v 'DW\.ref\.__gxx_personality_v0' |
    grep -vE "pisr::kernels::eigen::$2::|$3::" || true
}

checked=0
for object in "$@"; do
  case $object in
    */eigen/avx2.cpp.o) found=$(shared_symbols "$object" avx2 EigenAvx2) ;;
    */eigen/avx512.cpp.o) found=$(shared_symbols "$object" avx512 EigenAvx512) ;;
    */naive/conv.cpp.o) # the check itself: std::vector is shared
      [ -n "$(shared_symbols "$object" avx2 EigenAvx2)" ] || { echo "finds nothing in $object" >&2; exit 1; }
      checked=$((checked + 1))
      continue
      ;;
    *) continue ;;
  esac
  if [ -n "$found" ]; then
    echo "$object defines symbols that others may define for other processors:" >&2
    echo "$found" >&2
    exit 1
  fi
  checked=$((checked + 1))
done
if [ "$checked" -ne 3 ]; then
  echo "wanted avx2.cpp.o, avx512.cpp.o and naive/conv.cpp.o, found $checked of them" >&2
  exit 1
fi
