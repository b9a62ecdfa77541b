#!/usr/bin/env python3
"""Training on several ranks of this machine, beside a model of it, and what the model says of other machines.

usage: scaling.py --build BUILD_DIR [--ranks 1 2 4] [--threads 2] [--rounds 3] [--iterations 40] [--phase teacher]
                  [--latency-us L --bandwidth-gbit B]
       scaling.py --image-ms C --floats COUNT --latency-us L --bandwidth-gbit B    (the model alone)

Each round trains `--iterations` updates of the paper's batch (16 patches of 192 x 192) with each number of ranks in
turn, one thread a rank; and with one process of `--threads` threads, which needs no sum over ranks. Milliseconds an update are medians over the rounds, of the reports behind the first one.
all_reduce measures the sum of the gradients alone.

The model: an update on N ranks of one thread takes c ceil(B / N) + t(N). c is the time of an image, which is measured on one rank; B
the batch; t(N) = 2 log2(N) L + 2 (N - 1) / N bytes / bandwidth is the sum. L and bandwidth come from all_reduce on two
ranks, or from the options for a network that is not here.
"""
import argparse
import csv
import json
import math
import os
import statistics
import subprocess
import tempfile

BATCH = 16
ENVIRONMENT = {
    **os.environ,
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "OMPI_MCA_plm": "isolated",
}


def run(command):
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"scaling: error: {' '.join(command)}\n{done.stderr}")
    return done.stdout


def all_reduce(build, ranks):
    """Microseconds of a sum over so many ranks, by its number of floats."""
    text = run(["mpirun", "-n", str(ranks), f"{build}/benchmarks/all_reduce"])
    return {row["floats"]: row["median_us"] for row in map(json.loads, text.splitlines())}


def train(build, ranks, threads, phase, iterations):
    """Milliseconds an update, and the number of parameters."""
    every = max(1, iterations // 4)
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "run")
        run(["mpirun", "-n", str(ranks), f"{build}/tools/pisr_train", "--out", out, "-q", "-j", str(threads), "--phase", phase,
             "--set", f"train.total_iter={iterations}", "--set", f"train.print_freq={every}",
             "--set", "data.built_in.count=8", "--set", "data.built_in.validation_count=1"])
        with open(os.path.join(out, "metrics.csv"), newline="") as file:
            speeds = [float(row["iterations_per_second"]) for row in csv.DictReader(file) if row["iterations_per_second"]]
        with open(os.path.join(out, "train.log")) as file:
            count = next(int(line.split(" parameters")[0].split()[-1]) for line in file if " parameters to train" in line)
    return 1000 / statistics.median(speeds[1:] or speeds), count


def sum_us(ranks, floats, latency_us, bytes_per_us):
    if ranks == 1:
        return 0.0
    return 2 * math.log2(ranks) * latency_us + 2 * (ranks - 1) / ranks * 4 * floats / bytes_per_us


def print_model(ranks_in_table, times, image_ms, floats, latency_us, bytes_per_us):
    print("| ranks | ms an update, measured (smallest to largest) | speedup | ms, model | speedup, model |\n|---|---|---|---|---|")
    for ranks in ranks_in_table:
        model = image_ms * math.ceil(BATCH / ranks) + sum_us(ranks, floats, latency_us, bytes_per_us) / 1000
        measured, speedup = "-", "-"
        if ranks in times:
            median = statistics.median(times[ranks])
            measured = f"{median:.1f} ({min(times[ranks]):.1f} to {max(times[ranks]):.1f})"
            speedup = f"{statistics.median(times[1]) / median:.2f}"
        print(f"| {ranks} | {measured} | {speedup} | {model:.2f} | {image_ms * BATCH / model:.2f} |")


def measure(options):
    """Trains and adds, prints the sums, and returns times by ranks, the number of floats, and sums by ranks."""
    times = {ranks: [] for ranks in options.ranks}
    threaded = []
    floats = 0
    for _ in range(options.rounds):
        for ranks in options.ranks:
            milliseconds, floats = train(options.build, ranks, 1, options.phase, options.iterations)
            times[ranks].append(milliseconds)
        threaded.append(train(options.build, 1, options.threads, options.phase, options.iterations)[0])
    sums = {ranks: all_reduce(options.build, ranks) for ranks in sorted({2, *options.ranks} - {1})}
    print(f"{options.phase}: {floats} parameters, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}\n")
    print("| ranks | floats | microseconds of the sum |\n|---|---|---|")
    for ranks, measured in sums.items():
        for count, time in measured.items():
            print(f"| {ranks} | {count} | {time:.1f} |")
    print(f"\none process of {options.threads} threads: {statistics.median(threaded):.1f} ms an update "
          f"({min(threaded):.1f} to {max(threaded):.1f})\n")
    return times, floats, sums


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build")
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=40)
    parser.add_argument("--phase", default="teacher")
    parser.add_argument("--latency-us", type=float)
    parser.add_argument("--bandwidth-gbit", type=float)
    parser.add_argument("--image-ms", type=float)
    parser.add_argument("--floats", type=int)
    options = parser.parse_args()
    network = (options.latency_us, options.bandwidth_gbit)
    if (network[0] is None) != (network[1] is None):
        parser.error("--latency-us and --bandwidth-gbit belong together")
    if options.build is None and None in (*network, options.image_ms, options.floats):
        parser.error("needs --build, or all of --image-ms, --floats, --latency-us and --bandwidth-gbit")
    if 1 not in options.ranks:
        parser.error("--ranks needs 1, which the model starts from")

    times, sums, image_ms, floats = {}, {}, options.image_ms, options.floats
    if options.build is not None:
        times, floats, sums = measure(options)
        image_ms = statistics.median(times[1]) / BATCH
    if network[0] is not None:
        latency_us, bytes_per_us = network[0], network[1] * 1000 / 8
        source = "as given"
    else:
        two = sums[2]
        latency_us = two[1] / 2
        largest = max(two)
        bytes_per_us = 4 * largest / max(two[largest] - two[1], 1e-3)
        source = "of two ranks here"
    print(f"{image_ms:.2f} ms an image, {floats} floats, latency {latency_us:.1f} us, "
          f"bandwidth {bytes_per_us * 8 / 1000:.1f} Gbit/s, {source}\n")
    print_model(sorted({*options.ranks, 8, 16}), times, image_ms, floats, latency_us, bytes_per_us)


if __name__ == "__main__":
    main()
