#!/usr/bin/env python3
"""Draws a picture, makes it four times as small, enlarges it again and puts the results side by side.

usage: readme_picture.py PISR_UPSCALE OUTPUT.png     needs Pillow and NumPy

It prints the PSNR of bicubic interpolation and of PISR on luminance, in dB, over the panel that is shown.
"""
import math
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
from PIL import Image, ImageDraw, ImageFont

SCALE = 4  # of the enlargement
WIDTH, HEIGHT = 288, 232  # of a panel
FINE = 4  # the picture is drawn this many times as large and averaged
GAP, LABEL = 8, 26


def branch(draw, generator, x, y, angle, length, width):
    if length < 5 * FINE:
        return
    end_x, end_y = x + length * math.cos(angle), y - length * math.sin(angle)
    draw.line((x, y, end_x, end_y), fill=(58, 36, 44), width=max(1, round(width)))
    for turn in (generator.uniform(0.25, 0.55), -generator.uniform(0.25, 0.55)):
        branch(draw, generator, end_x, end_y, angle + turn, length * generator.uniform(0.68, 0.82), width * 0.66)


def scene():
    """A tree before the evening sun, above water: thin lines, round edges, fine stripes."""
    w, h = WIDTH * FINE, HEIGHT * FINE
    image = Image.new("RGB", (w, h))
    draw = ImageDraw.Draw(image)
    horizon = round(h * 0.78)
    for row in range(h):
        t = row / horizon if row < horizon else 2 - row / horizon
        draw.line((0, row, w, row), fill=tuple(round(a + (b - a) * t) for a, b in ((60, 250), (88, 190), (140, 120))))
    sun = (w * 0.66, horizon * 0.62)
    for i, radius in enumerate(range(82, 40, -6)):
        shade = (255, 226, 150) if i % 2 == 0 else (248, 150, 92)
        r = radius * FINE
        draw.ellipse((sun[0] - r, sun[1] - r, sun[0] + r, sun[1] + r), fill=shade)
    for i in range(16):
        y = horizon + (4 + i * i * 0.26) * FINE
        half = (66 - i * 2.4) * FINE
        draw.rectangle((sun[0] - half, y, sun[0] + half, y + (1 + i * 0.12) * FINE), fill=(255, 214, 140))
    hill = [(x, horizon - FINE * (10 + 8 * math.sin(x / w * 7) + 5 * math.sin(x / w * 17 + 1))) for x in range(0, w, 4)]
    draw.polygon([(0, horizon), *hill, (w, horizon)], fill=(84, 52, 66))
    branch(draw, random.Random(7), w * 0.36, horizon + 6 * FINE, math.pi / 2, 46 * FINE, 8 * FINE)
    return image.resize((WIDTH, HEIGHT), Image.BOX)


def luminance(image):
    return numpy.asarray(image.convert("RGB"), dtype=float) @ (65.481, 128.553, 24.966) / 255


def psnr(image, truth):
    return 10 * math.log10(255**2 / numpy.mean((luminance(image) - luminance(truth)) ** 2))


def main():
    program, output = sys.argv[1:]
    truth = scene()
    small = truth.resize((WIDTH // SCALE, HEIGHT // SCALE), Image.BICUBIC)
    bicubic = small.resize(truth.size, Image.BICUBIC)
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / name) for name in ("small.png", "large.png")]
        small.save(paths[0])
        subprocess.run([program, "-q", "-i", paths[0], "-o", paths[1], "-s", str(SCALE)], check=True)
        enlarged = Image.open(paths[1]).convert("RGB")
    panels = [("input, its pixels", small.resize(truth.size, Image.NEAREST)),
              (f"bicubic x{SCALE}, {psnr(bicubic, truth):.2f} dB", bicubic),
              (f"pisr x{SCALE}, {psnr(enlarged, truth):.2f} dB", enlarged)]
    sheet = Image.new("RGBA", (3 * WIDTH + 2 * GAP, HEIGHT + LABEL))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.truetype("DejaVuSans.ttf", 14)
    for i, (label, panel) in enumerate(panels):
        sheet.paste(panel, (i * (WIDTH + GAP), 0))
        middle = i * (WIDTH + GAP) + WIDTH / 2
        # A grey that can be read on white and on black.
        draw.text((middle, HEIGHT + LABEL / 2), label, anchor="mm", font=font, fill=(128, 128, 128, 255))
        print(label)
    sheet.save(output, optimize=True)


if __name__ == "__main__":
    main()
