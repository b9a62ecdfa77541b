#!/usr/bin/env python3
"""Both kinds of shader, run by FFmpeg's libplacebo on Mesa's software Vulkan, against a statement of the networks in numpy
that rounds what a pass stores to 16-bit floats. Images of odd sizes, borders included. Prints the largest difference.

usage: export_shader_test.py PISR_EXPORT EXPORT_CASES
"""
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy
from export_testing import published_weights, read_tensors, run, skip

SIZES = [(1, 1), (5, 7), (13, 31)]
SIZES_OF_LARGE = [(13, 31)]  # whose shaders take seconds to compile
# Sums in another order move a few stored values to the next 16-bit float, which is 2^-11 away for values up to 1.
LARGEST = 2.0**-9
MEAN = 2.0**-13
# What makes zeros of pixels beyond the border, and what a shader would have without.
BORDER_CHECKS = {"fragment": [("if (here", "if (true || here")],
                 "compute": [("all(greaterThanEqual(at, ivec2(0))) && all(lessThan(at, size))", "true")]}


class Half:
    """Rounds to a 16-bit float as the device does: to the nearest, or towards 0. Vulkan allows both."""
    truncates = False

    def __call__(self, x):
        result = x.astype(numpy.float16).astype(numpy.float32)
        if self.truncates:
            beyond = numpy.abs(result) > numpy.abs(x)
            lower = numpy.nextafter(result.astype(numpy.float16), numpy.float16(0)).astype(numpy.float32)
            result = numpy.where(beyond, lower, result)
        return result


half = Half()

# Stores a number three quarters of the way from 0.5 to the next 16-bit float.
PROBE = """
//!HOOK LUMA
//!BIND HOOKED
//!DESC probe
vec4 hook() { return vec4(0.5 + 0.75 / 2048.0); }
"""


def padded(x, before, behind, replicate):
    return numpy.pad(x, ((0, 0), (before, behind), (before, behind)), mode="edge" if replicate else "constant")


def conv(x, weight, bias, replicate=False):
    """x [c, h, w], weight [k, c, s, s] -> [k, h, w]"""
    size = weight.shape[2]
    h, w = x.shape[1:]
    x = padded(x, size // 2, size // 2, replicate)
    y = numpy.zeros((len(weight), h, w), numpy.float32) + bias[:, None, None]
    for i in range(size):
        for j in range(size):
            y += numpy.einsum("kc,chw->khw", weight[:, :, i, j], x[:, i:i + h, j:j + w])
    return y


def prelu(x, slope):
    return numpy.maximum(x, 0) + slope.reshape(-1, 1, 1) * numpy.minimum(x, 0)


def deconv(x, weight, bias, scale, padding):
    """x [c, h, w], weight [c, 1, s, s] -> [1, h scale, w scale]: each pixel is put down as a kernel."""
    h, w = x.shape[1:]
    size = weight.shape[2]
    y = numpy.zeros((h * scale + 2 * size, w * scale + 2 * size), numpy.float32)
    for i in range(size):
        for j in range(size):
            y[i:i + h * scale:scale, j:j + w * scale:scale] += numpy.einsum("c,chw->hw", weight[:, 0, i, j], x)
    return y[None, padding:padding + h * scale, padding:padding + w * scale] + bias


def shuffled(x, scale):
    h, w = x.shape[1:]
    return x.reshape(scale, scale, h, w).transpose(2, 0, 3, 1).reshape(1, h * scale, w * scale)


def layer(tensors, name, x, replicate=False):
    return prelu(conv(x, tensors[name + ".weight"], tensors[name + ".bias"], replicate), tensors[name + ".slope"])


def fsrcnn(image, tensors, facts, variant):
    """The compute shader stores neither the features nor what is expanded."""
    scale, replicate = int(facts["scale"]), facts["replicate_padding"] == "true"
    wide = int(facts["feature_channels"]) > int(facts["shrink_channels"])
    stored = half if variant == "fragment" or not wide else lambda x: x
    features = layer(tensors, "feature", image, replicate)
    # Layers of one channel to one are no pair.
    x = half(layer(tensors, "shrink", (half if variant == "fragment" else lambda x: x)(features)))
    for i in range(int(facts["mapping_layers"])):
        x = half(layer(tensors, f"mapping.{i}", x, replicate))
    x = stored(layer(tensors, "expand", x))
    padding = 0 if facts["depth_to_space"] == "true" else int(facts["deconvolution_padding"])
    return deconv(x, tensors["deconvolution.weight"], tensors["deconvolution.bias"], scale, padding)


def plain(image, tensors, facts, _):
    first = half(layer(tensors, "head", image))
    x = first
    layers = int(facts["layers"])
    for i in range(layers):
        x = layer(tensors, f"body.{i}", x)
        x = half(x + first) if i + 1 == layers else half(x)
    y = conv(x, tensors["tail.weight"], tensors["tail.bias"]) + image
    return shuffled(y, int(facts["scale"]))


def shown(shader, image, scale, folder):
    """What libplacebo makes of an image of 16 bits [h, w]."""
    h, w = image.shape
    (folder / "in.gray").write_bytes(image.tobytes())
    run(["ffmpeg", "-v", "error", "-y", "-init_hw_device", "vulkan=vk:0", "-f", "rawvideo", "-pix_fmt", "gray16le", "-s",
         f"{w}x{h}", "-color_range", "pc", "-i", folder / "in.gray", "-filter_hw_device", "vk", "-vf",
         f"hwupload,libplacebo=w={scale}*iw:h={scale}*ih:custom_shader_path={shader}:upscaler=none:dithering=none,"
         "hwdownload,format=gray16le", "-f", "rawvideo", folder / "out.gray"])
    return numpy.fromfile(folder / "out.gray", "<u2").reshape(h * scale, w * scale).astype(numpy.float32) / 65535


def check_available():
    command = ["ffmpeg", "-v", "error", "-init_hw_device", "vulkan=vk:0", "-f", "lavfi", "-i", "color=s=8x8", "-filter_hw_device",
               "vk", "-vf", "hwupload,libplacebo,hwdownload,format=yuv420p", "-frames:v", "1", "-f", "null", "-"]
    try:
        done = subprocess.run(command, capture_output=True)
    except FileNotFoundError:
        skip("no ffmpeg")
    if done.returncode != 0:
        skip("ffmpeg has no libplacebo or no Vulkan: " + done.stderr.decode(errors="replace").strip().split("\n")[-1])


def find_rounding(folder):
    (folder / "probe.glsl").write_text(PROBE)
    stored = shown(folder / "probe.glsl", numpy.zeros((2, 2), "<u2"), 1, folder)[0, 0]
    half.truncates = bool(stored < 0.5 + 0.5 / 2048)
    print("16-bit floats are rounded", "towards 0" if half.truncates else "to the nearest")


def compare(programs, weights, scale, sizes, variant, folder, worst):
    run([programs[0], "-m", weights, "-s", scale, "-f", "safetensors", "-o", folder / "ours", "--overwrite"])
    tensors, facts = read_tensors(folder / "ours")
    shader = folder / "shader.glsl"
    run([programs[0], "-m", weights, "-s", scale, "-f", "glsl", "--variant", variant, "-o", shader, "--overwrite"])
    network = {"fsrcnn": fsrcnn, "plain": plain}[facts["architecture"]]
    noise = numpy.random.default_rng(5)
    failures = 0
    for h, w in sizes:
        image = noise.integers(0, 65536, (h, w)).astype("<u2")
        wanted = network(image[None].astype(numpy.float32) / 65535, tensors, facts, variant)[0]
        got = shown(shader, image, scale, folder)
        difference = numpy.abs(got - numpy.clip(half(wanted), 0, 1))
        largest, mean = float(difference.max()), float(difference.mean())
        kind = (facts["architecture"], variant)
        worst[kind] = max(worst.get(kind, (0, 0)), (largest, mean))
        if not (largest <= LARGEST and mean <= MEAN) or numpy.ptp(wanted) < 0.01:
            failures += 1
            print(f"FAILED: {weights.name} {variant} {w}x{h}: largest {largest:.2e}, mean {mean:.2e}")
    return failures


def check_planted_fault(programs, folder, variant):
    """A shader that repeats the border, instead of zeros beyond it, is beyond the bounds."""
    weights, shader = folder / "pisr-plain_x2.safetensors", folder / "fault.glsl"
    text = run([programs[0], "-m", weights, "-f", "glsl", "--variant", variant, "-o", "-"]).stdout.decode()
    for check, without in BORDER_CHECKS[variant]:
        assert check in text
        text = text.replace(check, without)
    shader.write_text(text)
    tensors, facts = read_tensors(weights)
    image = numpy.random.default_rng(5).integers(0, 65536, (5, 7)).astype("<u2")
    wanted = plain(image[None].astype(numpy.float32) / 65535, tensors, facts, variant)[0]
    difference = numpy.abs(shown(shader, image, 2, folder) - numpy.clip(half(wanted), 0, 1))
    assert difference.max() > 10 * LARGEST and difference.mean() > 10 * MEAN, (difference.max(), difference.mean())


def check_text(programs, weights, folder):
    """Comments stay comments, and directives begin lines, whatever the facts hold."""
    text = run([programs[0], "-m", weights, "-f", "glsl", "-o", "-"]).stdout.decode()
    before, _, after = text.partition("//!")
    assert 'licence: MIT "quoted" */ / /! \\' in before and "data: noise\\x0aof a test" in before, before
    assert all(line.startswith("// ") for line in before.strip().split("\n")), before
    assert after.count("//!HOOK LUMA") == len(re.findall(r"^//!DESC", "//!" + after, re.M))


def main():
    check_available()
    programs = sys.argv[1:3]
    worst, failures, count = {}, 0, 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        find_rounding(folder)
        made = folder / "weights"
        made.mkdir()
        run([programs[1], "weights", made])
        todo = [(path, int(path.name.split("_x")[1][0]), SIZES) for path in sorted(made.glob("*_c1_*_small*.safetensors"))
                if path.name.split("_")[0] in ("fsrcnn", "plain")]
        todo.append((made / "fsrcnn_c1_x2.safetensors", 2, SIZES_OF_LARGE))
        for scale in (2, 3, 4):
            path = folder / f"pisr-plain_x{scale}.safetensors"
            run([programs[0], "-s", scale, "-f", "safetensors", "-o", path])
            todo.append((path, scale, SIZES_OF_LARGE))
        todo += [(path, scale, SIZES_OF_LARGE) for path, scale in published_weights() if path.name.startswith("fsrcnn")]
        for weights, scale, sizes in todo:
            for variant in ("fragment", "compute"):
                failures += compare(programs, weights, scale, sizes, variant, folder, worst)
                count += 1
        for variant in BORDER_CHECKS:
            check_planted_fault(programs, folder, variant)
        check_text(programs, made / "plain_c1_x2.safetensors", folder)
    for (network, variant), (largest, mean) in worst.items():
        print(f"{largest:9.1e} {mean:9.1e}  {network}, {variant}")
    print(f"{count} shaders, {failures} beyond {LARGEST:.1e} or, on average, {MEAN:.1e}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
