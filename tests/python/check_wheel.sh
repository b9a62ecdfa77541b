#!/usr/bin/env bash
# Builds the wheel, installs it in a fresh environment and runs its tests, with a pisr_upscale beside it whose bytes the
# results must have. The wheel may need nothing but what every Linux has.
#
# usage: tests/python/check_wheel.sh FOLDER PISR_UPSCALE [OPTIONS...]   builds in FOLDER and FOLDER-build, with options of pip
set -euo pipefail
sources=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mkdir -p "$1" && cd "$1" && pwd)
program=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
shift 2
if command -v ccache >/dev/null; then
  export CMAKE_CXX_COMPILER_LAUNCHER=ccache CMAKE_C_COMPILER_LAUNCHER=ccache
fi
[ -x "$folder/tools/bin/auditwheel" ] || {
  python3 -m venv "$folder/tools"
  "$folder/tools/bin/pip" -q install "scikit-build-core==1.1.2" "nanobind==3.1.0" "auditwheel==6.8.2" ninja
}
rm -rf "$folder/wheel" "$folder/fresh"
"$folder/tools/bin/pip" -q wheel "$sources" --no-deps --no-build-isolation --wheel-dir "$folder/wheel" \
  -Cbuild-dir="$folder-build" -Cinstall.strip=true -Ccmake.define.PISR_WERROR=ON "$@"
wheel=$(ls "$folder"/wheel/pisr-*.whl)
echo "$(basename "$wheel"): $(stat -c %s "$wheel") bytes"
PATH="$folder/tools/bin:$PATH" "$folder/tools/bin/auditwheel" show "$wheel" | tee "$folder/auditwheel.txt"
tr '\n' ' ' <"$folder/auditwheel.txt" | grep -q 'following platform tag: "manylinux_2_' || {
  echo "check_wheel: error: the wheel is no manylinux wheel" >&2
  exit 1
}
python3 -m venv "$folder/fresh"
"$folder/fresh/bin/pip" -q install "$wheel" pytest
cd "$folder" # not where the sources of the package are
PISR_UPSCALE=$program "$folder/fresh/bin/python" -m pytest -q -p no:cacheprovider "$sources/tests/python"
