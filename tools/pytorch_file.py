"""What a PyTorch file (.pth, .pt, .ckpt) holds: tensors, plain containers and nothing else.

Reads the zip format and the one before PyTorch 1.6, with the standard library alone, for
convert_weights.py. Nothing in the file is executed. Its pickle is read by an unpickler that knows
the names which tensors and plain containers need; any other is refused by name.
"""

import collections
import dataclasses
import io
import os
import pickle
import pickletools
import struct
import zipfile

# Exit codes of docs/exit-codes.md.
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


MOST_PARTS = 1_000_000
# What these make is not hashed.
CONTAINERS = {"DICT", "EMPTY_DICT", "SETITEM", "SETITEMS", "LIST", "EMPTY_LIST", "APPEND", "APPENDS",
              "BUILD", "BINPERSID", "PERSID"}


def check_opcodes(data):
    """The length of the pickle at the beginning of `data`. Refuses one that would need more memory
    or time than its own size, and a whole module by the classes that it names."""
    names = []
    length = 0
    # How many parts each object on the stack has. Tuples in tuples in tuples, each twice in the
    # next, would take an eternity to be hashed as a key.
    stack, memo = [], {}
    for opcode, argument, position in pickletools.genops(data):
        name = opcode.name
        length = position + 1
        if name == "GLOBAL":
            names.append(argument.replace(" ", ".", 1))
        if name == "MEMOIZE" or "PUT" in name:
            index = len(memo) if argument is None else argument
            if index > len(data):
                raise Failure(WEIGHTS, f"is damaged: object number {index} in a pickle of "
                              f"{len(data)} bytes")
            memo[index] = stack[-1] if stack else 1
            continue
        parts = 1
        count = len(opcode.stack_before)
        if pickletools.markobject in opcode.stack_before:
            while stack and stack[-1] is not None:
                parts += stack.pop()
            del stack[-1:]
            count = opcode.stack_before.index(pickletools.markobject)
        for _ in range(min(count, len(stack))):
            parts += stack.pop() or 0
        if name == "MARK":
            parts = None
        elif "GET" in name:
            parts = memo.get(argument, 1)
        elif name in CONTAINERS:
            parts = 1
        elif parts > MOST_PARTS:
            raise Failure(WEIGHTS, "is damaged: its pickle holds objects that no weights need")
        stack.extend([parts] * len(opcode.stack_after))
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
