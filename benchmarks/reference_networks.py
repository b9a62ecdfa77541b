"""The networks of W5 in PyTorch and ONNX Runtime: the independent forward passes of tests/golden/networks, with the
weights and the input that `pisr_bench --exchange` wrote."""
import functools
import importlib
import os
import sys
import tempfile

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden"))
import reference  # noqa: E402

slow_bicubic = reference.bicubic


@functools.lru_cache(maxsize=None)
def bicubic_matrix(size, scale):
    """[size scale, size]: what the enlargement makes of each pixel of a column."""
    columns = torch.eye(size, dtype=torch.float64).reshape(1, size, size, 1)
    return slow_bicubic(columns, scale)[0, :, :, 0].T.float().contiguous()


def bicubic(x, scale):
    height, width = int(x.shape[2]), int(x.shape[3])  # while a network is traced, these are tensors
    return bicubic_matrix(height, scale) @ x @ bicubic_matrix(width, scale).T


# The forward passes import what they use from here; what only tests need is left out.
reference.bicubic = bicubic
reference.Margin.see = staticmethod(lambda x: x)


class Network(torch.nn.Module):
    """forward(low [1, c, h, w]) gives the image. `spec`: architecture, scale and options."""

    def __init__(self, spec, weights):
        super().__init__()
        self.reference = importlib.import_module("networks." + spec["architecture"]).forward
        self.scale, self.options = spec["scale"], spec["options"]
        self.parameters_by_name = reference.Parameters("", torch.float32)
        self.parameters_by_name.values = weights

    def forward(self, low):
        return self.reference(self.parameters_by_name, low, scale=self.scale, **self.options)[0]


def torch_inference(network, x, layout, script):
    """A function that enlarges x."""
    x = x.contiguous(memory_format=layout)
    weights = network.parameters_by_name.values
    for name, weight in weights.items():
        if weight.dim() == 4:
            weights[name] = weight.contiguous(memory_format=layout)
    if script:
        with torch.no_grad():
            network(x)  # what it computes once is no part of the trace
            network = torch.jit.optimize_for_inference(torch.jit.trace(network.eval(), x))

    def run(_):
        with torch.inference_mode():
            return network(x)

    return run


def onnx_inference(network, x, threads):
    """The same by ONNX Runtime with all its optimisations."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "network.onnx")
        with torch.no_grad():
            network(x)
            torch.onnx.export(network.eval(), x, path, input_names=["x"], output_names=["y"], opset_version=17,
                              dynamo=False)
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    image = x.numpy()
    return lambda _: torch.from_numpy(session.run(None, {"x": image})[0])
