#!/usr/bin/env python3
"""Copies the headers and the Markdown that Doxygen is to read (tools/make_docs.sh), in a form that suits it.

usage: doxygen_source.py FOLDER     from the root of the repository

Of the kernels, what all back ends share is copied. Markdown: each heading gets a label, links to headings name it, and links to files that are no page become plain text.
Headers: Doxygen 1.9 mixes up overloads that differ in the argument of a template only. So Image8 and Image16 are types
of their own for it.
"""
import os
import re
import sys
from collections import Counter
from pathlib import Path

LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
HEADING = re.compile(r"^#{2,6} +(.*)$")


def slug(heading):
    """As GitHub makes the anchor of a heading."""
    text = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower())
    return text.strip().replace(" ", "-")


def numbered(anchor, seen):
    """The anchor of a heading that the page may have had before; `seen` counts them."""
    seen[anchor] += 1
    return anchor if seen[anchor] == 1 else f"{anchor}-{seen[anchor] - 1}"


def label(path, anchor):
    return re.sub(r"\W", "-", path) + "--" + anchor


def markdown(path):
    def link(match):
        text, target, anchor = match.groups()
        if "://" in target:
            return match.group()
        page = os.path.normpath(os.path.join(os.path.dirname(path), target)) if target else path
        if not page.endswith(".md"):
            return text
        return f"[{text}](@ref {label(page, anchor)})" if anchor else match.group()

    fenced, lines, seen = False, [], Counter()
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        fenced ^= line.startswith("```")
        if not fenced and not line.startswith("    "):
            line = LINK.sub(link, line)
            if heading := HEADING.match(line):
                line += f" {{#{label(path, numbered(slug(heading.group(1)), seen))}}}"
        lines.append(line)
    return "\n".join(lines) + "\n"


def header(path):
    text = Path(path).read_text(encoding="utf-8")
    return re.sub(r"using (Image(?:8|16)) = (ImageOf<[^>]*>);", r"struct \1 : \2 {};", text)


def main():
    pages = [*Path(".").glob("*.md"), *Path("docs").glob("*.md")]
    for folder in ("kernels", "pisr", "benchmarks", "tests", "packaging", "tools"):
        pages += Path(folder).rglob("*.md")
    headers = [path for folder in ("core", "nn", "kernels", "pisr", "pisr/*") for path in Path(".").glob(f"{folder}/*.h")]
    lists = Path("kernels").glob("*.def")  # which headers include
    for path in [*pages, *headers, *lists]:
        copy = Path(sys.argv[1]) / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text((markdown if path.suffix == ".md" else header)(str(path)), encoding="utf-8")


if __name__ == "__main__":
    main()
