"""Makes tests/golden/*.safetensors: what PyTorch computes for PISR's networks, losses and training.

    python -m venv oracle && oracle/bin/pip install torch==2.5.1 && oracle/bin/python make_golden.py

PyTorch 2.5.1, CPU, float64. An independent and simple statement of spec/pisr.md: no line of it is shared with
the C++ code. Weights and images are not stored but made by `counter_numbers`, which C++ repeats exactly
(tests/golden.h); they are rounded to float32, so that float32 and float64 start from the same numbers.
"""
import json
import math
import struct
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

HERE = Path(__file__).parent
ADAM_STEPS = 10
MASK = 0xFFFFFFFF
# Chosen among a few so that no gradient is so nearly a cancelled sum that float32 cannot hold it to
# FLOAT32_BOUND: PyTorch's own float32 results are checked against that.
SALT = "c"
FLOAT32_BOUND = 5e-6


def counter_numbers(name, shape, low, high):
    """Uniform numbers that depend on nothing but the name and the place."""
    seed = 2166136261
    for byte in (SALT + name).encode():
        seed = ((seed ^ byte) * 16777619) & MASK
    count = math.prod(shape)
    values = []
    for i in range(count):
        h = (seed + i * 2654435761) & MASK
        h ^= h >> 16
        h = (h * 2246822519) & MASK
        h ^= h >> 13
        h = (h * 3266489917) & MASK
        h ^= h >> 16
        values.append(low + (high - low) * (h * 2.0**-32))
    return torch.tensor(values, dtype=torch.float64).reshape(shape).float().double()


def conv_parameters(prefix, outer, inner, kernel, slopes=None):
    """Weight [outer, inner, kernel, kernel], which for a transposed convolution has the outputs second."""
    bound = 1 / math.sqrt(inner * kernel * kernel)
    biases = outer if prefix.split(".")[-1] != "deconvolution" else inner
    p = {
        prefix + ".weight": counter_numbers(prefix + ".weight", (outer, inner, kernel, kernel), -bound, bound),
        prefix + ".bias": counter_numbers(prefix + ".bias", (biases,), -bound, bound),
    }
    if slopes is not None:
        p[prefix + ".slope"] = counter_numbers(prefix + ".slope", (slopes,), 0.15, 0.35)
    return p


def fsrcnn_parameters(prefix, d, s, m, per_channel=False):
    n = lambda channels: channels if per_channel else 1
    p = conv_parameters(prefix + "feature", d, 1, 5, n(d))
    p |= conv_parameters(prefix + "shrink", s, d, 1, n(s))
    for i in range(m):
        p |= conv_parameters(f"{prefix}mapping.{i}", s, s, 3, n(s))
    p |= conv_parameters(prefix + "expand", d, s, 1, n(d))
    return p | conv_parameters(prefix + "deconvolution", d, 1, 9)


def encoder_parameters(prefix, d, s):
    p = conv_parameters(prefix + "feature", d, 1, 5, 1)
    p |= conv_parameters(prefix + "downscale", d, d, 5, 1)
    p |= conv_parameters(prefix + "shrink", s, d, 3, 1)
    return p | conv_parameters(prefix + "compact", 1, s, 3)


def estimator_parameters(prefix, d):
    p = {}
    for branch in ("location", "spread"):
        p |= conv_parameters(f"{prefix}{branch}.0", d, d, 1, 1)
        p |= conv_parameters(f"{prefix}{branch}.1", d, d, 1)
    return p


class Margin:
    """How close anything came to a kink, where rounding could choose the other side."""

    nearest = math.inf

    @classmethod
    def see(cls, x):
        cls.nearest = min(cls.nearest, x.detach().abs().min().item())
        return x


def conv(p, name, x, padding=0, stride=1):
    return F.conv2d(x, p[name + ".weight"], p[name + ".bias"], stride=stride, padding=padding)


def conv_prelu(p, name, x, padding=0, stride=1):
    return F.prelu(Margin.see(conv(p, name, x, padding, stride)), p[name + ".slope"])


def fsrcnn(p, prefix, x, m, scale):
    h = conv_prelu(p, prefix + "feature", x, 2)
    h = conv_prelu(p, prefix + "shrink", h)
    for i in range(m):
        h = conv_prelu(p, f"{prefix}mapping.{i}", h, 1)
    feature = conv_prelu(p, prefix + "expand", h)
    name = prefix + "deconvolution"
    output = F.conv_transpose2d(
        feature, p[name + ".weight"], p[name + ".bias"], stride=scale, padding=4, output_padding=scale - 1
    )
    return output, feature


def teacher(p, prefix, y, m, scale):
    h = conv_prelu(p, prefix + "encoder.feature", y, 2)
    h = conv_prelu(p, prefix + "encoder.downscale", h, 2, scale)
    h = conv_prelu(p, prefix + "encoder.shrink", h, 1)
    compact = conv(p, prefix + "encoder.compact", h, 1)
    output, feature = fsrcnn(p, prefix + "decoder.", compact, m, scale)
    return output, compact, feature


def estimate(p, prefix, feature, factor):
    branch = lambda name: conv(p, f"{prefix}{name}.1", conv_prelu(p, f"{prefix}{name}.0", feature))
    return branch("location"), factor * F.softplus(branch("spread")) + 1e-8


def l1(a, b):
    return Margin.see(a - b).abs().mean()


def distillation(kind, p, f_s, f_t):
    if kind == "mae":
        return l1(f_t, f_s)
    if kind == "laplace":
        mu, b = estimate(p, "estimator.", f_s, 0.1)
        return (torch.log(2 * b) + Margin.see(f_t - mu).abs() / b).mean()
    mu, v = estimate(p, "estimator.", f_s, 0.001)
    return (torch.log(v) / 2 + (f_t - mu) ** 2 / (2 * v)).mean()


def write_safetensors(path, tensors, metadata):
    header, blobs, offset = {"__metadata__": metadata}, [], 0
    for name, tensor in sorted(tensors.items()):
        values = tensor.detach().double().flatten().tolist()
        blob = struct.pack(f"<{len(values)}d", *values)
        header[name] = {"dtype": "F64", "shape": list(tensor.shape), "data_offsets": [offset, offset + len(blob)]}
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def projections(name, gradient):
    """[g . r, |g|] with r uniform in +-1: enough to see a wrong number in a large gradient."""
    gradient = gradient.double()
    r = counter_numbers("projection." + name, gradient.shape, -1.0, 1.0)
    return torch.stack([(gradient * r).sum(), gradient.norm()])


def train(dtype, d, s, m, scale, batch, low_size, kind, weight, store_gradients):
    """One training phase: forward, losses, gradients, then ten steps of Adam on the same batch."""
    height, width = low_size
    low = counter_numbers("image.low", (batch, 1, height, width), 0.0, 1.0).to(dtype)
    high = counter_numbers("image.high", (batch, 1, height * scale, width * scale), 0.0, 1.0).to(dtype)
    results, frozen = {}, {}
    if kind == "teacher":
        p = encoder_parameters("teacher.encoder.", d, s) | fsrcnn_parameters("teacher.decoder.", d, s, m)
    else:
        frozen = encoder_parameters("teacher.encoder.", d, s) | fsrcnn_parameters("teacher.decoder.", d, s, m)
        p = fsrcnn_parameters("student.", d, s, m)
        if kind in ("laplace", "gaussian"):
            p |= estimator_parameters("estimator.", d)
    frozen = {name: tensor.to(dtype) for name, tensor in frozen.items()}
    p = {name: tensor.to(dtype).requires_grad_(True) for name, tensor in p.items()}

    def forward():
        if kind == "teacher":
            output, compact, feature = teacher(p, "teacher.", high, m, scale)
            first, second = l1(output, high), l1(compact, low)
            values = {"output": output, "compact": compact, "feature": feature}
        else:
            with torch.no_grad():
                _, _, f_t = teacher(frozen, "teacher.", high, m, scale)
            output, feature = fsrcnn(p, "student.", low, m, scale)
            first, second = l1(output, high), distillation(kind, p, feature, f_t)
            values = {"output": output, "feature": feature}
            if kind == "laplace":  # the same for all kinds
                values["teacher_feature"] = f_t
        return first + weight * second, first, second, values

    optimiser = torch.optim.Adam(p.values(), lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
    losses = []
    for step in range(ADAM_STEPS):
        optimiser.zero_grad()
        total, first, second, values = forward()
        total.backward()
        losses.append(torch.stack([total, first, second]))
        if step == 0:
            results |= {name: values[name] for name in values if store_gradients or name == "output"}
            for name, tensor in p.items():
                if store_gradients:
                    results["gradient." + name] = tensor.grad.clone()
                else:
                    results["projection." + name] = projections(name, tensor.grad)
        optimiser.step()
    results["losses"] = torch.stack(losses)  # [steps, (total, reconstruction, imitation or distillation)]
    return results


def run_case(path, d, s, m, scale, batch, low_size, kind, weight, store_gradients):
    case = (d, s, m, scale, batch, low_size, kind, weight, store_gradients)
    rounded = train(torch.float32, *case)
    Margin.nearest = math.inf
    results = train(torch.float64, *case)
    worst = max(((rounded[name] - exact).abs().max() / exact.abs().max()).item() for name, exact in results.items())
    metadata = {"kind": kind, "d": d, "s": s, "m": m, "scale": scale, "batch": batch, "height": low_size[0],
                "width": low_size[1], "weight": weight, "torch": torch.__version__}
    write_safetensors(path, results, {key: str(value) for key, value in metadata.items()})
    losses = results["losses"]
    print(f"{path.name}: {path.stat().st_size} bytes, nearest kink {Margin.nearest:.1e}, float32 off by {worst:.1e}, "
          f"losses {losses[0][0].item():.6f} -> {losses[-1][0].item():.6f}")
    return worst


def run_forward(path, scale, per_channel):
    d, s, m = 8, 4, 2
    low = counter_numbers("image.low", (2, 1, 7, 5), 0.0, 1.0)
    output, feature = fsrcnn(fsrcnn_parameters("student.", d, s, m, per_channel), "student.", low, m, scale)
    metadata = {"d": d, "s": s, "m": m, "scale": scale, "slope_per_channel": int(per_channel)}
    write_safetensors(path, {"output": output, "feature": feature},
                      {key: str(value) for key, value in metadata.items()})


def main():
    if not torch.__version__.startswith("2.5.1"):
        sys.exit(f"wants PyTorch 2.5.1, got {torch.__version__}")
    torch.set_num_threads(1)
    small = {"d": 8, "s": 4, "m": 2, "scale": 2, "batch": 2, "low_size": (9, 7), "store_gradients": True}
    full = {"d": 56, "s": 12, "m": 4, "scale": 2, "batch": 1, "low_size": (12, 12), "store_gradients": False}
    worst = [run_case(HERE / "teacher_small.safetensors", kind="teacher", weight=0.1, **small)]
    for kind in ("laplace", "gaussian", "mae"):
        worst.append(run_case(HERE / f"student_{kind}_small.safetensors", kind=kind, weight=0.01, **small))
    worst.append(run_case(HERE / "teacher_full.safetensors", kind="teacher", weight=1e-4, **full))
    worst.append(run_case(HERE / "student_laplace_full.safetensors", kind="laplace", weight=1e-6, **full))
    for scale in (3, 4):
        run_forward(HERE / f"fsrcnn_x{scale}.safetensors", scale, per_channel=scale == 4)
    if not max(worst) <= FLOAT32_BOUND:
        sys.exit(f"float32 is off by {max(worst):.1e}, more than {FLOAT32_BOUND}: choose another SALT")


if __name__ == "__main__":
    main()
