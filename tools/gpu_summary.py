#!/usr/bin/env python3
"""Gathers what tools/gpu_check.sh has so far in FOLDER/gpu_verified.json, and prints it beside the predicted times.

usage: gpu_summary.py FOLDER

The hash of kernels/ is called "kernels" only where all tests have passed, "kernels_not_verified" before: tools/check.sh
looks for the former in docs/gpu_verified.json.
"""
import glob
import json
import os
import sys

# Milliseconds on an H200, the goals of docs/cuda.md.
PREDICTED = {
    "W1/cuda:fp16": 0.040,
    "W1/cuda:fp32": 0.200,
    "W2/cuda:tf32": 0.12,
    "W3/cuda:tf32": 0.50,
    "W4/cuda:tf32": 0.35,
}
# The stages that must have passed.
TESTS = ["test_kernels", "test_core", "test_nn", "test_pisr"]
# How many times as long PyTorch is predicted to take.
PREDICTED_RATIO = {"eager": 5.0, "compiled": 2.0}


def lines_of(folder, name):
    with open(os.path.join(folder, name)) as file:
        return file.read().splitlines()


def json_files(folder, pattern):
    """Those that are whole: a stage may have been stopped while it wrote."""
    found = []
    for name in sorted(glob.glob(os.path.join(glob.escape(folder), pattern))):
        try:
            with open(name) as file:
                found.append(json.load(file))
        except (OSError, ValueError):
            continue
    return found


def measured_rows(benches):
    rows = {}
    for row in (row for bench in benches for row in bench.get("benchmarks", [])):
        if "median_ms" in row:
            rows[row["name"]] = {key: row[key] for key in
                                 ("lower_ms", "median_ms", "upper_ms", "gflops", "gbs", "difference") if key in row}
        else:
            rows[row["name"]] = {"failed": row.get("error_message", "no time")}
    return rows


def show(head, rows):
    widths = [max(len(row[i]) for row in [head] + rows) for i in range(len(head))]
    for row in [head] + rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    print()


def milliseconds(row):
    return "-" if row is None else row["failed"] if "failed" in row else "%.4f" % row["median_ms"]


def show_goals(rows):
    table = []
    for name, goal in PREDICTED.items():
        row = rows.get(name)
        ratio = "%.2f" % (row["median_ms"] / goal) if row and "median_ms" in row else "-"
        table.append([name, "%.3f" % goal, milliseconds(row), ratio])
    show(["work", "predicted ms", "measured ms", "measured / predicted"], table)


def show_torch(rows, torch):
    table = []
    for theirs in (row for run in torch for row in run.get("rows", [])):
        ours = rows.get("%s/cuda:%s" % (theirs["work"], theirs["precision"]))
        ratio = "-"
        if ours and "median_ms" in ours and "ms" in theirs:
            ratio = "%.2f" % (theirs["ms"] / ours["median_ms"])
        predicted = PREDICTED_RATIO.get(theirs["mode"]) if theirs["work"] != "W1" else None
        table.append([theirs["work"], theirs["precision"], theirs["mode"],
                      "%.4f" % theirs["ms"] if "ms" in theirs else theirs["failed"], milliseconds(ours), ratio,
                      "-" if predicted is None else ">= %.0f" % predicted])
    if table:
        show(["work", "precision", "PyTorch", "its ms", "pisr's ms", "its / pisr's", "predicted"], table)


def show_cudnn(rows):
    table = []
    for name, row in sorted(rows.items()):
        parts = name.split("/")
        theirs = rows.get("/".join(parts[:-1] + [parts[-1].replace("cuda:", "cudnn:")]))
        if parts[-1].startswith("cuda:") and theirs is not None:
            ratio = "-"
            if "median_ms" in row and "median_ms" in theirs:
                ratio = "%.2f" % (theirs["median_ms"] / row["median_ms"])
            table.append([name, milliseconds(row), milliseconds(theirs), ratio])
    if table:
        show(["kernel", "pisr's ms", "cuDNN's ms", "cuDNN's / pisr's"], table)


def stages_of(folder):
    """How each stage ended; its last line counts."""
    stages = {}
    for line in lines_of(folder, "stages"):
        name, seconds, status = line.split("\t")
        stages[name] = {"name": name, "seconds": int(seconds), "status": status}
    return list(stages.values())


def main():
    if len(sys.argv) != 2:
        print("gpu_summary: error: needs FOLDER", file=sys.stderr)
        return 2
    folder = sys.argv[1]
    kernels, date, gpu, driver, capability = lines_of(folder, "machine")
    rows, torch = measured_rows(json_files(folder, "bench_*.json")), json_files(folder, "torch_W?.json")
    stages = stages_of(folder)
    passed = [stage["name"] for stage in stages if stage["status"] == "passed"]
    print()
    show_goals(rows)
    show_torch(rows, torch)
    show_cudnn(rows)
    name = "kernels" if all(test in passed for test in TESTS) else "kernels_not_verified"
    result = {name: kernels, "date": date, "gpu": gpu, "driver": driver, "compute_capability": capability,
              "stages": stages, "predicted_ms": PREDICTED, "measured": rows, "torch": torch}
    out = os.path.join(folder, "gpu_verified.json")
    temporary = out + ".tmp"
    with open(temporary, "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    os.replace(temporary, out)
    print("written: %s" % out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
