#!/usr/bin/env python3
"""Every network as a C header, compiled as strict C99 without a warning, against pisr: weights with random numbers and
images of odd sizes. Prints the largest difference of each network.

usage: export_c_test.py PISR_EXPORT EXPORT_CASES
"""
import pathlib
import sys
import tempfile

import numpy
from export_testing import read_tensors, relative_difference, run, write_tensors

SIZES = [(1, 1), (1, 7), (7, 1), (5, 7), (13, 31)]
BOUND = 1e-5
FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1", "-fsanitize=address,undefined",
         "-fno-sanitize-recover=all"]
# The header of every network is compiled into one program: names of two do not collide.
MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "headers.h"

typedef size_t (*floats_function)(int, int);
typedef void (*run_function)(const float*, int, int, float*, float*);

static void enlarge(floats_function floats, run_function run, int channels, int scale, int w, int h, const char* from,
                    const char* to) {
  const size_t count = (size_t)channels * w * h, large = count * scale * scale;
  float* in = malloc(count * sizeof(float));
  float* out = malloc(large * sizeof(float));
  float* scratch = malloc(floats(w, h) * sizeof(float) + 1);
  FILE* file = fopen(from, "rb");
  if (!file || fread(in, sizeof(float), count, file) != count) exit(2);
  fclose(file);
  run(in, w, h, out, scratch);
  file = fopen(to, "wb");
  if (!file || fwrite(out, sizeof(float), large, file) != large || fclose(file)) exit(2);
  free(in);
  free(out);
  free(scratch);
}

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const int w = atoi(argv[2]), h = atoi(argv[3]);
"""


def main():
    export, cases = sys.argv[1:3]
    worst, failures = {}, 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        made = folder / "weights"
        made.mkdir()
        run([cases, "weights", made])
        weights = sorted(made.glob("*.safetensors"))
        includes, program = "", MAIN
        for path in weights:
            stem = path.name.removesuffix(".safetensors")
            channels, scale = int(stem.split("_c")[1][0]), int(stem.split("_x")[1][0])
            run([export, "-m", path, "-f", "c", "--name", stem, "-o", folder / f"{stem}.h"])
            includes += f'#include "{stem}.h"\n'
            program += (f'  if (!strcmp(argv[1], "{stem}")) enlarge({stem}_scratch_floats, {stem}_run, {channels}, {scale}, w, h,'
                        " argv[4], argv[5]);\n")
        (folder / "headers.h").write_text(includes)
        (folder / "main.c").write_text(program + "  return 0;\n}\n")
        run(["cc", *FLAGS, folder / "main.c", "-o", folder / "program", "-lm"])
        noise = numpy.random.default_rng(3)
        for path in weights:
            stem = path.name.removesuffix(".safetensors")
            channels, scale = int(stem.split("_c")[1][0]), int(stem.split("_x")[1][0])
            images = {f"{h}x{w}": noise.random((1, channels, h, w), dtype=numpy.float32) for h, w in SIZES}
            write_tensors(folder / "in", images)
            run([cases, "run", path, scale, folder / "in", folder / "out"])
            wanted, _ = read_tensors(folder / "out")
            for size, image in images.items():
                h, w = image.shape[2:]
                (folder / "image").write_bytes(image.tobytes())
                run([folder / "program", stem, w, h, folder / "image", folder / "enlarged"])
                got = numpy.fromfile(folder / "enlarged", numpy.float32).reshape(1, channels, h * scale, w * scale)
                difference = relative_difference(got, wanted[size])
                kind = stem.split("_c")[0]
                worst[kind] = max(worst.get(kind, 0), difference)
                if not difference <= BOUND:
                    failures += 1
                    print(f"FAILED: {stem} {size}: {difference:.2e}")
    for kind, difference in worst.items():
        print(f"{difference:9.1e}  {kind}")
    print(f"{len(weights)} headers, {failures} results beyond {BOUND}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
