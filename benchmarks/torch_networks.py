"""FSRCNN, PISR's teacher and estimator, and their training steps in PyTorch, as pisr defines them; the weights come
from the file that `pisr_bench --exchange` writes."""
import json

import torch
import torch.nn as nn
import torch.nn.functional as F


def read_safetensors(path):
    with open(path, "rb") as file:
        content = bytearray(file.read())
    start = 8 + int.from_bytes(content[:8], "little")
    types = {"F32": torch.float32, "F64": torch.float64}
    tensors = {}
    header = json.loads(content[8:start])
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            flat = torch.frombuffer(content[start + begin:start + end], dtype=types[entry["dtype"]])
            tensors[name] = flat.reshape(entry["shape"])
    return tensors, header.get("__metadata__", {})


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


def inference(weights, example, layout, script=False, device="cpu", half=False, compiled=False):
    """A function that enlarges the example's input."""
    network = Fsrcnn().eval()
    network = network.half() if half else network
    network.load_state_dict(weights["student"])
    network = network.to(device, memory_format=layout)
    x = example["input"].to(device).contiguous(memory_format=layout)
    if script:
        with torch.no_grad():
            network = torch.jit.optimize_for_inference(torch.jit.trace(network, x))
    if compiled:
        network = torch.compile(network)

    def run(_):
        with torch.inference_mode():
            return network(x)

    return run


class Training:
    """A training step; the loss of batch `example` before the update is its result. `adam`: options of torch's Adam."""

    def __init__(self, work, weights, layout, device="cpu", compiled=False, **adam):
        self.layout = layout
        self.work = work
        names = {"W2": ["student"], "W3": ["teacher"], "W4": ["student", "estimator"]}[work]
        kinds = {"student": Fsrcnn, "teacher": Teacher, "estimator": Estimator}
        self.networks = {name: kinds[name]() for name in weights}
        for name, network in self.networks.items():
            network.load_state_dict(weights[name])
            network.to(device, memory_format=layout)
        trained = [p for name in names for p in self.networks[name].parameters()]
        self.adam = torch.optim.Adam(trained, lr=1e-3, **adam)
        if compiled:
            self.loss = torch.compile(self.loss)

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


def read_spec(path):
    """Architecture, scale and options of the network of W5, which the metadata of the file tell."""
    return json.loads(read_safetensors(path)[1]["network"])


def read_exchange(path):
    """The weights by network, and the examples in order, of a file that `pisr_bench --exchange` wrote."""
    tensors, _ = read_safetensors(path)
    steps = group({name: t for name, t in tensors.items() if not name.startswith("weights.")}, "")
    return group(tensors, "weights."), [steps[key] for key in sorted(steps)]
