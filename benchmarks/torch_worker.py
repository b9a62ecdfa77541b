"""W1 to W4 in PyTorch, run on request: the other side of `pisr_bench --serve`.

usage: torch_worker.py WORK THREADS plain|tuned|first FILE     FILE: what `pisr_bench --exchange` wrote

The first line on stdout compares with pisr: {"check": "...", "error": E, "variant": "..."}, E being the largest
difference of W1's output in units of its largest value, or of the losses of three steps in units of the loss. Then
each line "run N" on stdin gives {"ms": [N times], "peak_kb": K}.

"tuned" tries the memory layouts (and for W1 TorchScript's optimize_for_inference) and stays with the fastest, and uses
the fused Adam; the environment that goes with it is set by compare_torch.py, as it must be set before the start.
"first" runs W1 once as PyTorch is out of the box, prints {} and ends: the first frame of a fresh process.
"""
import json
import resource
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


def read_safetensors(path):
    with open(path, "rb") as file:
        content = bytearray(file.read())
    start = 8 + int.from_bytes(content[:8], "little")
    types = {"F32": torch.float32, "F64": torch.float64}
    tensors = {}
    for name, entry in json.loads(content[8:start]).items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            flat = torch.frombuffer(content[start + begin:start + end], dtype=types[entry["dtype"]])
            tensors[name] = flat.reshape(entry["shape"])
    return tensors


class ConvPrelu(nn.Conv2d):
    """Named as pisr's layers: weight, bias, slope."""

    def __init__(self, inputs, outputs, kernel, stride=1):
        super().__init__(inputs, outputs, kernel, stride, kernel // 2)
        self.slope = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return F.prelu(super().forward(x), self.slope)


class Fsrcnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.feature = ConvPrelu(1, 56, 5)
        self.shrink = ConvPrelu(56, 12, 1)
        self.mapping = nn.Sequential(*[ConvPrelu(12, 12, 3) for _ in range(4)])
        self.expand = ConvPrelu(12, 56, 1)
        self.deconvolution = nn.ConvTranspose2d(56, 1, 9, 2, 4, 1)

    def features(self, x):
        return self.expand(self.mapping(self.shrink(self.feature(x))))

    def forward(self, x):
        return self.deconvolution(self.features(x))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.feature = ConvPrelu(1, 56, 5)
        self.downscale = ConvPrelu(56, 56, 5, 2)
        self.shrink = ConvPrelu(56, 12, 3)
        self.compact = nn.Conv2d(12, 1, 3, 1, 1)

    def forward(self, x):
        return self.compact(self.shrink(self.downscale(self.feature(x))))


class Teacher(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Fsrcnn()


class Estimator(nn.Module):
    def __init__(self):
        super().__init__()
        self.location = nn.Sequential(ConvPrelu(56, 56, 1), nn.Conv2d(56, 56, 1))
        self.spread = nn.Sequential(ConvPrelu(56, 56, 1), nn.Conv2d(56, 56, 1))


def inference(weights, example, layout, script):
    network = Fsrcnn().eval()
    network.load_state_dict(weights["student"])
    network = network.to(memory_format=layout)
    x = example["input"].contiguous(memory_format=layout)
    if script:
        with torch.no_grad():
            network = torch.jit.optimize_for_inference(torch.jit.trace(network, x))

    def run(_):
        with torch.inference_mode():
            return network(x)

    return run


class Training:
    """A training step; the loss of batch `example` before the update is its result."""

    def __init__(self, work, weights, layout, fused):
        self.layout = layout
        self.work = work
        names = {"W2": ["student"], "W3": ["teacher"], "W4": ["student", "estimator"]}[work]
        kinds = {"student": Fsrcnn, "teacher": Teacher, "estimator": Estimator}
        self.networks = {name: kinds[name]() for name in weights}
        for name, network in self.networks.items():
            network.load_state_dict(weights[name])
            network.to(memory_format=layout)
        trained = [p for name in names for p in self.networks[name].parameters()]
        self.adam = torch.optim.Adam(trained, lr=1e-3, **({"fused": True} if fused else {}))

    def loss(self, high, low):
        if self.work == "W2":
            return F.l1_loss(self.networks["student"](low), high)
        teacher = self.networks["teacher"]
        if self.work == "W3":
            compact = teacher.encoder(high)
            return F.l1_loss(teacher.decoder(compact), high) + 1e-4 * F.l1_loss(compact, low)
        with torch.no_grad():
            target = teacher.decoder.features(teacher.encoder(high))
        student, estimator = self.networks["student"], self.networks["estimator"]
        feature = student.features(low)
        spread = 0.1 * F.softplus(estimator.spread(feature)) + 1e-8
        distance = (target - estimator.location(feature)).abs()
        distillation = (torch.log(2 * spread) + distance / spread).mean()
        return F.l1_loss(student.deconvolution(feature), high) + 1e-6 * distillation

    def __call__(self, example):
        high = example["high"].contiguous(memory_format=self.layout)
        low = example["low"].contiguous(memory_format=self.layout)
        self.adam.zero_grad()
        loss = self.loss(high, low)
        loss.backward()
        self.adam.step()
        return loss.detach()


def group(tensors, start):
    """{"student.feature.weight": t} -> {"student": {"feature.weight": t}}; for examples one level."""
    groups = {}
    for name, tensor in tensors.items():
        if name.startswith(start):
            first, rest = name[len(start):].split(".", 1)
            groups.setdefault(first, {})[rest] = tensor
    return groups


def seconds(run, example, times):
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        run(example)
        best = min(best, time.perf_counter() - start)
    return best


def main():
    work, threads, mode, path = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    tensors = read_safetensors(path)
    weights = group(tensors, "weights.")
    steps = group({name: t for name, t in tensors.items() if not name.startswith("weights.")}, "")
    examples = [steps[key] for key in sorted(steps)]
    tuned = mode == "tuned"

    def make(layout, script):
        if work == "W1":
            return inference(weights, examples[0], layout, script)
        return Training(work, weights, layout, tuned)

    if mode == "first":
        make(torch.contiguous_format, False)(examples[0])
        print("{}", flush=True)
        return

    # Outputs first.
    run = make(torch.contiguous_format, False)
    if work == "W1":
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
        if work == "W1":
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
    print(json.dumps({"check": check, "error": error, "variant": variant, "version": torch.__version__}), flush=True)
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
