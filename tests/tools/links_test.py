#!/usr/bin/env python3
"""Every relative link of the Markdown files leads to a file, and every anchor to a heading.

usage: links_test.py [FOLDER]     the repository where none is named
"""
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from doxygen_source import numbered, slug  # noqa: E402

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
OTHER_FOLDERS = {"build", "shared"}


def text_of(page):
    """Without blocks of code, in which brackets mean something else."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^    .*$", "", text, flags=re.MULTILINE))


def anchors(page):
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    seen = Counter()
    return {numbered(slug(heading), seen) for heading in re.findall(r"^#{1,6} +(.*)$", text, flags=re.MULTILINE)}


def pages_of(folder):
    for page in sorted(folder.rglob("*.md")):
        parts = page.relative_to(folder).parts
        if parts[0] not in OTHER_FOLDERS and not any(part.startswith(".") for part in parts):
            yield page


def dead_links(folder):
    dead, count = [], 0
    for page in pages_of(folder):
        for match in LINK.finditer(text_of(page)):
            link = match.group(1) or match.group(2)
            if re.match(r"[a-z]+:", link):
                continue
            count += 1
            target, _, anchor = link.partition("#")
            file = page.parent / target if target else page
            if not file.exists():
                dead.append(f"{page.relative_to(folder)}: '{link}': no such file")
            elif anchor and anchor not in anchors(file):
                dead.append(f"{page.relative_to(folder)}: '{link}': no such heading")
    return dead, count


def check_the_check():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a.md").write_text("# A b\n[x](b.md) [x](b.md#c-d) [x](#a-b) [x](https://example.org/none)\n"
                                     "`[x](code.md)`\n\n    [x](block.md)\n", encoding="utf-8")
        (folder / "b.md").write_text("## C `d`\n", encoding="utf-8")
        assert dead_links(folder) == ([], 3), dead_links(folder)
        (folder / "a.md").write_text("[x](c.md) [x](b.md#e) [x](#f) ![x](g.png)\n", encoding="utf-8")
        dead, count = dead_links(folder)
        assert (len(dead), count) == (4, 4), dead


def main():
    check_the_check()
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[2])
    dead, count = dead_links(folder)
    print("\n".join(dead) or f"{count} links lead to files and headings")
    if dead or count == 0:
        sys.exit(1)


if __name__ == "__main__":
    main()
