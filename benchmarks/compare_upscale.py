#!/usr/bin/env python3
"""The whole job of enlarging files, from a JPEG to a PNG, by pisr_upscale, by OpenCV (as its dnn_superres does) and by
PyTorch with Pillow, with one and the same network.

usage: compare_upscale.py --upscale PROGRAM --bench PROGRAM --pictures FOLDER --out FOLDER [--rounds N] [--threads N]

Jobs: one picture of 4000 x 3000, and a folder of pictures of 1 MP, all tiled from those in --pictures. Systems take
turns, one process each. The report gives medians of wall time, CPU time and peak memory, the size of the PNG files, and
the wall time over that of the network alone (pisr_bench --serve), in one run. First each result is compared with
pisr's: PyTorch's must be within 1 of each sample, OpenCV's, whose luminance has another range, within 30 dB.

Needs torch, onnx, numpy, pillow and opencv-python-headless.
"""
import argparse
import glob
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
WEIGHTS = os.path.join(HERE, "..", "pisr", "weights", "pisr-plain_x2.safetensors")
SCALE = 2


def make_picture(sources, width, height, path, first=0):
    from PIL import Image

    picture = Image.new("RGB", (width, height))
    x = y = row_height = 0
    index = first
    while y < height:
        part = Image.open(sources[index % len(sources)]).convert("RGB")
        index += 1
        picture.paste(part, (x, y))
        x += part.width
        row_height = max(row_height, part.height)
        if x >= width:
            x, y, row_height = 0, y + row_height, 0
    picture.save(path, quality=92)


def network(width, height):
    """torch, the built-in network as a module, and a picture of that size."""
    sys.path.insert(0, HERE)
    import reference_networks
    import torch
    import torch_networks

    weights, metadata = torch_networks.read_safetensors(WEIGHTS)
    options = {name: int(metadata[name]) for name in ("feature_channels", "layers")}
    model = reference_networks.Network({"architecture": metadata["architecture"], "scale": SCALE, "options": options},
                                       weights)
    return torch, model, torch.zeros(1, 1, height, width)


def enlarge_by_torch(inputs, folder, threads):
    import numpy
    from PIL import Image

    run = None
    to_ycc = numpy.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]], numpy.float32) / 255
    to_rgb = numpy.linalg.inv(to_ycc.astype(numpy.float64)).astype(numpy.float32)
    offset = numpy.array([16, 128, 128], numpy.float32)
    for path in inputs:
        rgb = numpy.asarray(Image.open(path).convert("RGB"), numpy.float32)
        if run is None:
            torch, model, x = network(rgb.shape[1], rgb.shape[0])
            torch.set_num_threads(threads)
            with torch.no_grad():
                run = torch.jit.optimize_for_inference(torch.jit.trace(model.eval(), x))
        ycc = rgb @ to_ycc.T + offset
        with torch.inference_mode():
            y = run(torch.from_numpy(ycc[None, None, :, :, 0] / 255)).numpy()[0, 0] * 255
        size = (y.shape[1], y.shape[0])
        planes = [y] + [numpy.asarray(Image.fromarray(ycc[:, :, c].copy()).resize(size, Image.BICUBIC)) for c in (1, 2)]
        large = (numpy.stack(planes, axis=2) - offset) @ to_rgb.T
        samples = numpy.clip(large + 0.5, 0, 255).astype(numpy.uint8)
        name = os.path.splitext(os.path.basename(path))[0] + ".png"
        Image.fromarray(samples).save(os.path.join(folder, name), compress_level=1)


def enlarge_by_opencv(inputs, folder, threads):
    import cv2

    cv2.setNumThreads(threads)
    net = None
    for path in inputs:
        image = cv2.imread(path, cv2.IMREAD_COLOR)
        if net is None:
            model_path = os.path.join(folder, f"{image.shape[1]}x{image.shape[0]}.onnx")
            net = cv2.dnn.readNetFromONNX(os.path.join(folder, "..", os.path.basename(model_path)))
        y, cr, cb = cv2.split(cv2.cvtColor(image, cv2.COLOR_BGR2YCrCb))
        net.setInput(cv2.dnn.blobFromImage(y, 1.0 / 255))
        y = net.forward()[0, 0]
        y = cv2.convertScaleAbs(cv2.max(y, 0), alpha=255)
        size = (y.shape[1], y.shape[0])
        large = cv2.merge([y] + [cv2.resize(plane, size, interpolation=cv2.INTER_CUBIC) for plane in (cr, cb)])
        name = os.path.splitext(os.path.basename(path))[0] + ".png"
        cv2.imwrite(os.path.join(folder, name), cv2.cvtColor(large, cv2.COLOR_YCrCb2BGR))


def export(width, height, folder):
    """The network for OpenCV, whose files it reads."""
    torch, model, x = network(width, height)
    with torch.no_grad():
        model(x)
        torch.onnx.export(model.eval(), x, os.path.join(folder, f"{width}x{height}.onnx"), opset_version=12, dynamo=False)


def prepare(pictures, width, height, count, job):
    sources = sorted(glob.glob(os.path.join(pictures, "*.png")))
    os.makedirs(os.path.join(job, "in"), exist_ok=True)
    for i in range(count):
        path = os.path.join(job, "in", f"{i}.jpg")
        if not os.path.exists(path):
            make_picture(sources, width, height, path, i)
    export(width, height, job)


def alone_with(*arguments):
    subprocess.run([sys.executable, "-W", "ignore", os.path.abspath(__file__), *map(str, arguments)], check=True)


# As in compare_torch.py: the allocator keeps its memory, in huge pages.
TUNED = {"MALLOC_TRIM_THRESHOLD_": "8589934592", "MALLOC_MMAP_THRESHOLD_": "8589934592",
         "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", "OMP_WAIT_POLICY": "passive"}


def timed(command):
    start = time.monotonic()
    environment = {**os.environ, **TUNED} if "--peer" in command else None
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)}: status {status}")
    return {"wall": time.monotonic() - start, "cpu": usage.ru_utime + usage.ru_stime, "mb": usage.ru_maxrss / 1024}


def architecture():
    with open(WEIGHTS, "rb") as file:
        return json.loads(file.read(int.from_bytes(file.read(8), "little")))["__metadata__"]["architecture"]


def network_alone(bench, width, height, threads, runs):
    """Seconds of the network in a process that does nothing else."""
    done = subprocess.run([bench, "--serve", f"W5/{architecture()}@{width}x{height}", "-j", str(threads)], check=True, text=True,
                          stdout=subprocess.PIPE, input=f"run {runs + 1}\nquit\n")
    return statistics.median(json.loads(done.stdout.splitlines()[-1])["ms"][1:]) / 1000


def check(ours, theirs, system):
    import numpy
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    a = numpy.asarray(Image.open(ours), numpy.int16)
    b = numpy.asarray(Image.open(theirs), numpy.int16)
    if a.shape != b.shape:
        sys.exit(f"{system}: the result has the shape {b.shape}, wanted {a.shape}")
    difference = numpy.abs(a - b)
    inside = difference[16:-16, 16:-16]  # Pillow and OpenCV repeat or cut the border
    psnr = 10 * numpy.log10(255**2 / max(1e-9, float((inside.astype(numpy.float64) ** 2).mean())))
    print(f"{system}: largest difference {inside.max()}, {psnr:.1f} dB of pisr's")
    if (system == "torch" and inside.max() > 1) or psnr < 30:
        sys.exit(f"{system}: another result than pisr's")


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "--peer":
        _, _, system, folder, threads, *inputs = sys.argv
        {"torch": enlarge_by_torch, "opencv": enlarge_by_opencv}[system](inputs, folder, int(threads))
        return
    if len(sys.argv) > 1 and sys.argv[1] == "--prepare":
        _, _, pictures, width, height, count, job = sys.argv
        prepare(pictures, int(width), int(height), int(count), job)
        return
    if len(sys.argv) > 1 and sys.argv[1] == "--check":
        check(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser()
    for name in ("upscale", "bench", "pictures", "out"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--count", type=int, default=100)
    arguments = parser.parse_args()
    report = {"threads": arguments.threads, "rounds": arguments.rounds, "jobs": []}
    for title, width, height, count in (("one picture", 4000, 3000, 1), ("folder", 1152, 868, arguments.count)):
        job = os.path.join(arguments.out, f"{width}x{height}")
        inputs = [os.path.join(job, "in", f"{i}.jpg") for i in range(count)]
        # In processes of their own: a large parent would count as memory of those that are measured.
        alone_with("--prepare", arguments.pictures, width, height, count, job)
        commands = {}
        for system in ("pisr", "opencv", "torch"):
            folder = os.path.join(job, system)
            os.makedirs(folder, exist_ok=True)
            commands[system] = [sys.executable, os.path.abspath(__file__), "--peer", system, folder, str(arguments.threads), *inputs]
        commands["pisr"] = [arguments.upscale, "-i", *inputs, "-o", os.path.join(job, "pisr") + "/", "--name", "{stem}.{ext}", "-f", "png",
                            "--overwrite", "-j", str(arguments.threads), "-q"]
        for system, command in commands.items():
            timed(command)
            if system != "pisr":
                alone_with("--check", os.path.join(job, "pisr", "0.png"), os.path.join(job, system, "0.png"), system)
        samples = {system: [] for system in commands}
        alone = []
        order = list(commands)
        for _ in range(arguments.rounds):
            alone.append(count * network_alone(arguments.bench, width, height, arguments.threads, 3 if count == 1 else 10))
            for system in order:
                samples[system].append(timed(commands[system]))
            order = order[1:] + order[:1]
        rows = {}
        for system, runs in samples.items():
            rows[system] = {key: statistics.median(run[key] for run in runs) for key in ("wall", "cpu", "mb")}
            rows[system]["over_network"] = statistics.median(run["wall"] / own for run, own in zip(runs, alone))
            rows[system]["over_pisr"] = statistics.median(run["wall"] / ours["wall"] for run, ours in zip(runs, samples["pisr"]))
            rows[system]["output_mb"] = sum(os.path.getsize(path) for path in glob.glob(os.path.join(job, system, "*.png"))) / 1e6
        report["jobs"].append({"job": title, "width": width, "height": height, "count": count,
                               "network_seconds": statistics.median(alone), "systems": rows})
        print(f"\n{title}: {count} of {width} x {height}, the network alone {statistics.median(alone):.2f} s")
        print("| system | wall s | over the network | CPU s | peak MB | PNG MB | time of pisr |\n|---|---|---|---|---|---|---|")
        for system, row in rows.items():
            print(f"| {system} | {row['wall']:.2f} | {row['over_network']:.2f} | {row['cpu']:.2f} | {row['mb']:.0f} | "
                  f"{row['output_mb']:.1f} | {row['over_pisr']:.2f}x |")
    with open(os.path.join(arguments.out, "compare_upscale.json"), "w") as file:
        json.dump(report, file, indent=1)


main()
