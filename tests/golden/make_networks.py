"""Makes tests/golden/network_*.safetensors: forward pass, gradients and one step of Adam of each network in PyTorch.

    python -m venv oracle && oracle/bin/pip install torch==2.5.1 && oracle/bin/python make_networks.py [CASE ...]

Without names all cases are made. A case is a file of a few KB; parameters and images are not stored but made by
`counter_numbers` (make_golden.py). Each architecture has a file in networks/, which states it independently of the
C++ code:

    def forward(p, low, *, scale, OPTION, ...): return image, feature
    CASES = {"NAME": {"scale": 2, "channels": 1, "OPTION": VALUE, ...}}

`p` is reference.Parameters, `low` [1, channels, height, width]; the options are those of our architecture of the
file's name, small so that the case is. What a case does not name has our default, which forward() then must have too.
"""
import importlib
import json
import math
import sys
from pathlib import Path

import torch

from make_golden import FLOAT32_BOUND, Margin, counter_numbers, l1, projections, write_safetensors
from reference import Parameters

HERE = Path(__file__).parent
LOW_SIZE = (5, 4)
LEARNING_RATE = 1e-3
MOST_SEEDS = 20


def stacked(projected):
    return torch.stack([projections(name, tensor) for name, tensor in projected.items()])


def step(forward, options, scale, channels, prefix, dtype):
    """Forward pass, loss mean |Y - Y^S|, gradients, and the parameters after one step of Adam."""
    height, width = LOW_SIZE
    image = lambda name, factor: counter_numbers(
        prefix + name, (1, channels, height * factor, width * factor), 0.0, 1.0
    ).to(dtype)
    p = Parameters(prefix, dtype)
    output, feature = forward(p, image("image.low", 1), scale=scale, **options)
    loss = l1(output, image("image.high", scale))
    loss.backward()
    gradients = {name: value.grad.clone() for name, value in p.values.items()}
    torch.optim.Adam(p.values.values(), lr=LEARNING_RATE, betas=(0.9, 0.999), eps=1e-8).step()
    return list(p.values), {
        "output": output.detach(),
        "feature": projections("feature", feature.detach()),
        "loss": loss.detach().reshape(1),
        "gradients": stacked(gradients),  # [parameters, 2], in the order of the names in the metadata
        "updated": stacked({name: value.detach() for name, value in p.values.items()}),
    }


def relative_error(got, wanted):
    """Of the rows of a table each for itself, as the test does."""
    rows = lambda tensor: tensor.double().reshape(tensor.shape[0] if tensor.dim() == 2 else 1, -1)
    errors = (rows(got) - rows(wanted)).abs().amax(1) / rows(wanted).abs().amax(1)
    return errors.max().item()


def make(name, architecture, forward, case):
    """Tries parameters until float32 holds every number: no gradient is nearly a cancelled sum, nothing is at a kink."""
    options = dict(case)
    scale, channels = options.pop("scale"), options.pop("channels", 1)
    for seed in range(MOST_SEEDS):
        prefix = f"{name}.{seed}."
        _, rounded = step(forward, options, scale, channels, prefix, torch.float32)
        Margin.nearest = math.inf
        names, results = step(forward, options, scale, channels, prefix, torch.float64)
        errors = [relative_error(rounded[key], exact) for key, exact in results.items()]
        worst = torch.tensor(errors).max().item()  # NaN where a gradient is zero: such parameters test nothing
        if worst <= FLOAT32_BOUND:
            break
    else:
        sys.exit(f"{name}: float32 is off by {worst:.1e} or more for all of {MOST_SEEDS} seeds")
    path = HERE / f"network_{name}.safetensors"
    metadata = {"architecture": architecture, "scale": scale, "channels": channels, "options": json.dumps(options),
                "height": LOW_SIZE[0], "width": LOW_SIZE[1], "learning_rate": LEARNING_RATE, "prefix": prefix,
                "parameters": json.dumps(names), "torch": torch.__version__}
    write_safetensors(path, results, {key: str(value) for key, value in metadata.items()})
    print(f"{path.name}: {path.stat().st_size} bytes, seed {seed}, nearest kink {Margin.nearest:.1e}, "
          f"float32 off by {worst:.1e}")


def main():
    if not torch.__version__.startswith("2.5.1"):
        sys.exit(f"wants PyTorch 2.5.1, got {torch.__version__}")
    torch.set_num_threads(1)
    cases = {}
    for path in sorted((HERE / "networks").glob("*.py")):
        module = importlib.import_module(f"networks.{path.stem}")
        cases |= {name: (path.stem, module.forward, case) for name, case in module.CASES.items()}
    wanted = sys.argv[1:] or cases
    for name in wanted:
        if name not in cases:
            sys.exit(f"no case {name}, there are: {', '.join(cases)}")
        make(name, *cases[name])


if __name__ == "__main__":
    main()
