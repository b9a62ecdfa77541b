"""W1 to W5 in PyTorch, run on request: the counterpart of `pisr_bench --serve`.

usage: torch_worker.py WORK THREADS plain|tuned|first|onnx FILE     FILE: what `pisr_bench --exchange` wrote

The first line on stdout compares with pisr: {"check": "...", "error": E, "variant": "..."}, E being the largest
difference of the output of W1 or W5 in units of its largest value, or of the losses of three steps in units of the loss. Then
each line "run N" on stdin gives {"ms": [N times], "peak_kb": K}.

"tuned" tries the memory layouts (and for W1 and W5 TorchScript's optimize_for_inference), keeps the fastest and uses the
fused Adam. "onnx" is W5 by ONNX Runtime. compare_torch.py sets the environment that belongs to it, as that must be set before the process starts.
"first" runs W1 once with PyTorch's defaults, prints {} and ends: the first frame of a fresh process.
"""
import json
import resource
import sys
import time

import torch

from torch_networks import Training, inference, read_exchange, read_spec


def seconds(run, example, times):
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        run(example)
        best = min(best, time.perf_counter() - start)
    return best


def version(mode):
    if mode != "onnx":
        return torch.__version__
    import onnxruntime

    return onnxruntime.__version__


def main():
    work, threads, mode, path = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    weights, examples = read_exchange(path)
    tuned = mode == "tuned"
    enlarges = not work.startswith(("W2", "W3", "W4"))

    def make(layout, script):
        if work.startswith("W5/"):
            from reference_networks import Network, onnx_inference, torch_inference

            network = Network(read_spec(path), dict(weights["student"]))
            if mode == "onnx":
                return onnx_inference(network, examples[0]["input"], threads)
            return torch_inference(network, examples[0]["input"], layout, script)
        if work == "W1":
            return inference(weights, examples[0], layout, script)
        return Training(work, weights, layout, **({"fused": True} if tuned else {}))

    if mode == "first":
        make(torch.contiguous_format, False)(examples[0])
        print("{}", flush=True)
        return

    # Outputs first.
    run = make(torch.contiguous_format, False)
    if enlarges:
        wanted = examples[0]["output"]
        error = ((run(examples[0]) - wanted).abs().max() / wanted.abs().max()).item()
        check = "output"
    else:
        wanted = [e["loss"].item() for e in examples]
        got = [run(e).item() for e in examples]
        error = max(abs(g - w) / abs(w) for g, w in zip(got, wanted))
        check = "losses of %d steps" % len(examples)

    variants = [("contiguous", torch.contiguous_format, False)]
    if tuned:
        variants.append(("channels last", torch.channels_last, False))
        if enlarges:
            variants.append(("contiguous, TorchScript", torch.contiguous_format, True))
            variants.append(("channels last, TorchScript", torch.channels_last, True))
    best = None
    for name, layout, script in variants:
        run = make(layout, script)
        if len(variants) > 1:
            seconds(run, examples[0], 2 if script else 1)  # the first runs of TorchScript compile
        taken = seconds(run, examples[0], 1)
        if best is None or taken < best[0]:
            best = (taken, name, run)
    _, variant, run = best
    print(json.dumps({"check": check, "error": error, "variant": variant, "version": version(mode)}), flush=True)
    for line in sys.stdin:
        if line.strip() == "quit":
            break
        times = []
        for _ in range(int(line.split()[1])):
            start = time.perf_counter()
            run(examples[0])
            times.append((time.perf_counter() - start) * 1e3)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps({"ms": times, "peak_kb": peak}), flush=True)


if __name__ == "__main__":
    main()
