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
import dataclasses
import io
import json
import math
import os
import pickle
import pickletools
import re
import struct
import sys
import zipfile

PROGRAM = "convert_weights.py"
USAGE, OUTPUT, WEIGHTS, MEMORY, INTERNAL = 2, 4, 5, 7, 8


class Failure(Exception):
    """Ends the program with one line, perhaps a hint, and an exit code."""

    def __init__(self, code, text, hint=""):
        super().__init__(text)
        self.code = code
        self.hint = hint


def printable(text):
    """One line of ASCII, not too long; bytes that are not stand as \\xNN."""
    line = "".join(c if " " <= c <= "~" else c.encode("utf-8", "surrogateescape")
                   .decode("latin-1").encode("unicode_escape").decode() for c in str(text))
    return line if len(line) <= 200 else line[:197] + "..."


def note(text):
    print(f"{PROGRAM}: note: {text}", file=sys.stderr)


# What a pickle of tensors is made of

@dataclasses.dataclass(frozen=True)
class StorageType:
    """The type of the numbers in a storage; `code` is that of struct, empty for bfloat16."""
    name: str
    size: int
    code: str


STORAGE_TYPES = {
    "FloatStorage": StorageType("float32", 4, "f"),
    "DoubleStorage": StorageType("float64", 8, "d"),
    "HalfStorage": StorageType("float16", 2, "e"),
    "BFloat16Storage": StorageType("bfloat16", 2, ""),
    "LongStorage": StorageType("int64", 8, "q"),
    "IntStorage": StorageType("int32", 4, "i"),
    "ShortStorage": StorageType("int16", 2, "h"),
    "CharStorage": StorageType("int8", 1, "b"),
    "ByteStorage": StorageType("uint8", 1, "B"),
    "BoolStorage": StorageType("bool", 1, "?"),
}
FLOATING = {"float32", "float64", "float16", "bfloat16"}


class Storage:
    """Numbers in the file, which several tensors may share."""

    def __init__(self, kind, key, count):
        self.kind, self.key, self.count = kind, key, count
        self.data = None  # bytes, little-endian


@dataclasses.dataclass
class Tensor:
    """A view of a storage, as the file describes it: not checked yet."""
    storage: object
    offset: object
    size: object
    stride: object


class Inert:
    """Stands for an object that is dropped, whatever the file would make of it."""

    def __init__(self, *_args, **_keywords):
        pass

    def __setstate__(self, _state):
        pass


class Dictionary(collections.OrderedDict):
    """A dictionary without the attributes that the file would give it."""

    def __setstate__(self, _state):
        pass


def rebuild_tensor(storage, offset, size, stride, *_rest):
    return Tensor(storage, offset, size, stride)


def rebuild_parameter(data, *_rest):
    return data


def default_dictionary(*_arguments):
    return Dictionary()


GLOBALS = {
    ("collections", "OrderedDict"): Dictionary,
    ("collections", "defaultdict"): default_dictionary,
    ("torch._utils", "_rebuild_tensor"): rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): rebuild_tensor,
    ("torch._utils", "_rebuild_parameter"): rebuild_parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): rebuild_parameter,
    ("torch", "Size"): tuple,
    # Settings, scores and random states that checkpoints hold beside the weights.
    ("argparse", "Namespace"): Inert,
    ("builtins", "dict"): Inert,
    ("builtins", "set"): Inert,
    ("__builtin__", "dict"): Inert,
    ("__builtin__", "set"): Inert,
    ("_codecs", "encode"): Inert,
    ("numpy", "dtype"): Inert,
    ("numpy", "ndarray"): Inert,
    ("numpy.core.multiarray", "scalar"): Inert,
    ("numpy.core.multiarray", "_reconstruct"): Inert,
    ("numpy._core.multiarray", "scalar"): Inert,
    ("numpy._core.multiarray", "_reconstruct"): Inert,
    ("torch", "device"): Inert,
}
GLOBALS.update({("torch", name): kind for name, kind in STORAGE_TYPES.items()})

WHOLE_MODULE = ("is a whole module with its program ('{}'), not a state dictionary",
                "save model.state_dict() where the program of the network is")


class RestrictedUnpickler(pickle.Unpickler):
    """Knows the names in GLOBALS and no other."""

    def __init__(self, data, storage_of):
        super().__init__(io.BytesIO(data), encoding="utf-8")
        self.storage_of = storage_of

    def find_class(self, module, name):
        found = GLOBALS.get((module, name))
        if found is not None:
            return found
        what = printable(f"{module}.{name}")
        if module.startswith("torch.nn.modules"):
            raise Failure(WEIGHTS, WHOLE_MODULE[0].format(what), WHOLE_MODULE[1])
        raise Failure(WEIGHTS, f"asks for '{what}', which is no part of weights: refused, and "
                      "nothing was executed")

    def persistent_load(self, pid):
        if not (isinstance(pid, tuple) and len(pid) in (5, 6) and pid[0] == "storage"
                and isinstance(pid[1], StorageType) and isinstance(pid[2], str)
                and isinstance(pid[4], int) and pid[4] >= 0):
            raise Failure(WEIGHTS, "has a tensor whose storage is not described as PyTorch does")
        if len(pid) == 6 and pid[5] is not None:
            raise Failure(WEIGHTS, "has views of storages, as PyTorch 0.3 and older wrote them",
                          "load and save it with a newer PyTorch")
        return self.storage_of(pid[1], pid[2], pid[4])


def check_opcodes(data):
    """The length of the pickle at the beginning of `data`. Refuses one that would need more memory
    than its own size, and a whole module by the classes that it names."""
    names = []
    length = 0
    for opcode, argument, position in pickletools.genops(data):
        if "PUT" in opcode.name and argument is not None and argument > len(data):
            raise Failure(WEIGHTS, f"is damaged: object number {argument} in a pickle of "
                          f"{len(data)} bytes")
        if opcode.name == "GLOBAL":
            names.append(argument.replace(" ", ".", 1))
        length = position + 1
    for name in names:
        if name.startswith("torch.nn.modules"):
            raise Failure(WEIGHTS, WHOLE_MODULE[0].format(printable(names[0])), WHOLE_MODULE[1])
    return length


def unpickled(data, storage_of):
    """The object of the pickle at the beginning of `data`, and the pickle's length."""
    try:
        length = check_opcodes(data)
        return RestrictedUnpickler(data[:length], storage_of).load(), length
    except (Failure, MemoryError, zipfile.BadZipFile):
        raise
    except Exception as error:
        raise Failure(WEIGHTS, "is damaged: its pickle cannot be read: " + printable(error))


# The two formats of files

def read_zip(path):
    try:
        with zipfile.ZipFile(path) as archive:
            return read_archive(archive, os.path.getsize(path))
    except (zipfile.BadZipFile, EOFError, struct.error, NotImplementedError, RuntimeError,
            UnicodeDecodeError) as error:
        raise Failure(WEIGHTS, "is damaged: its zip cannot be read: " + printable(error))


def read_archive(archive, file_size):
    entries = {item.filename: item for item in archive.infolist()}
    pickles = [name for name in entries if name == "data.pkl" or name.endswith("/data.pkl")]
    root = pickles[0][:-len("data.pkl")] if len(pickles) == 1 else None
    if root is not None and root + "constants.pkl" in entries:
        raise Failure(WEIGHTS, "is a TorchScript program, not a state dictionary",
                      "save model.state_dict() where the program of the network is")
    if root is None:
        raise Failure(WEIGHTS, "is a zip, but none that PyTorch wrote: it has no 'data.pkl'")
    left = file_size

    def read(name):
        nonlocal left
        item = entries.get(root + name)
        if item is None:
            raise Failure(WEIGHTS, f"is damaged: its zip lacks '{printable(root + name)}'")
        # PyTorch compresses nothing, so no entry is larger than the file, nor all of them.
        if item.compress_type != zipfile.ZIP_STORED or item.file_size != item.compress_size:
            raise Failure(WEIGHTS, f"has a compressed entry '{printable(item.filename)}', which "
                          "PyTorch does not write")
        left -= item.file_size
        if left < 0:
            raise Failure(WEIGHTS, "is damaged: the entries of its zip are larger than the file")
        return archive.read(item)

    is_big = root + "byteorder" in entries and read("byteorder") == b"big"
    storages = {}

    def storage_of(kind, key, count):
        if key not in storages:
            storage = Storage(kind, key, count)
            data = read("data/" + key)
            if len(data) != count * kind.size:
                raise Failure(WEIGHTS, f"is damaged: storage '{printable(key)}' must have {count} "
                              f"values of {kind.size} bytes, has {len(data)} bytes")
            storage.data = little_endian(data, kind.size, is_big)
            storages[key] = storage
        storage = storages[key]
        if (storage.kind, storage.count) != (kind, count):
            raise Failure(WEIGHTS, f"is damaged: storage '{printable(key)}' has two types or sizes")
        return storage

    return unpickled(read("data.pkl"), storage_of)[0]


LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_PROTOCOL = 1001


def read_legacy(data):
    """Before 1.6: pickles of a magic number, a version, the machine, the object and the keys of its
    storages, then for each key the number of its values and they themselves."""
    storages = {}

    def storage_of(kind, key, count):
        storage = storages.setdefault(key, Storage(kind, key, count))
        if (storage.kind, storage.count) != (kind, count):
            raise Failure(WEIGHTS, f"is damaged: storage '{printable(key)}' has two types or sizes")
        return storage

    at = 0
    objects = []
    for wanted in (LEGACY_MAGIC, LEGACY_PROTOCOL, dict, None, list):
        value, length = unpickled(data[at:], storage_of)
        at += length
        if not objects and value != LEGACY_MAGIC:
            raise Failure(WEIGHTS, "is a pickle, but none that PyTorch wrote")
        if isinstance(wanted, type) and not isinstance(value, wanted) or (
                isinstance(wanted, int) and value != wanted):
            raise Failure(WEIGHTS, "is damaged, or of a PyTorch that is not known")
        objects.append(value)
    is_big = objects[2].get("little_endian") is False
    for key in objects[4]:
        storage = storages.get(key) if isinstance(key, str) else None
        if storage is None:
            raise Failure(WEIGHTS, "is damaged: it has a storage that no tensor is of")
        header = data[at:at + 8]
        size = storage.count * storage.kind.size
        at += 8
        if len(header) < 8 or len(data) - at < size:
            raise Failure(WEIGHTS, f"is truncated: storage '{printable(key)}' needs {size} bytes, "
                          f"{max(0, len(data) - at)} are left")
        if struct.unpack(">q" if is_big else "<q", header)[0] != storage.count:
            raise Failure(WEIGHTS, f"is damaged: storage '{printable(key)}' has another size than "
                          "its tensors say")
        storage.data = little_endian(data[at:at + size], storage.kind.size, is_big)
        at += size
    return objects[3]


def little_endian(data, size, is_big):
    if not is_big or size == 1:
        return data
    swapped = bytearray(len(data))
    for byte in range(size):
        swapped[byte::size] = data[size - 1 - byte::size]
    return bytes(swapped)


def read_pytorch(path):
    try:
        with open(path, "rb") as file:
            beginning = file.read(4)
            if beginning == b"PK\x03\x04":
                return read_zip(path)
            if not beginning.startswith(b"\x80"):
                raise Failure(WEIGHTS, "is no PyTorch file: neither a zip nor a pickle")
            return read_legacy(beginning + file.read())
    except OSError as error:
        raise Failure(WEIGHTS, "cannot be read: " + (error.strerror or printable(error)))


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
