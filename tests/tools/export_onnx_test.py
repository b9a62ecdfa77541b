#!/usr/bin/env python3
"""Every network as ONNX, checked by onnx and computed by ONNX Runtime, against pisr: weights with random numbers, the
built-in ones and published ones, images of odd sizes, both ways to enlarge, --opencv, metadata. Prints the largest
difference of each network.

usage: export_onnx_test.py PISR_EXPORT EXPORT_CASES
"""
import pathlib
import sys
import tempfile

import numpy
import onnx
import onnxruntime
from export_testing import published_weights, read_tensors, relative_difference, run, write_tensors

SIZES = [(1, 1), (1, 2), (2, 1), (1, 7), (7, 1), (5, 7), (13, 31), (48, 64)]
BOUND = 1e-5


def images(channels, sizes):
    noise = numpy.random.default_rng(3)
    return {f"{h}x{w}": noise.random((1, channels, h, w), dtype=numpy.float32) for h, w in sizes}


def check_form(model, channels_last):
    """What readers of ONNX files rely on."""
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version == 7 and [entry.version for entry in model.opset_import] == [13]
    for end in (model.graph.input, model.graph.output):
        assert len(end) == 1 and end[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    axes = model.graph.input[0].type.tensor_type.shape.dim
    assert axes[0].dim_value == 1 and axes[3 if channels_last else 1].dim_value in (1, 3)
    symbolic = axes[1:3] if channels_last else axes[2:4]
    assert [axis.dim_param for axis in symbolic] == ["height", "width"]
    for node in model.graph.node:
        if node.op_type == "PRelu":
            slope = next(entry for entry in model.graph.initializer if entry.name == node.input[1])
            assert len(slope.dims) == 3 and list(slope.dims[1:]) == [1, 1]


def differences(programs, weights, scale, sizes, folder, options):
    """Largest relative difference of the exported network."""
    export, cases = programs
    exported = folder / "network.onnx"
    run([export, "-m", weights, "-s", scale, "-f", "onnx", "-o", exported, "--overwrite", *options])
    channels_last = "--opencv" in options
    model = onnx.load(exported)
    check_form(model, channels_last)
    axes = model.graph.input[0].type.tensor_type.shape.dim
    inputs = images(axes[3 if channels_last else 1].dim_value, sizes)
    write_tensors(folder / "in", inputs)
    run([cases, "run", weights, scale, folder / "in", folder / "out"])
    wanted, _ = read_tensors(folder / "out")
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(exported, settings, providers=["CPUExecutionProvider"])
    worst = 0
    for name, image in inputs.items():
        given = image.transpose(0, 2, 3, 1) if channels_last else image
        (got,) = session.run(None, {"input": given})
        worst = max(worst, relative_difference(got, wanted[name]))
    return worst


def check_facts(export, weights, folder):
    """Licence, data and the like are in the file, whatever they hold."""
    run([export, "-m", weights, "-f", "onnx", "-o", folder / "facts.onnx"])
    model = onnx.load(folder / "facts.onnx")
    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert facts["licence"] == 'MIT "quoted" */ //! \\' and facts["data"] == "noise\nof a test", facts
    assert facts["architecture"] == "plain" and facts["scale"] == "2" and facts["colour"] == "y", facts
    assert "Plain(16, 4) x2" in model.doc_string and "noise\\x0aof a test" in model.doc_string, model.doc_string
    run([export, "-m", weights, "-f", "onnx", "-o", folder / "facts.onnx", "--overwrite", "--licence", "other"])
    assert {entry.key: entry.value for entry in onnx.load(folder / "facts.onnx").metadata_props}["licence"] == "other"


def check_planted_fault(programs, weights, folder):
    """Another way to continue the image beyond its border is found."""
    exported = folder / "fault.onnx"
    run([programs[0], "-m", weights, "-f", "onnx", "-o", exported])
    model = onnx.load(exported)
    for node in model.graph.node:
        if node.op_type == "Concat":  # the border mirrored: now repeated
            node.input[0], node.input[2] = node.input[2], node.input[0]
    write_tensors(folder / "in", images(1, [(5, 7)]))
    run([programs[1], "run", weights, 2, folder / "in", folder / "out"])
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (got,) = session.run(None, {"input": read_tensors(folder / "in")[0]["5x7"]})
    assert relative_difference(got, read_tensors(folder / "out")[0]["5x7"]) > 100 * BOUND


def main():
    programs = sys.argv[1:3]
    worst, failures, count = {}, 0, 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        made = folder / "weights"
        made.mkdir()
        run([programs[1], "weights", made])
        todo = [(path, int(path.name.split("_x")[1][0]), SIZES) for path in sorted(made.glob("*.safetensors"))]
        todo += [(path, scale, SIZES) for path, scale in built_in(programs[0], folder)]
        todo += [(path, scale, [(1, 1), (5, 7), (13, 31)]) for path, scale in published_weights()]
        for weights, scale, sizes in todo:
            ways = [[], ["--upsampling", "deconvolution"]]
            if "_c3" not in weights.name and weights.parent == made:
                ways.append(["--opencv"])
            for options in ways:
                difference = differences(programs, weights, scale, sizes, folder, options)
                kind = weights.name.removesuffix(".safetensors")
                kind = kind.split("_c")[0] + " (random)" if weights.parent == made else kind
                worst[kind] = max(worst.get(kind, 0), difference)
                count += 1
                if not difference <= BOUND:
                    failures += 1
                    print(f"FAILED: {weights.name} x{scale} {options}: {difference:.2e}")
        check_planted_fault(programs, made / "srcnn_c1_x2_small0.safetensors", folder)
        check_facts(programs[0], made / "plain_c1_x2.safetensors", folder)
    for kind, difference in worst.items():
        print(f"{difference:9.1e}  {kind}")
    print(f"{count} exports, {failures} beyond {BOUND}")
    return 1 if failures else 0



def built_in(export, folder):
    found = []
    for scale in (2, 3, 4):
        path = folder / f"pisr-plain_x{scale}.safetensors"
        run([export, "-s", scale, "-f", "safetensors", "-o", path])
        found.append((path, scale))
    return found


if __name__ == "__main__":
    sys.exit(main())
