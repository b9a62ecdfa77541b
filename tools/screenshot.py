#!/usr/bin/env python3
"""A picture of a web page, such as a report, by headless Chromium.

usage: screenshot.py PAGE OUT.png [--width 1200] [--height N] [--dark] [--density 1] [--only SELECTOR]

Without --height the whole page is in the picture. --only takes the first element that the CSS selector finds.
"""
import argparse
import json
import os
import pathlib
import sys

import browser


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("page")
    parser.add_argument("out", metavar="OUT.png")
    parser.add_argument("--width", type=int, default=1200, help="of the window, in CSS pixels")
    parser.add_argument("--height", type=int, help="of the window; without it the whole page is in the picture")
    parser.add_argument("--dark", action="store_true", help="as a reader sees it who prefers dark colours")
    parser.add_argument("--density", type=float, default=1, help="pixels of the picture for one CSS pixel")
    parser.add_argument("--only", metavar="SELECTOR", help="the first element that this CSS selector finds")
    options = parser.parse_args()
    if not os.path.isfile(options.page):
        print(f"screenshot: error: no file '{options.page}'", file=sys.stderr)
        return 3
    if not pathlib.Path(options.out).resolve().parent.is_dir():
        print(f"screenshot: error: no folder for '{options.out}'", file=sys.stderr)
        return 4
    try:
        with browser.Page() as page:
            page.resize(options.width, options.height or 900, options.density)
            page.dark(options.dark)
            page.open(options.page)
            page.settle()
            clip = None
            if options.only:
                clip = page.evaluate(
                    f"(node => {{ if (!node) return null; const box = node.getBoundingClientRect(); return {{x: box.x + scrollX, "
                    f"y: box.y + scrollY, width: box.width, height: box.height}}; }})"
                    f"(document.querySelector({json.dumps(options.only)}))")
                if clip is None:
                    print(f"screenshot: error: '{options.page}' has no '{options.only}'", file=sys.stderr)
                    return 3
            page.screenshot(options.out, whole=options.height is None, clip=clip)
            for error in page.errors:
                print(f"screenshot: warning: {error}", file=sys.stderr)
    except browser.BrowserError as error:
        print(f"screenshot: error: {error}", file=sys.stderr)
        return 6
    except OSError as error:
        print(f"screenshot: error: {error}", file=sys.stderr)
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
