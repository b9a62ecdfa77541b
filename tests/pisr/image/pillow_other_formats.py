#!/usr/bin/env python3
"""Compares the decoders of BMP, PNM, TIFF, WebP and farbfeld with Pillow's, sample for sample.

usage: pillow_other_formats.py DUMP_PIXELS [FORMAT...]

Needs Pillow and NumPy; without them it ends with 77. Files that Pillow cannot read, or reads wrongly, are compared with
the samples that they were made of.
"""

import io
import itertools
import os
import struct
import subprocess
import sys
import tempfile
import zlib

try:
    import numpy
    from PIL import Image
except ImportError:
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv)
    print("SKIPPED: no Pillow or no NumPy (python3-pil, python3-numpy)")
    sys.exit(77)


class Grid:
    """Decodes files by the program and counts what differs from the expected samples."""

    def __init__(self, program):
        self.program = program
        self.folder = tempfile.TemporaryDirectory()
        self.counts = {}
        self.failures = 0

    def decode(self, data, name="image"):
        path = os.path.join(self.folder.name, name)
        with open(path, "wb") as file:
            file.write(data)
        result = subprocess.run([self.program, path], capture_output=True)
        if result.returncode != 0:
            return None, result.stderr.decode().strip()
        head, samples = result.stdout.split(b"\n", 1)
        width, height, channels, bits = map(int, head.split())
        kind = {8: numpy.uint8, 16: numpy.uint16, 32: numpy.float32}[bits]
        return numpy.frombuffer(samples, kind).reshape(height, width, channels), result.stderr.decode().strip()

    def check(self, name, data, expected, exact_channels=False, tolerance=0):
        """Whether the decoded samples are those of [h, w] or [h, w, c]. Grey may have been written as RGB, and the
        other way round, unless exact_channels."""
        kind = name.split()[0]
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if expected.ndim == 2:
            expected = expected[:, :, None]
        got, message = self.decode(data)
        if got is None:
            return self.fail(name, message)
        if got.dtype != expected.dtype:
            return self.fail(name, f"is {got.dtype}, wanted {expected.dtype}")
        if not exact_channels:
            got, expected = rgb(got), rgb(expected)
        if got.shape != expected.shape:
            return self.fail(name, f"has shape {got.shape}, wanted {expected.shape}")
        worst = numpy.abs(got.astype(numpy.float64) - expected.astype(numpy.float64)).max()
        if not worst <= tolerance:
            return self.fail(name, f"differs by up to {worst}")
        return True

    def fail(self, name, reason):
        self.failures += 1
        print(f"FAILED: {name}: {reason}")
        return False


def rgb(samples):
    """[h, w, 1 or 2] as [h, w, 3 or 4]."""
    channels = samples.shape[2]
    return samples if channels > 2 else samples[:, :, [0, 0, 0, 1][: channels + 2]]


def by_pillow(data):
    """What Pillow reads, as samples; None where it does not."""
    try:
        image = Image.open(io.BytesIO(data))
        image.load()
    except Exception:
        return None
    if image.mode in ("P", "1"):
        image = image.convert("RGBA" if "transparency" in image.info else "RGB" if image.mode == "P" else "L")
    samples = numpy.asarray(image)
    if samples.dtype == numpy.int32:
        samples = samples.astype(numpy.uint16)
    return samples.astype(samples.dtype.newbyteorder("="))


def noise(*shape, seed=1, kind=numpy.uint8):
    return numpy.random.default_rng(seed).integers(0, numpy.iinfo(kind).max, shape, kind, endpoint=True)


# BMP


def bmp_rows(pixels, bits, from_top):
    """The rows of a file with these pixel values."""
    rows = []
    for row in pixels if from_top else pixels[::-1]:
        if bits < 8:
            padded = numpy.concatenate([row, numpy.zeros(-len(row) % (8 // bits), row.dtype)]).astype(numpy.uint8)
            data = numpy.packbits((padded[:, None] >> numpy.arange(bits - 1, -1, -1)) & 1).tobytes()
        else:
            data = b"".join(int(value).to_bytes(bits // 8, "little") for value in row)
        rows.append(data + bytes(-len(data) % 4))
    return b"".join(rows)


def bmp(header, width, height, bits, samples, compression=0, palette=b"", colours=0, masks=(), gap=0):
    """A BMP file; height is negative for rows from the top."""
    masks = struct.pack(f"<{len(masks)}I", *masks)
    if header == 12:
        body = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        body = struct.pack("<IiiHHIIiiII", header, width, height, 1, bits, compression, len(samples), 2835, 2835,
                           colours, 0)
        body = (body + masks)[: max(header, 40 + len(masks) if header == 40 else 0)]
        body += bytes(max(0, header - len(body)))
    start = 14 + len(body) + len(palette) + gap
    return struct.pack("<2sIHHI", b"BM", start + len(samples), 0, 0, start) + body + palette + bytes(gap) + samples


def rle(indices, nibbles):
    """The rows from the bottom, in runs and literal pieces by turns."""
    commands = bytearray()
    for row in indices[::-1]:
        x, turn = 0, 0
        while x < len(row):
            literal = row[x : x + 8]
            if turn % 2 == 1 and len(literal) == 8:
                commands += bytes([0, 8])
                commands += bytes(a << 4 | b for a, b in zip(literal[::2], literal[1::2])) if nibbles else bytes(literal)
                x += 8
            else:
                count = 1
                while x + count < len(row) and row[x + count] == row[x] and count < 255:
                    count += 1
                commands += bytes([count, row[x] << 4 | row[x] if nibbles else row[x]])
                x += count
            turn += 1
        commands += bytes([0, 0])
    return bytes(commands[:-1]) + b"\x01"


def test_bmp(grid):
    read_by_pillow = 0

    def check(name, data, truth):
        nonlocal read_by_pillow
        other = by_pillow(data)
        if other is not None:
            read_by_pillow += 1
            grid.check(f"{name} (Pillow)", data, other)
        if truth is not None:
            grid.check(name, data, truth)

    width, height = 19, 7
    for header, bits, gap, from_top in itertools.product(
        (12, 16, 40, 52, 56, 64, 108, 124), (1, 2, 4, 8), (0, 20), (False, True)
    ):
        if header == 12 and from_top:
            continue
        indices = noise(height, width, seed=bits) % (1 << bits)
        colours = noise(1 << bits, 3 if header == 12 else 4, seed=header)
        truth = colours[indices][:, :, 2::-1]
        data = bmp(header, width, -height if from_top else height, bits, bmp_rows(indices, bits, from_top),
                   palette=colours.tobytes(), gap=gap)
        if header == 16:  # what is behind its 16 bytes is palette
            start = 30 + colours.size + gap
            data = (struct.pack("<2sIHHI", b"BM", len(data), 0, 0, start) + data[14:30] + colours.tobytes()
                    + bytes(gap) + bmp_rows(indices, bits, from_top))
        check(f"BMP header {header}, {bits} bits, gap {gap}, {from_top=}", data, truth)
    for bits, compression in ((8, 1), (4, 2)):
        indices = numpy.sort(noise(height, 40, seed=5) & (1 << bits) - 1, axis=1).astype(numpy.uint8)
        colours = noise(1 << bits, 4, seed=6)
        data = bmp(40, 40, height, bits, rle(indices, bits == 4), compression, colours.tobytes())
        check(f"BMP compression {compression}", data, colours[indices][:, :, 2::-1])
    layouts = [
        (16, ()), (24, ()), (32, ()),
        (16, (0xF800, 0x7E0, 0x1F)), (16, (0x7C00, 0x3E0, 0x1F)),
        (24, (0xFF0000, 0xFF00, 0xFF)),
        (32, (0xFF0000, 0xFF00, 0xFF)), (32, (0xFF000000, 0xFF0000, 0xFF00)),
        (32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)), (32, (0xFF000000, 0xFF0000, 0xFF00, 0xFF)),
        (32, (0xFF, 0xFF00, 0xFF0000, 0xFF000000)),
    ]
    for (bits, masks), header, from_top in itertools.product(layouts, (12, 40, 52, 56, 108, 124), (False, True)):
        four = len(masks) == 4
        if (header == 12 and (from_top or masks)) or (four and header < 56):
            continue
        if masks and header >= 56 and not four:
            masks += (0,)
        pixels = noise(height, width, seed=9, kind=numpy.uint32) & numpy.uint32((1 << bits) - 1)
        if bits == 32 and not masks:
            pixels &= numpy.uint32(0xFFFFFF)
        data = bmp(header, width, -height if from_top else height, bits, bmp_rows(pixels, bits, from_top),
                   3 if masks else 0, masks=masks)
        fields = masks or ((0x7C00, 0x3E0, 0x1F) if bits == 16 else (0xFF0000, 0xFF00, 0xFF))
        truth = numpy.stack([(pixels & mask).astype(numpy.int64) // (mask & -mask) * 255 // (mask // (mask & -mask))
                             for mask in fields if mask], axis=2).astype(numpy.uint8)
        name = f"BMP header {header}, {bits} bits, masks {[hex(mask) for mask in masks]}, {from_top=}"
        if masks and header == 52:
            grid.check(name, data, truth)  # Pillow looks for the masks behind the header
        else:
            check(name, data, truth)
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        image = Image.fromarray(noise(9, 13, 4), "RGBA").convert(mode)
        file = io.BytesIO()
        image.save(file, "BMP", dpi=(300, 300))
        # Pillow writes alpha into the unused byte, and does not read it from there.
        grid.check(f"BMP Pillow's {mode}", file.getvalue(),
                   numpy.asarray(image) if mode == "RGBA" else by_pillow(file.getvalue()))
    print(f"BMP: {read_by_pillow} of these files are read by Pillow")
    return read_by_pillow > 100


# PNM, PAM and PFM


def test_pnm(grid):
    read_by_pillow = 0
    for mode in ("1", "L", "RGB", "I"):
        pixels = noise(11, 13, 3)
        image = Image.fromarray(noise(11, 13, kind=numpy.uint16).astype(numpy.int32)) if mode == "I" else (
            Image.fromarray(pixels, "RGB").convert(mode))
        file = io.BytesIO()
        image.save(file, "PPM")
        read_by_pillow += 1
        grid.check(f"PNM Pillow's {mode}", file.getvalue(), by_pillow(file.getvalue()))
    for kind, largest, comment in itertools.product("123456", (1, 2, 3, 7, 10, 100, 127, 254, 255, 256, 1000, 65535),
                                                    (b"", b"# a comment\n")):
        if kind in "14" and largest > 1:
            continue
        channels = 3 if kind in "36" else 1
        values = noise(8, 17, channels, kind=numpy.uint32) % numpy.uint32(largest + 1)
        head = b"P" + kind.encode() + b"\n" + comment + b"17 " + comment + b"8\n"
        head += b"" if kind in "14" else b"%d\n" % largest
        if kind in "123":
            body = b"\n".join(b" ".join(b"%d" % value for value in row.flatten()) for row in values) + b"\n"
        elif kind == "4":
            body = numpy.packbits(values[:, :, 0].astype(numpy.uint8), axis=1).tobytes()
        else:
            body = values.astype(">u2" if largest > 255 else "u1").tobytes()
        full = 65535 if largest > 255 else 255
        truth = numpy.rint(values / largest * full).astype(numpy.uint16 if largest > 255 else numpy.uint8)
        if kind in "14":
            truth = 255 - truth
        name = f"PNM P{kind}, up to {largest}, {len(comment)} letters of comment"
        grid.check(name, head + body, truth, exact_channels=True)
        other = by_pillow(head + body)
        if other is not None and other.dtype == truth.dtype:  # it reads RGB of 16 bits as 8
            read_by_pillow += 1
            grid.check(f"{name} (Pillow)", head + body, other)
    for channels, kind in ((1, "GRAYSCALE"), (2, "GRAYSCALE_ALPHA"), (3, "RGB"), (4, "RGB_ALPHA")):
        pixels = noise(5, 6, channels, kind=numpy.uint16)
        head = f"P7\nWIDTH 6\nHEIGHT 5\nDEPTH {channels}\nMAXVAL 65535\nTUPLTYPE {kind}\nENDHDR\n".encode()
        grid.check(f"PNM PAM {kind}", head + pixels.astype(">u2").tobytes(), pixels, exact_channels=True)
    for order, letters in itertools.product("<>", ("Pf", "PF")):
        pixels = numpy.random.default_rng(1).normal(size=(7, 5, 1 if letters == "Pf" else 3)).astype(numpy.float32)
        head = f"{letters}\n5 7\n{-1.0 if order == '<' else 1.0}\n".encode()
        grid.check(f"PNM PFM {letters}{order}", head + pixels[::-1].astype(order + "f4").tobytes(), pixels)
    print(f"PNM: {read_by_pillow} of these files are read by Pillow")
    return read_by_pillow > 60


def test_farbfeld(grid):
    pixels = noise(9, 14, 4, kind=numpy.uint16)
    grid.check("farbfeld", b"farbfeld" + struct.pack(">II", 14, 9) + pixels.astype(">u2").tobytes(), pixels)
    return True


# TIFF


def tiff(order, width, height, strip, entries):
    """A file of one strip; entries: {tag: (type, [values])} beside those of the size and the strip."""
    entries = {256: (4, [width]), 257: (4, [height]), 273: (4, [8]), 278: (4, [height]), 279: (4, [len(strip)]),
               **entries}
    letters = {1: "B", 3: "H", 4: "I", 12: "d"}
    end = 8 + len(strip) + len(strip) % 2
    outside = end + 2 + 12 * len(entries) + 4
    directory, behind = struct.pack(order + "H", len(entries)), b""
    for tag in sorted(entries):
        kind, values = entries[tag]
        data = struct.pack(f"{order}{len(values)}{letters[kind]}", *values)
        directory += struct.pack(order + "HHI", tag, kind, len(values))
        if len(data) <= 4:
            directory += data.ljust(4, b"\0")
        else:
            directory += struct.pack(order + "I", outside + len(behind))
            behind += data + bytes(len(data) % 2)
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, end)
    return head + strip + bytes(len(strip) % 2) + directory + bytes(4) + behind


def test_tiff(grid):
    read_by_pillow = 0
    compressions = ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "lzma", "zstd", "jpeg", "group3", "group4")
    for mode, compression in itertools.product(("1", "L", "LA", "P", "RGB", "RGBA", "RGBX", "CMYK", "I;16", "F"),
                                               compressions):
        pixels = noise(21, 37, 4)
        if mode == "I;16":
            image = Image.fromarray(noise(21, 37, kind=numpy.uint16))
        elif mode == "F":
            image = Image.fromarray(numpy.random.default_rng(2).normal(size=(21, 37)).astype(numpy.float32))
        elif mode in ("RGBX", "CMYK"):
            image = Image.fromarray(pixels, mode)
        else:
            image = Image.fromarray(pixels, "RGBA").convert(mode)
        file = io.BytesIO()
        try:
            image.save(file, "TIFF", compression=compression)
        except Exception:
            continue  # not every compression knows every mode
        data = file.getvalue()
        other = Image.open(io.BytesIO(data))
        if mode == "CMYK":
            other = numpy.asarray(other.convert("RGB"))
        elif mode == "RGBX":
            other = numpy.asarray(other)[:, :, :3]
        else:
            other = by_pillow(data)
        read_by_pillow += 1
        # Two JPEG decoders, or one with other settings, round differently.
        grid.check(f"TIFF Pillow's {mode}, {compression}", data, other, tolerance=2 if compression == "jpeg" else 0)
    photometrics = ((0, 1), (1, 1), (2, 3), (3, 1), (2, 4), (1, 2))
    for order, bits, (photometric, samples), kind in itertools.product("<>", (1, 2, 4, 8, 16), photometrics, (0, 1, 2)):
        if bits < 8 and samples > 1 or bits == 16 and photometric == 3 or kind > 0 and samples % 2 == 1:
            continue
        values = noise(9, 11, samples, seed=bits, kind=numpy.uint16) & numpy.uint16((1 << bits) - 1)
        if bits < 8:
            padded = numpy.pad(values[:, :, 0].astype(numpy.uint8), ((0, 0), (0, -11 % (8 // bits))))
            strip = numpy.packbits((padded[:, :, None] >> numpy.arange(bits - 1, -1, -1)) & 1, axis=None).tobytes()
        else:
            strip = values.astype(order + f"u{bits // 8}").tobytes()
        entries = {258: (3, [bits] * samples), 259: (3, [1]), 262: (3, [photometric]), 277: (3, [samples])}
        colours = noise(3 << bits, seed=4, kind=numpy.uint16) if photometric == 3 else numpy.zeros(0)
        if photometric == 3:
            entries[320] = (3, colours.tolist())
        if samples % 2 == 0:
            entries[338] = (3, [kind])
        data = tiff(order, 11, 9, strip, entries)
        full = (1 << bits) - 1
        sample = numpy.uint16 if bits == 16 else numpy.uint8
        if photometric == 3:
            truth = (colours.reshape(3, -1)[:, values[:, :, 0]] >> 8).astype(numpy.uint8).transpose(1, 2, 0)
        else:
            truth = (values * numpy.uint16(255 // full if bits < 16 else 1)).astype(sample)
            truth = numpy.iinfo(sample).max - truth if photometric == 0 else truth
        if samples % 2 == 0 and kind == 0:
            truth = truth[:, :, :-1]
        elif samples % 2 == 0 and kind == 1:
            most = numpy.iinfo(sample).max
            colour, alpha = numpy.split(truth.astype(numpy.int64), [samples - 1], axis=2)
            colour = numpy.minimum(colour * most // numpy.maximum(alpha, 1), most) * (alpha > 0)
            truth = numpy.concatenate([colour, alpha], axis=2).astype(sample)
        name = f"TIFF {order} {bits} bits, photometric {photometric}, {samples} samples of kind {kind}"
        grid.check(name, data, truth)
        other = by_pillow(data)
        if other is not None and other.dtype == truth.dtype and not (bits == 16 and photometric == 0):
            read_by_pillow += 1  # of 16 bits it does not turn white into black, and reads most as 8 bits
            if samples % 2 == 0 and kind == 0:
                other = other[:, :, :-1]
            grid.check(f"{name} (Pillow)", data, other)
    for order, channels in itertools.product("<>", (1, 3)):
        # The differences of floating point: bytes of one significance beside each other, the highest first.
        pixels = numpy.random.default_rng(3).normal(size=(5, 7, channels)).astype(numpy.float32)
        planes = pixels.astype(">f4").view(numpy.uint8).reshape(5, 7 * channels, 4).transpose(0, 2, 1).reshape(5, -1)
        differences = planes.copy()
        differences[:, channels:] = planes[:, channels:] - planes[:, :-channels]
        entries = {258: (3, [32] * channels), 259: (3, [8]), 262: (3, [1 if channels == 1 else 2]),
                   277: (3, [channels]), 317: (3, [3]), 339: (3, [3] * channels)}
        grid.check(f"TIFF {order} predictor of floating point, {channels} channels",
                   tiff(order, 7, 5, zlib.compress(differences.tobytes()), entries), pixels)
    print(f"TIFF: {read_by_pillow} of these files are read by Pillow")
    return read_by_pillow > 80


# WebP


def test_webp(grid):
    for mode, lossless, quality in itertools.product(("RGB", "RGBA"), (False, True), (30, 90)):
        x, y = numpy.meshgrid(numpy.arange(40), numpy.arange(31))
        smooth = numpy.stack([5 * x, 6 * y, 3 * (x + y), 255 - 6 * x], axis=2).astype(numpy.uint8)
        file = io.BytesIO()
        Image.fromarray(smooth, "RGBA").convert(mode).save(file, "WEBP", lossless=lossless, quality=quality)
        grid.check(f"WebP {mode}, {lossless=}, {quality=}", file.getvalue(), by_pillow(file.getvalue()))
    frames = [Image.fromarray(noise(12, 10, 4, seed=seed), "RGBA") for seed in (1, 2, 3)]
    file = io.BytesIO()
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    grid.check("WebP animation", file.getvalue(), by_pillow(file.getvalue()))
    return True


TESTS = {"BMP": test_bmp, "PNM": test_pnm, "TIFF": test_tiff, "WebP": test_webp, "farbfeld": test_farbfeld}


def main():
    grid = Grid(sys.argv[1])
    wanted = sys.argv[2:] or list(TESTS)
    enough = all([TESTS[name](grid) for name in wanted])
    for kind, count in grid.counts.items():
        print(f"{kind}: {count} comparisons")
    print(f"{grid.failures} failures" + ("" if enough else "; too few files were read by Pillow"))
    return 0 if enough and grid.failures == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
