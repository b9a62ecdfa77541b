#!/usr/bin/env python3
"""Writes PNG and JPEG files of every kind with Pillow, and compares what `dump_pixels` decodes with what Pillow does.

usage: pillow_png_jpeg.py DUMP_PIXELS
Without Pillow it says so and ends with 77, or with 1 where PISR_REQUIRE_SHARED says that nothing is meant to be lacking.
Where Pillow has no mode for a picture (16 bits and colour or alpha), the samples are those that were put into a file
built here.
"""
import io
import itertools
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import zlib

try:
    from PIL import Image
except ImportError:
    print("SKIPPED: Pillow (python3-pil) is not installed")
    sys.exit(1 if "PISR_REQUIRE_SHARED" in os.environ else 77)

SIZES = [(1, 1), (1, 7), (9, 1), (5, 3), (17, 21), (64, 33)]
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


class Checker:
    def __init__(self, program):
        self.program = program
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name) / "image"
        self.count = 0
        self.failures = []

    def dump(self, data):
        """What the program decodes: width, height, channels, bits, samples in big-endian order; and its warnings."""
        self.path.write_bytes(data)
        run = subprocess.run([self.program, str(self.path)], capture_output=True, check=False)
        if run.returncode != 0:
            return None, run.stderr.decode()
        head, samples = run.stdout.split(b"\n", 1)
        width, height, channels, bits = map(int, head.split())
        if bits == 16 and sys.byteorder == "little":
            samples = b"".join(samples[i + 1 : i + 2] + samples[i : i + 1] for i in range(0, len(samples), 2))
        return (width, height, channels, bits, samples), run.stderr.decode()

    def check(self, what, data, expected):
        self.count += 1
        found, text = self.dump(data)
        if found != expected or text:
            shown = found and (found[:4], found[4][:12].hex())
            wanted = (expected[:4], expected[4][:12].hex())
            self.failures.append(f"{what}: got {shown}, wanted {wanted}, said {text!r}")

    def check_as_pillow(self, what, data):
        """Palettes and transparent colours are expanded, as the reader does; CMYK becomes RGB."""
        with Image.open(io.BytesIO(data)) as image:
            self.check(what, data, expanded(image))


def expanded(image):
    width, height = image.size
    transparent = "transparency" in image.info
    if image.mode in ("I", "I;16"):
        values = [value & 0xFFFF for value in image.getdata()]
        return width, height, 1, 16, struct.pack(f">{len(values)}H", *values)
    if image.mode == "P" and transparent:
        image = image.convert("RGBA")
    elif image.mode in ("P", "CMYK"):
        image = image.convert("RGB")
    elif image.mode == "1":
        image = image.convert("L")
    if transparent and image.mode == "L":
        image = image.convert("LA")
    elif transparent and image.mode == "RGB":
        image = image.convert("RGBA")
    return width, height, len(image.getbands()), 8, image.tobytes()


def noise(count, seed=1):
    """Bytes that look random, the same at each call."""
    state, values = seed * 2654435761 % 2**32, bytearray()
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append(state >> 24)
    return bytes(values)


def smooth(mode, size):
    """A picture in which neighbours are alike, as a JPEG file has them."""
    width, height = size
    bands = len(Image.new(mode, (1, 1)).getbands())
    values = bytearray()
    for y, x, band in itertools.product(range(height), range(width), range(bands)):
        values.append((x * (3 + band) + y * (5 - band) + 40 * band + (x * y) // 7) % 256)
    return Image.frombytes(mode, size, bytes(values))


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def make_png(size, colour, depth, interlaced, values, chunks=(), idat=None):
    """A PNG file of values [height][width][channels], unfiltered; returns its bytes."""
    width, height = size
    channels = CHANNELS[colour]

    def packed(xs, ys):
        rows = b""
        for y in ys:
            bits = "".join(f"{v:0{depth}b}" for x in xs for v in values[y][x][:channels])
            bits += "0" * (-len(bits) % 8)
            rows += b"\0" + bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
        return rows

    if interlaced:
        data = b""
        for x0, y0, dx, dy in ADAM7:
            xs, ys = range(x0, width, dx), range(y0, height, dy)
            data += packed(xs, ys) if xs and ys else b""
    else:
        data = packed(range(width), range(height))
    data = zlib.compress(data)
    step = idat or max(len(data), 1)
    parts = [data[i : i + step] for i in range(0, len(data), step)]
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunk(*c) for c in chunks)
            + b"".join(chunk(b"IDAT", part) for part in parts) + chunk(b"IEND", b""))


def check_png_by_hand(checker):
    """Every colour type, depth, interlacing and transparency; Pillow decodes what it has a mode for."""
    depths = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
    for colour, size, interlaced, clear in itertools.product(depths, SIZES, (False, True), (False, True)):
        if clear and colour in (4, 6):
            continue
        for depth in depths[colour]:
            width, height = size
            channels = CHANNELS[colour]
            raw = noise(2 * width * height * channels, seed=depth)
            flat = [(raw[2 * i] << 8 | raw[2 * i + 1]) >> (16 - depth) for i in range(width * height * channels)]
            values = [[flat[(y * width + x) * channels :][:channels] for x in range(width)] for y in range(height)]
            chunks = []
            if colour == 3:
                chunks.append((b"PLTE", noise(3 * 2**depth, seed=9)))
                if clear:
                    chunks.append((b"tRNS", noise(max(2**depth // 2, 1), seed=7)))
            elif clear:
                chunks.append((b"tRNS", b"".join(struct.pack(">H", v) for v in values[0][0])))
            data = make_png(size, colour, depth, interlaced, values, chunks, idat=50 if clear else None)
            what = f"PNG colour {colour} depth {depth} {size} interlaced {interlaced} tRNS {clear}"
            checker.check(what, data, expected_of(size, colour, depth, values, chunks))
            if depth < 16 and not (clear and colour == 0 and depth < 8):
                checker.check_as_pillow(what + " as Pillow", data)


def expected_of(size, colour, depth, values, chunks):
    """The samples that the standard gives to a file of make_png."""
    tables = dict(chunks)
    top, bits = 2**depth - 1, max(depth, 8)
    clear = tables.get(b"tRNS")
    out = []
    for row in values:
        for pixel in row:
            if colour == 3:
                index = pixel[0]
                out += tables[b"PLTE"][3 * index : 3 * index + 3]
                if clear is not None:
                    out.append(clear[index] if index < len(clear) else 255)
                continue
            out += [v * 255 // top for v in pixel] if depth < 8 else pixel
            if clear is not None:
                out.append(0 if pixel == list(struct.unpack(f">{len(pixel)}H", clear)) else 2**bits - 1)
    channels = (3 if colour == 3 else CHANNELS[colour]) + (clear is not None)
    return *size, channels, bits, struct.pack(f">{len(out)}{'H' if bits == 16 else 'B'}", *out)


def saved(image, **options):
    file = io.BytesIO()
    image.save(file, **options)
    return file.getvalue()


def check_png_of_pillow(checker):
    """What Pillow writes: its modes, levels and metadata."""
    for mode, size in itertools.product(("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I"), SIZES):
        width, height = size
        if mode == "1":
            image = Image.frombytes("L", size, noise(width * height)).convert("1")
        elif mode == "I":
            image = Image.new("I", size)
            image.putdata([v * 257 for v in noise(width * height)])
        elif mode == "I;16":
            image = Image.frombytes(mode, size, noise(2 * width * height))
        elif mode == "P":
            image = smooth("RGB", size).quantize(17)
        else:
            image = Image.frombytes(mode, size, noise(width * height * len(mode)))
        for options in ({}, {"compress_level": 0}, {"optimize": True}, {"dpi": (300, 150)}):
            checker.check_as_pillow(f"PNG of Pillow {mode} {size} {options}", saved(image, format="png", **options))
    palette = smooth("RGB", (20, 20)).quantize(9)
    for transparency in (3, bytes([0, 128, 255])):
        data = saved(palette, format="png", transparency=transparency)
        checker.check_as_pillow(f"PNG palette transparency {transparency}", data)


def check_jpeg(checker):
    for mode, size, sampling, quality in itertools.product(("L", "RGB", "CMYK"), SIZES, (0, 1, 2), (30, 95)):
        for options in ({}, {"progressive": True}, {"optimize": True}, {"dpi": (72, 72)}):
            data = saved(smooth(mode, size), format="jpeg", quality=quality, subsampling=sampling, **options)
            what = f"JPEG {mode} {size} sampling {sampling} quality {quality} {options}"
            checker.check_as_pillow(what, data)
            if mode == "CMYK":
                # Without Adobe's segment.
                at = data.find(b"\xff\xee")
                if at >= 0:
                    end = at + 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
                    checker.check_as_pillow(what + " without the marker", data[:at] + data[end:])
                else:
                    adobe = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
                    checker.check_as_pillow(what + " with the marker", data[:2] + adobe + data[2:])
                    ycck = adobe[:-1] + b"\x02"
                    checker.check_as_pillow(what + " as YCCK", data[:2] + ycck + data[2:])
            if mode == "RGB" and sampling == 0:
                # Samples that are RGB, not YCbCr.
                rgb = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
                start = 2 + 2 + struct.unpack(">H", data[4:6])[0]  # without JFIF's segment
                checker.check_as_pillow(what + " transform 0", data[:2] + rgb + data[start:])


def check_orientations(checker):
    """An orientation does not turn the samples: that is for whoever shows them."""
    image = smooth("RGB", (24, 16))
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        for form in ("jpeg", "png"):
            checker.check_as_pillow(f"{form} orientation {orientation}", saved(image, format=form, exif=exif.tobytes()))


def main():
    checker = Checker(sys.argv[1])
    check_png_by_hand(checker)
    check_png_of_pillow(checker)
    check_jpeg(checker)
    check_orientations(checker)
    for failure in checker.failures[:20]:
        print("FAILED:", failure)
    print(f"{checker.count} files, {len(checker.failures)} differ from Pillow {Image.__version__}")
    return 1 if checker.failures or checker.count < 500 else 0


if __name__ == "__main__":
    sys.exit(main())
