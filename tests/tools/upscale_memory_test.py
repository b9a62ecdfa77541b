#!/usr/bin/env python3
"""Peak memory of pisr_upscale for a picture of 16,000 x 16,000 pixels, and for a folder and a video that become longer.

usage: upscale_memory_test.py PROGRAM [SIDE]

Prints megabytes. Fails where the picture takes more than 300 MB, or where memory grows with the number of pictures or
frames.
"""
import os
import subprocess
import sys
import tempfile

MOST_MB = 300


def run(*command, stdin=None):
    """Runs a program, and returns its peak memory in MB."""
    process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)}: status {status}")
    return usage.ru_maxrss / 1024


def write_ppm(path, width, height):
    """A picture whose rows repeat after 97."""
    rows = [bytes((x * 7 + y * y * 3 + (x * y >> 4) + c * 80) & 255 for x in range(width) for c in range(3)) for y in range(97)]
    with open(path, "wb") as file:
        file.write(f"P6\n{width} {height}\n255\n".encode())
        for y in range(height):
            file.write(rows[y % 97])


def write_y4m(path, frames):
    """Grey frames of 320 x 180 in YUV 4:2:0."""
    with open(path, "wb") as file:
        file.write(b"YUV4MPEG2 W320 H180 F25:1 Ip A1:1 C420jpeg\n")
        for i in range(frames):
            file.write(b"FRAME\n" + bytes([i & 255]) * (320 * 180 * 3 // 2))


def main():
    program = sys.argv[1]
    side = int(sys.argv[2]) if len(sys.argv) > 2 else 16000
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        large = os.path.join(folder, "large.ppm")
        out = os.path.join(folder, "large.png")
        write_ppm(large, side, side)
        peak = run(program, "-i", large, "-o", out, "-j", "2", "-q")
        print(f"{side} x {side} pixels, PPM to PNG: {peak:.0f} MB")
        failed |= peak > MOST_MB
        os.remove(large)
        os.remove(out)

        peaks = []
        for count in (4, 40):
            pictures = os.path.join(folder, str(count))
            os.mkdir(pictures)
            for i in range(count):
                write_ppm(os.path.join(pictures, f"{i}.ppm"), 640, 360)
            peaks.append(run(program, "-i", pictures, "-o", pictures + "_out/", "-f", "png", "-j", "2", "-q"))
        print(f"a folder of 4 and of 40 pictures of 640 x 360: {peaks[0]:.0f} and {peaks[1]:.0f} MB")
        failed |= peaks[1] > 1.2 * peaks[0] + 4

        peaks = []
        for count in (10, 200):
            video = os.path.join(folder, f"{count}.y4m")
            write_y4m(video, count)
            with open(video, "rb") as stream:
                peaks.append(run(program, "--y4m", "-i", "-", "-o", "-", "-j", "2", "-q", stdin=stream))
        print(f"a video of 10 and of 200 frames of 320 x 180: {peaks[0]:.0f} and {peaks[1]:.0f} MB")
        failed |= peaks[1] > 1.2 * peaks[0] + 4
    if failed:
        sys.exit("upscale_memory_test: too much memory")


main()
