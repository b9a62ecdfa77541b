#!/usr/bin/env python3
"""Prints the longest sentences of the documentation; exit code 1 where one has 25 words or more.

usage: longest_sentences.py [--count 10] [FILE...]     FILE: Markdown; all that git tracks where none is named

Headings, tables, code blocks and HTML are left out. An inline code span and the text of a link count as their words,
the address of a link as none.
"""
import argparse
import os
import re
import subprocess
import sys

LIMIT = 25
CODE_INDENT = 4
ABBREVIATIONS = re.compile(r"\b(e\.g|i\.e|et al|vs|cf|eq|fig)\.$", re.IGNORECASE)
ITEM = re.compile(r"^\s*([-*+]|\d+\.)\s+")


def paragraphs(text):
    """(number of its first line, text) of each paragraph and list item."""
    found, fenced, code = [], False, False
    blank = True
    open_paragraph = None
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("```"):
            fenced = not fenced
            stripped = ""
        indented = len(line) - len(line.lstrip()) >= CODE_INDENT
        code = bool(stripped) and indented and (blank or code) and not ITEM.match(line) or code and not stripped
        if fenced or code or not stripped or stripped[0] in "|#<" or stripped.startswith("!["):
            open_paragraph = None
        elif open_paragraph is None or ITEM.match(line):
            open_paragraph = [number, ITEM.sub("", line)]
            found.append(open_paragraph)
        else:
            open_paragraph[1] += " " + stripped
        blank = not stripped
    return found


def sentences(text):
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    # What lies between back quotes does not end a sentence: it is blanked where ends are looked for.
    blanked = re.sub(r"`[^`]*`", lambda span: "x" * len(span.group()), text)
    start = 0
    for end in re.finditer(r"[.!?][)*\"']*(?=\s|$)", blanked):
        if ABBREVIATIONS.search(text[start:end.start() + 1]):
            continue
        yield text[start:end.end()].strip()
        start = end.end()
    if text[start:].strip():
        yield text[start:].strip()


def words(sentence):
    return sum(1 for word in sentence.split() if re.search(r"\w", word))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    files = options.files
    if not files:
        os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
        files = subprocess.run(["git", "ls-files", "*.md"], check=True, capture_output=True, text=True).stdout.split()
    found = []
    for name in files:
        with open(name, encoding="utf-8") as file:
            for line, text in paragraphs(file.read()):
                found += [(words(sentence), name, line, sentence) for sentence in sentences(text)]
    found.sort(key=lambda row: (-row[0], row[1], row[2]))
    for count, name, line, sentence in found[:options.count]:
        print("%3d  %s:%d  %s" % (count, name, line, sentence))
    return 1 if found and found[0][0] >= LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
