"""What the tests of exported networks share."""
import json
import os
import pathlib
import struct
import subprocess
import sys

import numpy

SHARED = pathlib.Path(os.environ.get("PISR_SHARED", pathlib.Path(__file__).parents[2].parent / "shared"))


def required():
    return "1" in (os.environ.get("PISR_REQUIRE_CHECKERS"), os.environ.get("PISR_REQUIRE_SHARED"))


def skip(reason):
    """Ends the test as skipped, or as failed where nothing may be skipped."""
    print(f"SKIPPED: {reason}")
    sys.exit(1 if required() else 77)


def published_weights():
    """(file, scale, further options) of weights that others published; none where they are not at hand."""
    folder = SHARED / "weights"
    if not folder.is_dir():
        if os.environ.get("PISR_REQUIRE_SHARED") == "1":
            sys.exit(f"no {folder}")
        print(f"SKIPPED: no published weights in {folder}")
        return []
    several = {"carn-m", "drrn", "vdsr"}
    found = []
    for path in sorted(folder.glob("*.safetensors")):
        scales = [2, 3, 4] if path.name.split("_")[0] in several else [int(path.name.split("_x")[1][0])]
        found += [(path, scale) for scale in scales]
    return found


def write_tensors(path, tensors):
    """float32 arrays by name as a safetensors file."""
    header, offset = {}, 0
    for name, array in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in tensors.values():
            file.write(numpy.ascontiguousarray(array, dtype=numpy.float32).tobytes())


def read_tensors(path):
    """The float32 arrays of a safetensors file and its metadata."""
    content = pathlib.Path(path).read_bytes()
    end = 8 + struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:end])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        first, past = entry["data_offsets"]
        tensors[name] = numpy.frombuffer(content[end + first:end + past], dtype=numpy.float32).reshape(entry["shape"])
    return tensors, metadata


def run(command, code=0):
    """Runs a command and returns what it printed; another exit code ends the test."""
    done = subprocess.run([str(word) for word in command], capture_output=True)
    if done.returncode != code:
        sys.exit(f"{command}: exit code {done.returncode}, wanted {code}\n{done.stderr.decode(errors='replace')}")
    return done


def relative_difference(got, wanted):
    """The largest difference, over the largest wanted number."""
    if got.shape != wanted.shape:
        sys.exit(f"shape {got.shape}, wanted {wanted.shape}")
    if not numpy.isfinite(got).all():
        return numpy.inf
    return float(numpy.abs(got - wanted).max() / max(1e-30, numpy.abs(wanted).max()))
