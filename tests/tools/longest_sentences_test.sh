#!/usr/bin/env bash
# Tests what tools/longest_sentences.py takes for a sentence, and its exit code.
# usage: tests/tools/longest_sentences_test.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

check() { # check NAME EXPECTED_EXIT_CODE EXPECTED_TEXT: the file $folder/page.md
  local code=0 text
  text=$(python3 tools/longest_sentences.py "$folder/page.md") || code=$?
  if [ "$code" != "$2" ] || [ "$text" != "$3" ]; then
    printf 'longest_sentences_test: FAILED: %s: exit code %s, expected %s\n%s\nexpected:\n%s\n' \
      "$1" "$code" "$2" "$text" "$3" >&2
    exit 1
  fi
}
words() { # words N: N of them in one line
  printf 'word%.0s ' $(seq "$1")
}

cat >"$folder/page.md" <<'END'
# A heading is left out

One sentence, e.g. `a. b`, over
two lines. Two!

    an indented block of code is left out

1. **Three words here.** And a [link of words](http://an.address/that.is.long) in a list
   goes on
- the next item

| a | table | is | left | out |

```
a fenced block of code is left out
```
END
page=$folder/page.md
check "parts of a page" 0 " 10  $page:8  And a link of words in a list goes on
  8  $page:3  One sentence, e.g. \`a. b\`, over two lines.
  3  $page:8  **Three words here.**
  3  $page:10  the next item
  1  $page:3  Two!"

words 24 >"$page"
check "24 words" 0 " 24  $page:1  $(words 24 | sed 's/ $//')"
words 25 >"$page"
check "25 words" 1 " 25  $page:1  $(words 25 | sed 's/ $//')"
echo "longest_sentences_test: passed"
