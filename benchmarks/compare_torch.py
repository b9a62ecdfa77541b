#!/usr/bin/env python3
"""W1 to W4 by pisr, PyTorch and oneDNN, taking turns in one run; outputs are compared first. With --work W5 every
network by pisr, PyTorch and ONNX Runtime, with --work W5/NAME one of them.

usage: compare_torch.py --bench build/cpu/benchmarks/pisr_bench [--out FOLDER] [--rounds 5] [--work W1,W2] ...

Runs with any Python 3 that has torch, for W5 also onnx and onnxruntime. Writes FOLDER/compare_torch.{json,md,svg}. benchmarks/README.md says what is
measured. Exit codes: 0, 2 wrong use, 4 cannot write, 6 a program is missing or failed, 8 results differ.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from comparison_page import markdown, svg

HERE = os.path.dirname(os.path.abspath(__file__))
# Differences in float of another order of summation; Adam's first steps multiply those of the losses.
TOLERANCE = {"W1": 1e-5, "W2": 1e-4, "W3": 1e-4, "W4": 1e-4, "W5": 1e-5}
# W5 enlarges the first of these by which it needs at most --most multiply-adds.
NETWORK_SIZES = ["640x360", "320x180", "160x90", "80x45"]
SIZES = ["320x180", "640x360", "1280x720", "1920x1080", "3840x2160"]
# Without these PyTorch returns its memory to the system after each tensor and is several times slower.
TUNED = {
    "MALLOC_TRIM_THRESHOLD_": "8589934592",
    "MALLOC_MMAP_THRESHOLD_": "8589934592",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "OMP_WAIT_POLICY": "passive",
}


class Failure(Exception):
    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


class Worker:
    """A process that runs a workload when asked to."""

    def __init__(self, name, command, environment):
        self.name = name
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
        self.hello = self.answer()
        self.ms = []
        self.peak_kb = 0

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failure(6, "%s ended with code %d" % (self.name, self.process.wait()))
        return json.loads(line)

    def run(self, times):
        self.process.stdin.write("run %d\n" % times)
        self.process.stdin.flush()
        answer = self.answer()
        self.peak_kb = answer["peak_kb"]
        return answer["ms"]

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def output_of(command):
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if result.returncode != 0:
        raise Failure(6, "%s ended with code %d" % (command[0], result.returncode))
    return result.stdout


def measure_limits(options):
    text = output_of([options.bench, "--benchmark_filter=^W1/", "--benchmark_format=json",
                      "--threads", ",".join(map(str, options.threads))])
    context = json.loads(text)["context"]
    limits = {str(n): float(context["fma_gflops/threads:%d" % n]) for n in options.threads}
    return context["instruction_set"], limits


def start_workers(options, work, threads, exchange):
    one = {"OMP_NUM_THREADS": str(threads)}
    torch = [sys.executable, os.path.join(HERE, "torch_worker.py"), work, str(threads)]
    workers = [Worker("pisr", [options.bench, "--serve", work, "--threads", str(threads)], {})]
    workers.append(Worker("torch plain", torch + ["plain", exchange], one))
    workers.append(Worker("torch tuned", torch + ["tuned", exchange], {**one, **TUNED}))
    if work.startswith("W5/"):
        workers.append(Worker("ONNX Runtime", torch + ["onnx", exchange], one))
    if work == "W1" and options.onednn:
        workers.append(Worker("oneDNN", [options.onednn, exchange], {**one, "OMP_WAIT_POLICY": "passive"}))
    return workers


def compare(options, work, threads, exchange, limit):
    workers = start_workers(options, work, threads, exchange)
    for worker in workers[1:]:
        error = worker.hello["error"]
        accepted = TOLERANCE[work[:2]]
        if not error <= accepted:
            raise Failure(8, "%s of %s differs from pisr's by %.3g, accepted %.3g"
                          % (work, worker.name, error, accepted))
    for worker in workers:
        worker.run(1)
    times = {"W1": 5, "W2": 3}.get(work, 1)
    for turn in range(options.rounds):
        first = turn % len(workers)
        for worker in workers[first:] + workers[:first]:
            time.sleep(0.02)  # whatever still spins after its work stops
            worker.ms.append(statistics.median(worker.run(times)))
    multiply_adds = workers[0].hello["multiply_adds"]
    systems = []
    for worker in workers:
        median = statistics.median(worker.ms)
        gflops = 2e-6 * multiply_adds / median
        ratios = [theirs / ours for theirs, ours in zip(worker.ms, workers[0].ms)]
        systems.append({
            "system": worker.name, "median_ms": median, "ms": worker.ms, "gflops": gflops,
            "percent_of_peak": 100 * gflops / limit, "ratio": statistics.median(ratios),
            "least_ratio": min(ratios), "largest_ratio": max(ratios), "peak_mb": worker.peak_kb / 1024,
            "difference": worker.hello.get("error"), "variant": worker.hello.get("variant", ""),
        })
    for worker in workers:
        worker.stop()
    return {"work": work, "threads": threads, "multiply_adds": multiply_adds, "systems": systems}


def multiply_adds_of(options, work):
    """Only the start: nothing is computed."""
    worker = Worker("pisr", [options.bench, "--serve", work, "--threads", "1"], {})
    worker.stop()
    return worker.hello["multiply_adds"]


def works(options):
    """The names of the workloads, those of W5 with the size of their image."""
    for work in options.work:
        if not work.startswith("W5"):
            yield work
            continue
        rows = output_of([options.bench, "--benchmark_list_tests", "--benchmark_filter=^W5/", "--threads", "1"])
        names = [row.split("/threads")[0] for row in rows.split() if row.count("/") == 2] if work == "W5" else [work]
        for name in names:
            sizes = [s for s in NETWORK_SIZES if multiply_adds_of(options, name + "@" + s) <= 1e9 * options.most]
            yield name + "@" + (sizes or NETWORK_SIZES[-1:])[0]


def growth(options):
    """Time and memory of W1 over the image's size."""
    rows = []
    for size in SIZES:
        for threads in options.threads:
            worker = Worker("pisr", [options.bench, "--serve", "W1@" + size, "--threads", str(threads)], {})
            ms = statistics.median(worker.run(3 if size == SIZES[-1] else 5))
            width, height = map(int, size.split("x"))
            rows.append({"size": size, "threads": threads, "ms": ms, "ns_per_pixel": 1e6 * ms / (width * height),
                         "extra_mb": (worker.peak_kb - worker.hello["start_kb"]) / 1024,
                         "output_mb": 16 * width * height / 2**20})
            worker.stop()
    return rows


def first_frame(options, exchange):
    """From the start of a fresh process to the end of its first W1: loading, threads, memory and all."""
    rows = []
    for threads in options.threads:
        one = {"OMP_NUM_THREADS": str(threads)}
        torch = [sys.executable, os.path.join(HERE, "torch_worker.py"), "W1", str(threads), "first", exchange]
        starts = {
            "pisr": lambda n=threads: Worker("pisr", [options.bench, "--serve", "W1", "--threads", str(n)], {}),
            "torch": lambda one=one, torch=torch: Worker("torch", torch, one),
        }
        if options.onednn:
            starts["oneDNN"] = lambda one=one: Worker("oneDNN", [options.onednn, exchange], one)
        taken = {system: [] for system in starts}
        for _ in range(options.rounds + 1):  # the first reads the files into memory
            for system, start in starts.items():
                before = time.perf_counter()
                worker = start()
                if system == "pisr":  # the others ran their first frame before they spoke
                    worker.run(1)
                taken[system].append(1e3 * (time.perf_counter() - before))
                worker.stop()
        for system, ms in taken.items():
            rows.append({"system": system, "threads": threads, "ms": statistics.median(ms[1:]),
                         "ratio": statistics.median(t / o for t, o in zip(ms[1:], taken["pisr"][1:]))})
    return rows


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", required=True, help="the program pisr_bench")
    parser.add_argument("--onednn", help="the program onednn_chain; beside pisr_bench by default, left out if missing")
    parser.add_argument("--out", default=".", help="folder for the results")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", default="W1,W2,W3,W4", type=lambda text: text.split(","))
    parser.add_argument("--threads", default="1,2", type=lambda text: [int(n) for n in text.split(",")])
    parser.add_argument("--most", type=float, default=200, help="billions of multiply-adds of W5 (default 200)")
    parser.add_argument("--no-growth", action="store_true", help="leave out W1 at other sizes")
    options = parser.parse_args(arguments)
    known = [work in TOLERANCE or work.startswith("W5/") for work in options.work]
    if options.rounds < 1 or min(options.threads) < 1 or not all(known):
        parser.error("needs at least 1 round and 1 thread, and works out of W1, W2, W3, W4, W5, W5/NAME")
    beside = os.path.join(os.path.dirname(options.bench), "onednn_chain")
    if options.onednn is None and os.path.exists(beside):
        options.onednn = beside
    return options


def run(options):
    for program in filter(None, [options.bench, options.onednn]):
        if not os.access(program, os.X_OK):
            raise Failure(6, "cannot run '%s'" % program)
    try:
        os.makedirs(options.out, exist_ok=True)
    except OSError as error:
        raise Failure(4, str(error))
    instruction_set, limits = measure_limits(options)
    result = {"instruction_set": instruction_set, "fma_gflops": limits, "rounds": options.rounds, "comparisons": [],
              "first_frame": []}
    with tempfile.TemporaryDirectory() as folder:
        for work in works(options):
            exchange = os.path.join(folder, work.replace("/", "_") + ".safetensors")
            output_of([options.bench, "--exchange", work, "--exchange-file", exchange])
            for threads in options.threads:
                row = compare(options, work, threads, exchange, limits[str(threads)])
                result["comparisons"].append(row)
                print("%s, %d threads: %s" % (work, threads, ", ".join(
                    "%s %.1f ms (%.2f x)" % (s["system"], s["median_ms"], s["ratio"]) for s in row["systems"])),
                    file=sys.stderr, flush=True)
            if work == "W1":
                result["first_frame"] = first_frame(options, exchange)
    result["growth"] = growth(options) if "W1" in options.work and not options.no_growth else []
    pages = {"json": json.dumps(result, indent=1) + "\n", "md": markdown(result), "svg": svg(result)}
    for ending, text in pages.items():
        try:
            with open(os.path.join(options.out, "compare_torch." + ending), "w") as file:
                file.write(text)
        except OSError as error:
            raise Failure(4, str(error))
    print(pages["md"])


def main():
    options = parse(sys.argv[1:])
    try:
        run(options)
    except Failure as failure:
        print("compare_torch: error: %s" % failure, file=sys.stderr)
        return failure.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
