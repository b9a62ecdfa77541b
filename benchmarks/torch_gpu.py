#!/usr/bin/env python3
"""W1 to W4 by PyTorch on a GPU: eager, as one CUDA graph, and compiled as one CUDA graph; outputs are compared first.

usage: torch_gpu.py --exchange FOLDER [--repeats 50] [--device cuda|cpu]

FOLDER/W1.safetensors ... W4.safetensors are what `pisr_bench --exchange` wrote. Prints one JSON object on stdout:
{"device": "...", "version": "...", "rows": [{"work", "precision", "mode", "layout", "ms", "difference"}]}, ms being
the median of the repeats for the faster of contiguous and channels-last memory; "failed" replaces ms where PyTorch
could not do it. W1 is in fp32 and fp16, the training steps in TF32. Assumes a GPU of compute capability 8.0 or newer.
With --device cpu, to try the program, only the eager rows are made, once. Exit code 8 where results differ.
"""
import argparse
import json
import os
import statistics
import sys
import time

import torch

from torch_networks import Training, inference, read_exchange

# Of W1's output in units of its largest value, and of the losses of three steps relative to them. TF32 and fp16 round
# operands to 11 bits: 2^-11 each.
TOLERANCE = {"fp32": 1e-5, "fp16": 5e-3, "tf32": 5e-3}
LAYOUTS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}


def synchronise(device):
    if device == "cuda":
        torch.cuda.synchronize()


def median_ms(run, repeats, device):
    """Times of calls of run(), measured by events on a GPU, so that the host's time between calls is not counted twice."""
    times = []
    for _ in range(repeats):
        if device == "cuda":
            start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            run()
            end.record()
            torch.cuda.synchronize()
            times.append(start.elapsed_time(end))
        else:
            start = time.perf_counter()
            run()
            times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def graphed(run):
    """run() captured as one CUDA graph, after runs that let PyTorch choose algorithms and make its memory."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(5):
            run()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph.replay


def make_inference(weights, example, layout, precision, mode, device):
    if precision == "fp16":
        weights = {"student": {name: t.half() for name, t in weights["student"].items()}}
        example = {"input": example["input"].half()}
    run = inference(weights, example, LAYOUTS[layout], device=device, half=precision == "fp16",
                    compiled=mode == "compiled")
    return lambda: run(None)


def inference_row(path, precision, mode, layout, device, repeats):
    weights, examples = read_exchange(path)
    run = make_inference(weights, examples[0], layout, precision, mode, device)
    wanted = examples[0]["output"]
    difference = ((run().float().cpu() - wanted).abs().max() / wanted.abs().max()).item()
    if mode != "eager":
        run = graphed(run)
    return difference, lambda: median_ms(run, repeats, device)


def training_row(path, work, mode, layout, device, repeats):
    weights, examples = read_exchange(path)
    examples = [{key: t.to(device) for key, t in e.items()} for e in examples]
    adam = {"fused": True, "capturable": device == "cuda"}

    def make():
        return Training(work, weights, LAYOUTS[layout], device, compiled=mode == "compiled", **adam)

    run = make()
    difference = 0
    for example in examples:
        loss, wanted = run(example).item(), example["loss"].item()
        error = abs(loss - wanted) / abs(wanted)
        difference = error if not error <= difference else difference
    fixed = examples[0]
    step = (lambda: run(fixed)) if mode == "eager" else graphed(lambda: run(fixed))
    return difference, lambda: median_ms(step, repeats, device)


def measure(make, tolerance, device):
    """The faster layout; the reason where PyTorch cannot do it in either."""
    best, failed = None, "no layout was tried"
    for layout in LAYOUTS:
        try:
            difference, time_it = make(layout)
            if not difference <= tolerance:
                return {"layout": layout, "difference": difference, "failed": "differs from pisr's result"}
            row = {"layout": layout, "difference": difference, "ms": time_it()}
        except Exception as error:  # what compilers and captures throw is not theirs alone
            failed = "%s: %s" % (type(error).__name__, str(error).split("\n")[0])
            continue
        if best is None or row["ms"] < best["ms"]:
            best = row
        synchronise(device)
    return best or {"failed": failed}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exchange", required=True, help="folder of what pisr_bench --exchange wrote")
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    options = parser.parse_args()
    device = options.device
    if device == "cuda" and not torch.cuda.is_available():
        print("torch_gpu: error: PyTorch sees no GPU", file=sys.stderr)
        return 6
    torch.backends.cudnn.benchmark = True
    rows = []
    modes = ["eager", "graphed", "compiled"] if device == "cuda" else ["eager"]
    repeats = options.repeats if device == "cuda" else 1
    for work in ["W1", "W2", "W3", "W4"]:
        path = os.path.join(options.exchange, work + ".safetensors")
        if not os.path.exists(path):
            continue
        precisions = ["tf32"] if work != "W1" else ["fp32", "fp16"] if device == "cuda" else ["fp32"]
        for precision in precisions:
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != "fp32"
            for mode in modes:
                def make(layout):
                    if work == "W1":
                        return inference_row(path, precision, mode, layout, device, repeats)
                    return training_row(path, work, mode, layout, device, repeats)
                row = {"work": work, "precision": precision, "mode": mode}
                row.update(measure(make, TOLERANCE[precision], device))
                rows.append(row)
                print("%s %s %s: %s" % (work, precision, mode, row.get("failed") or "%.3f ms" % row["ms"]),
                      file=sys.stderr, flush=True)
    name = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    print(json.dumps({"device": name, "version": torch.__version__, "rows": rows}))
    return 8 if any("difference" in row and "failed" in row for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
