#!/usr/bin/env bash
# Makes the reference of the headers by Doxygen. A warning is an error: a link that leads nowhere, a parameter that is not
# there, a class without a comment.
# usage: tools/make_docs.sh [FOLDER]     build/docs where none is named; the first page is FOLDER/html/index.html
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(realpath -m "${1:-build/docs}")

if ! command -v doxygen >/dev/null; then
  echo "make_docs: error: no doxygen here; tools/install_deps.sh installs it" >&2
  exit 2
fi
rm -rf "$out/source" "$out/html"
mkdir -p "$out/source"
python3 tools/doxygen_source.py "$out/source"
version=$(sed -n 's/^#define PISR_VERSION_[A-Z]* //p' core/version.h | paste -sd.)
cd "$out/source"
{
  cat "$OLDPWD/docs/Doxyfile"
  echo "OUTPUT_DIRECTORY = $out"
  echo "IMAGE_PATH = $OLDPWD/docs"
  echo "STRIP_FROM_PATH = $out/source"
  echo "STRIP_FROM_INC_PATH = $out/source"
  echo "PROJECT_NUMBER = $version"
} >"$out/Doxyfile"
doxygen "$out/Doxyfile" 2>"$out/warnings" || {
  cat "$out/warnings" >&2
  exit 2
}
sed -i '/warning: Member .* is not documented/d' "$out/warnings"
if [ -s "$out/warnings" ]; then
  sed "s|^$out/source/||" "$out/warnings" >&2
  exit 1
fi
echo "$out/html/index.html"
