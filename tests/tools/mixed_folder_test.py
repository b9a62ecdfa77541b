#!/usr/bin/env python3
"""pisr_upscale on a folder of 500 mixed files: pictures of every kind, truncated and empty ones, text with the name of a
picture, names that are hard, and a loop of symbolic links. Looks at the exit code, at the report, and that no partial
file is left.

usage: mixed_folder_test.py PROGRAM
"""
import json
import os
import random
import subprocess
import sys
import tempfile

try:
    import numpy
    from PIL import Image
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)

COUNT = 500
NAMES = ["{}", "-{}", "--overwrite{}", "a b {}", "Pferd-ä-{}", "写真{}", "new\nline{}", "quote'{}", "{}.tar", "%s{}"]


def picture(kind, seed):
    """A picture of a mode of Pillow, and the extension of a format that holds it."""
    noise = numpy.random.default_rng(seed)
    width, height = int(noise.integers(1, 24)), int(noise.integers(1, 24))
    samples = noise.integers(0, 256, (height, width, 4), dtype=numpy.uint8)
    rgba = Image.fromarray(samples, "RGBA")
    if kind == "I;16":
        return Image.fromarray((samples[:, :, 0].astype(numpy.uint16) << 8) | samples[:, :, 1])
    if kind == "P":
        return rgba.convert("RGB").quantize(16)
    if kind == "CMYK":
        return Image.fromarray(samples, "CMYK")
    return rgba.convert(kind)


KINDS = [("RGB", "png"), ("RGB", "jpg"), ("RGB", "bmp"), ("RGB", "ppm"), ("L", "png"), ("L", "jpg"), ("LA", "png"), ("RGBA", "png"),
         ("P", "png"), ("P", "bmp"), ("1", "png"), ("1", "pbm"), ("I;16", "png"), ("CMYK", "jpg"), ("RGBA", "bmp")]
BAD = ["truncated", "empty", "text"]


def main():
    program = os.path.abspath(sys.argv[1])
    random.seed(1)
    bad = set()
    good = set()
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.join(folder, "in")
        os.makedirs(os.path.join(root, "sub", "deeper"))
        for i in range(COUNT):
            kind, extension = KINDS[i % len(KINDS)]
            where = ["", "sub", "sub/deeper"][i % 3]
            name = NAMES[i % len(NAMES)].format(f"{i:03}") + "." + extension
            path = os.path.join(root, where, name)
            fault = BAD[i // 5 % len(BAD)] if i % 5 == 4 else None
            if fault == "empty":
                open(path, "wb").close()
            elif fault == "text":
                with open(path, "w") as file:
                    file.write("This is no picture.\n")
            else:
                picture(kind, i).save(path, {"jpg": "JPEG", "pbm": "PPM"}.get(extension))
            if fault == "truncated":
                with open(path, "rb+") as file:
                    file.truncate(min(os.path.getsize(path) - 1, 30))
            (bad if fault else good).add(os.path.relpath(path, root))
        os.symlink("..", os.path.join(root, "sub", "loop"))
        os.symlink(root, os.path.join(root, "sub", "deeper", "loop"))
        out = os.path.join(folder, "out")
        report_path = os.path.join(folder, "report.json")
        run = subprocess.run([program, "-r", "-i", root, "-o", out + "/", "-f", "png", "--report", report_path], capture_output=True,
                             timeout=540)
        errors = run.stderr.decode(errors="replace")
        check = []
        check.append((run.returncode == 1, f"exit code {run.returncode}, wanted 1"))
        check.append((f"{len(bad)} of {COUNT} inputs failed" in errors, "the number of failures is not told"))
        check.append((errors.count("pisr_upscale: error: ") == len(bad), f"{errors.count('error: ')} errors, wanted {len(bad)}"))
        with open(report_path) as file:
            entries = json.load(file)
        rows = entries["inputs"] if "inputs" in entries else entries["images"]
        status = [row["status"] for row in rows]
        check.append((status.count("done") == len(good), f"{status.count('done')} done, wanted {len(good)}"))
        check.append((status.count("failed") == len(bad), f"{status.count('failed')} failed, wanted {len(bad)}"))
        written = set()
        for place, _, files in os.walk(out):
            written |= {os.path.relpath(os.path.join(place, name), out) for name in files}
        wanted = {os.path.splitext(name)[0] + "_x2.png" for name in good}
        check.append((written == wanted, f"files: {sorted(written ^ wanted)[:5]}"))
        for name in good:
            with Image.open(os.path.join(root, name)) as small, Image.open(os.path.join(out, os.path.splitext(name)[0] + "_x2.png")) as large:
                large.load()
                check.append((large.size == (2 * small.width, 2 * small.height), f"{name}: {large.size}"))
        left = [name for place, _, files in os.walk(folder) for name in files if name.endswith(".tmp") or name.startswith(".pisr")]
        check.append((not left, f"left behind: {left}"))
        failed = [text for right, text in check if not right]
        for text in failed[:20]:
            print(text, file=sys.stderr)
        print(f"{COUNT} files: {status.count('done')} enlarged, {status.count('failed')} refused, exit code {run.returncode}, "
              f"{len(left)} partial files")
        sys.exit(1 if failed else 0)


main()
