#!/usr/bin/env python3
"""Converts PyTorch weights (.pth, .pt, .ckpt) to safetensors, which the programs read.

usage: convert_weights.py IN.pth [-o OUT.safetensors] [--architecture NAME] [--scale 2,3,4]
       [--colour y|rgb] [--padding zero|replicate] [--range 0..1|0..255] [--source TEXT]
       [--licence TEXT] [--entry NAME] [--overwrite]

Reads the zip format and the one before PyTorch 1.6, with the standard library alone. Only tensors
are taken, and nothing in the file is executed: whatever its pickle asks for beyond tensors and
plain containers is refused by name. Notes on stderr say what was chosen, stripped, dropped and
converted. Exit codes are those of docs/exit-codes.md.
"""

import argparse
import array
import collections
import json
import math
import os
import re
import struct
import sys

from pytorch_file import (INTERNAL, MEMORY, OUTPUT, USAGE, WEIGHTS, Failure, Storage, Tensor,
                          printable, read_pytorch)

PROGRAM = "convert_weights.py"
FLOATING = {"float32", "float64", "float16", "bfloat16"}


def note(text):
    print(f"{PROGRAM}: note: {text}", file=sys.stderr)


# The state dictionary in what was read

# Averages over training come first: they score better, and are what is published.
ENTRIES = ("params_ema", "ema", "state_dict_ema", "model_ema", "ema_state_dict", "params",
           "state_dict", "model_state_dict", "model", "generator", "net_g", "net", "network",
           "weights")


def tensors_in(value):
    return isinstance(value, dict) and any(isinstance(item, Tensor) for item in value.values())


def holds_tensors(value):
    """Whether there are tensors in a dictionary, or in one below it that is not too deep."""
    level, seen = [value], set()
    for _ in range(5):
        level = [item for item in level if isinstance(item, dict) and id(item) not in seen]
        seen.update(map(id, level))
        if any(map(tensors_in, level)):
            return True
        level = [below for item in level for below in item.values()]
    return False


def state_dictionary(value, entry):
    """Goes down to the dictionary whose values are tensors; `entry` is the first step, if given."""
    steps = 4
    while steps > 0:
        steps -= 1
        if not isinstance(value, dict):
            raise Failure(WEIGHTS, "holds no dictionary of tensors, but "
                          f"{'a single tensor' if isinstance(value, Tensor) else 'something else'}")
        inner = [key for key in value if isinstance(key, str) and holds_tensors(value[key])]
        if entry is not None:
            if entry not in inner:
                raise Failure(USAGE, f"has no entry '{printable(entry)}' with tensors",
                              "those there are: " + (printable(", ".join(inner)) or "none"))
            chosen, entry = entry, None
        else:
            known = [key for key in ENTRIES if key in inner]
            if not known and tensors_in(value):
                return value
            if not known and len(inner) != 1:
                raise Failure(WEIGHTS, "holds no dictionary of tensors" if not inner else
                              "holds several dictionaries of tensors",
                              "--entry chooses one: " + printable(", ".join(inner)) if inner else "")
            chosen = known[0] if known else inner[0]
        others = [key for key in inner if key != chosen]
        note(f"'{printable(chosen)}' is taken" + (
            f", not {printable(', '.join(others))}: --entry chooses another" if others else ""))
        value = value[chosen]
        if tensors_in(value) and not any(
                key in ENTRIES and holds_tensors(value[key]) for key in value):
            return value
    raise Failure(WEIGHTS, "holds no dictionary of tensors")


PREFIXES = ("module.", "_orig_mod.", "params_ema.", "params.")


def without_prefixes(tensors):
    """What frameworks put before all names is stripped, again and again."""
    stripped = ""
    again = bool(tensors)
    while again:
        again = False
        for prefix in PREFIXES:
            if all(name.startswith(prefix) and len(name) > len(prefix) for name in tensors):
                tensors = {name[len(prefix):]: value for name, value in tensors.items()}
                stripped += prefix
                again = True
    if stripped:
        note(f"the prefix '{stripped}' of all names is stripped")
    return tensors


def listed(names):
    shown = ", ".join(f"'{printable(name)}'" for name in names[:5])
    return shown + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def weights_of(value, entry):
    """The tensors of floating-point numbers by name."""
    state = state_dictionary(value, entry)
    tensors, others, integers = {}, [], []
    for name, item in state.items():
        if not isinstance(item, Tensor):
            others.append(name)
        elif not isinstance(item.storage, Storage):
            raise Failure(WEIGHTS, f"is damaged: tensor '{printable(name)}' has no storage")
        elif item.storage.kind.name not in FLOATING:
            integers.append(name)
        elif not isinstance(name, str):
            raise Failure(WEIGHTS, "has a tensor whose name is no text")
        else:
            tensors[name] = item
    if others:
        note(f"dropped, as they are no tensors: {listed(others)}")
    if integers:
        note(f"dropped, as they are whole numbers: {listed(integers)}")
    if not tensors:
        raise Failure(WEIGHTS, "holds no tensors of floating-point numbers")
    return without_prefixes(tensors)


# Tensors as float32, in the order of their shape

def checked_shape(name, tensor):
    def is_extents(values):
        return isinstance(values, tuple) and len(values) <= 8 and all(
            isinstance(extent, int) and not isinstance(extent, bool) and extent >= 0
            for extent in values)

    if not (is_extents(tensor.size) and is_extents(tensor.stride)
            and is_extents((tensor.offset,)) and len(tensor.size) == len(tensor.stride)):
        raise Failure(WEIGHTS, f"is damaged: tensor '{printable(name)}' has no shape that can be")
    count = math.prod(tensor.size)
    last = tensor.offset + sum((extent - 1) * stride
                               for extent, stride in zip(tensor.size, tensor.stride))
    if count > tensor.storage.count or (count > 0 and last >= tensor.storage.count):
        raise Failure(WEIGHTS, f"is damaged: tensor '{printable(name)}' of shape "
                      f"{list(tensor.size)} does not lie in its storage of "
                      f"{tensor.storage.count} values")
    return count


def places(tensor):
    """Where in the storage the values are, in the order of the shape."""
    result = [tensor.offset]
    for extent, stride in zip(tensor.size, tensor.stride):
        result = [start + i * stride for start in result for i in range(extent)]
    return result


def is_contiguous(tensor):
    wanted = 1
    for extent, stride in zip(reversed(tensor.size), reversed(tensor.stride)):
        if extent != 1 and stride != wanted:
            return False
        wanted *= extent
    return True


def float_values(storage, first, end):
    """The values from `first` to before `end`."""
    kind = storage.kind
    data = storage.data[first * kind.size:end * kind.size]
    if kind.code:
        return struct.unpack(f"<{end - first}{kind.code}", data)
    # bfloat16 is the upper half of float32.
    wide = bytearray(2 * len(data))
    wide[2::4] = data[0::2]
    wide[3::4] = data[1::2]
    return struct.unpack(f"<{end - first}f", wide)


def as_float32(name, tensor):
    """The bytes of a tensor's values, little-endian."""
    count = checked_shape(name, tensor)
    if tensor.storage.data is None:
        raise Failure(WEIGHTS, f"is damaged: tensor '{printable(name)}' has no values")
    if is_contiguous(tensor) or count == 0:
        values = float_values(tensor.storage, tensor.offset, tensor.offset + count)
    else:
        there = places(tensor)
        first = min(there)
        stored = float_values(tensor.storage, first, max(there) + 1)
        values = [stored[place - first] for place in there]
    result = array.array("f", values)
    if not all(map(math.isfinite, result)):
        raise Failure(WEIGHTS, f"tensor '{printable(name)}' has values that are not finite in "
                      "float32")
    if sys.byteorder == "big":
        result.byteswap()
    return result.tobytes()


MOST_VALUES = 1 << 30  # more than any network here has


def safetensors(tensors, metadata):
    # Small files can name one storage as many tensors.
    values = sum(checked_shape(name, tensor) for name, tensor in tensors.items())
    if values > MOST_VALUES:
        raise Failure(MEMORY, f"has tensors of {values} values, more than {MOST_VALUES}")
    converted = collections.defaultdict(list)
    header, parts, end = {}, [], 0
    if metadata:
        header["__metadata__"] = metadata
    for name in sorted(tensors):
        tensor = tensors[name]
        data = as_float32(name, tensor)
        if tensor.storage.kind.name != "float32":
            converted[tensor.storage.kind.name].append(name)
        header[name] = {"dtype": "F32", "shape": list(tensor.size),
                        "data_offsets": [end, end + len(data)]}
        parts.append(data)
        end += len(data)
    for kind, names in converted.items():
        note(f"converted from {kind} to float32: {listed(names)}")
    try:
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Failure(WEIGHTS, "has a tensor whose name is not UTF-8")
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(parts)


def write_atomically(path, data):
    folder = os.path.dirname(path) or "."
    temporary = os.path.join(folder, f".pisr-{os.getpid()}-0.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise Failure(OUTPUT, f"cannot write '{printable(path)}': {error.strerror}")
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)


# The command line

class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise Failure(USAGE, printable(message), "-h lists the options")


def text_of(pattern, wanted):
    def check(text):
        if not re.fullmatch(pattern, text):
            raise argparse.ArgumentTypeError(f"must be {wanted}, got '{printable(text)}'")
        return text
    return check


def parse(arguments):
    parser = Parser(prog=PROGRAM, formatter_class=argparse.RawDescriptionHelpFormatter,
                    description=__doc__.split("\n\n")[0] + "\n\n" + __doc__.split("\n\n", 2)[2],
                    allow_abbrev=False)
    parser.add_argument("input", metavar="IN", help="the PyTorch file")
    parser.add_argument("-o", "--output", metavar="OUT",
                        help="the safetensors file; default: IN with that extension")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file")
    parser.add_argument("--entry", metavar="NAME",
                        help="the dictionary of weights to take, where the file holds several")
    stored = parser.add_argument_group("stored as metadata, where given")
    stored.add_argument("--architecture", metavar="NAME",
                        type=text_of(r"[a-z][a-z0-9_]*", "a name as pisr_eval --list prints it"),
                        help="the network, by its name in pisr_eval --list")
    stored.add_argument("--scale", type=text_of(r"[234](,[234])*", "2, 3, 4, or several: 2,3,4"),
                        help="2, 3 or 4; 2,3,4 where one set of weights is for all")
    stored.add_argument("--colour", choices=("y", "rgb"), help="of the images it takes")
    stored.add_argument("--padding", choices=("zero", "replicate"), help="of its convolutions")
    stored.add_argument("--range", choices=("0..1", "0..255"), help="of the values it takes")
    line = text_of(r"[^\x00-\x1f\x7f\udc80-\udcff]+", "a line of text")
    stored.add_argument("--source", metavar="TEXT", type=line, help="where the weights are from")
    stored.add_argument("--licence", metavar="TEXT", type=line, help="on which terms")
    return parser.parse_args(arguments)


METADATA = ("architecture", "scale", "colour", "padding", "range", "source", "licence")


def convert(arguments):
    output = arguments.output or os.path.splitext(arguments.input)[0] + ".safetensors"
    if os.path.isdir(output):
        raise Failure(OUTPUT, f"'{printable(output)}' is a folder")
    if os.path.exists(output):
        if not arguments.overwrite:
            raise Failure(OUTPUT, f"'{printable(output)}' exists", "--overwrite replaces it")
        if os.path.exists(arguments.input) and os.path.samefile(output, arguments.input):
            raise Failure(OUTPUT, f"'{printable(output)}' is the input")
    if not os.path.isdir(os.path.dirname(output) or "."):
        raise Failure(OUTPUT, f"cannot write '{printable(output)}': there is no such folder")
    metadata = {key: getattr(arguments, key) for key in METADATA if getattr(arguments, key)}
    try:
        tensors = weights_of(read_pytorch(arguments.input), arguments.entry)
        data = safetensors(tensors, metadata)
    except Failure as failure:
        raise Failure(failure.code, f"'{printable(arguments.input)}': {failure}", failure.hint)
    write_atomically(output, data)
    values = sum(math.prod(tensor.size) for tensor in tensors.values())
    note(f"{values} values written to '{printable(output)}', tensors: {len(tensors)}")


def main(arguments):
    try:
        convert(parse(arguments))
        return 0
    except Failure as failure:
        code, text, hint = failure.code, str(failure), failure.hint
    except MemoryError:
        code, text, hint = MEMORY, "not enough memory", ""
    except Exception as error:  # a fault of this program, which must not look like another
        code, hint = INTERNAL, ""
        text = f"internal error: {type(error).__name__}: {printable(error)}"
    print(f"{PROGRAM}: error: {text}", file=sys.stderr)
    if hint:
        print(f"hint: {hint}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
