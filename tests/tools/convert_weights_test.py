#!/usr/bin/env python3
# tools/convert_weights.py on files in both formats of PyTorch, made here without PyTorch, and on
# files that are damaged or want to do harm.

import collections
import contextlib
import importlib
import io
import json
import os
import pickle
import struct
import subprocess
import sys
import tempfile
import types
import unittest
import zipfile

TOOLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools")
CONVERTER = os.path.join(TOOLS, "convert_weights.py")
sys.dont_write_bytecode = True
sys.path.insert(0, TOOLS)
CONVERT = importlib.import_module("convert_weights")
Run = collections.namedtuple("Run", "returncode stdout stderr")
CODES = {"FloatStorage": "f", "DoubleStorage": "d", "HalfStorage": "e", "LongStorage": "q"}


# What torch.save writes, by classes of the same names

def module(name):
    parts = name.split(".")
    for i in range(len(parts)):
        path = ".".join(parts[:i + 1])
        sys.modules.setdefault(path, types.ModuleType(path))
    return sys.modules[name]


def global_class(where, name):
    made = type(name, (), {"__module__": where})
    setattr(module(where), name, made)
    return made


for storage_name in list(CODES) + ["BFloat16Storage", "ComplexFloatStorage"]:
    global_class("torch", storage_name)
Conv2d = global_class("torch.nn.modules.conv", "Conv2d")
Net = global_class("somebody.models", "Net")


def _rebuild_tensor_v2(*_arguments):
    raise AssertionError("must not be executed")


_rebuild_tensor_v2.__module__ = "torch._utils"
module("torch._utils")._rebuild_tensor_v2 = _rebuild_tensor_v2


class Storage:
    def __init__(self, values, kind="FloatStorage", data=None, count=None):
        code = CODES.get(kind, "f")
        self.kind = kind
        self.data = struct.pack(f"<{len(values)}{code}", *values) if data is None else data
        self.count = len(values) if count is None else count


class Tensor:
    def __init__(self, storage, size, stride=None, offset=0):
        self.arguments = (storage, offset, size, contiguous(size) if stride is None else stride,
                          False, collections.OrderedDict())

    def __reduce__(self):
        return _rebuild_tensor_v2, self.arguments


def contiguous(size):
    strides, step = [], 1
    for extent in reversed(size):
        strides.insert(0, step)
        step *= extent
    return tuple(strides)


def tensor(values, size=None, kind="FloatStorage"):
    return Tensor(Storage(values, kind), (len(values),) if size is None else size)


class Call:
    """Pickled as a call of a function, as files that do harm are."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


class Pickler(pickle.Pickler):
    def __init__(self, file, legacy, protocol=2):
        super().__init__(file, protocol)
        self.legacy = legacy
        self.storages = []

    def persistent_id(self, item):
        if not isinstance(item, Storage):
            return None
        if item not in self.storages:
            self.storages.append(item)
        kind = getattr(sys.modules["torch"], item.kind)
        pid = ("storage", kind, str(self.storages.index(item)), "cpu", item.count)
        return pid + (None,) if self.legacy else pid


def pickled(item, legacy=False, protocol=2):
    file = io.BytesIO()
    pickler = Pickler(file, legacy, protocol)
    pickler.dump(item)
    return file.getvalue(), pickler.storages


def zip_file(item, compression=zipfile.ZIP_STORED, leave_out="", extra=(), protocol=2):
    data, storages = pickled(item, protocol=protocol)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("archive/data.pkl", data)
        for i, storage in enumerate(storages):
            if f"data/{i}" != leave_out:
                archive.writestr(f"archive/data/{i}", storage.data)
        for name, content in extra:
            archive.writestr("archive/" + name, content)
    return file.getvalue()


MAGIC = 0x1950A86A20F9469CFC6C


def legacy_file(item, magic=MAGIC, version=1001, little=True):
    data, storages = pickled(item, legacy=True)
    parts = [pickle.dumps(magic, 2), pickle.dumps(version, 2),
             pickle.dumps({"protocol_version": version, "little_endian": little}, 2), data,
             pickle.dumps([str(i) for i in range(len(storages))], 2)]
    for storage in storages:
        parts += [struct.pack("<q" if little else ">q", storage.count), storage.data]
    return b"".join(parts)


FORMATS = (zip_file, legacy_file)


def read_safetensors(path):
    with open(path, "rb") as file:
        content = file.read()
    length, = struct.unpack("<Q", content[:8])
    assert length % 8 == 0
    header = json.loads(content[8:8 + length])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        assert entry["dtype"] == "F32"
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        values = struct.unpack(f"<{(end - begin) // 4}f", content[begin:end])
        tensors[name] = (entry["shape"], list(values))
    return tensors, metadata


class ConvertWeights(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(temporary.name)
        self.folder = temporary.name
        self.output = os.path.join(self.folder, "out.safetensors")

    def run_on(self, content, *options, name="in.pth"):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(content)
        return self.run_with(path, "-o", self.output, *options)

    def run_with(self, *arguments):
        """As the program does, in this process: most of its time is Python's start."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = CONVERT.main(list(arguments))
        return Run(code, out.getvalue(), err.getvalue())

    def program(self, *arguments):
        return subprocess.run([sys.executable, CONVERTER, *arguments], capture_output=True,
                              text=True, cwd=self.folder, timeout=60)

    def converted(self, content, *options):
        run = self.run_on(content, "--overwrite", *options)
        self.assertEqual((run.returncode, run.stdout), (0, ""), run.stderr)
        tensors, metadata = read_safetensors(self.output)
        for line in run.stderr.splitlines():
            self.assertTrue(line.startswith("convert_weights.py: note: "), line)
        return tensors, metadata, run.stderr

    def refused(self, content, code, text, hint=None, options=()):
        run = self.run_on(content, *options)
        lines = [line for line in run.stderr.splitlines() if ": note: " not in line]
        self.assertEqual(run.returncode, code, run.stderr)
        self.assertEqual(run.stdout, "")
        self.assertTrue(lines[0].startswith("convert_weights.py: error: "), run.stderr)
        self.assertIn(text, lines[0])
        self.assertEqual(len(lines), 1 if hint is None else 2, run.stderr)
        if hint is not None:
            self.assertIn(hint, lines[1])
            self.assertTrue(lines[1].startswith("hint: "))
        self.assertTrue(run.stderr.isascii())
        self.assertEqual([n for n in os.listdir(self.folder) if n != "in.pth"], [])

    def test_state_dictionaries_of_both_formats(self):
        state = collections.OrderedDict(
            [("b.weight", tensor([1, 2, 3, 4, 5, 6], (2, 3))), ("a", tensor([-0.5], ()))])
        state._metadata = collections.OrderedDict(version=1)
        for make in FORMATS:
            tensors, metadata, notes = self.converted(make(state))
            self.assertEqual(tensors, {"b.weight": ([2, 3], [1, 2, 3, 4, 5, 6]),
                                       "a": ([], [-0.5])})
            self.assertEqual(metadata, {})
            self.assertEqual(notes, "convert_weights.py: note: 7 values written to "
                             f"'{self.output}', tensors: 2\n")

    def test_every_protocol_of_pickle(self):
        for protocol in range(2, 6):
            tensors = self.converted(zip_file({"a": tensor([1, 2])}, protocol=protocol))[0]
            self.assertEqual(tensors, {"a": ([2], [1, 2])})

    def test_default_name_of_the_output(self):
        with open(os.path.join(self.folder, "w.x2.pth"), "wb") as file:
            file.write(zip_file({"a": tensor([1])}))
        self.assertEqual(self.run_with("w.x2.pth").returncode, 0)
        self.assertIn("a", read_safetensors(os.path.join(self.folder, "w.x2.safetensors"))[0])

    def test_shared_storages_and_strides(self):
        storage = Storage(range(24))
        state = {"whole": Tensor(storage, (2, 3, 4)),
                 "transposed": Tensor(storage, (4, 6), (1, 4)),
                 "slice": Tensor(storage, (2, 2), (12, 4), 5),
                 "one": Tensor(storage, (), (), 23), "none": Tensor(storage, (0, 4), (4, 1), 24)}
        for make in FORMATS:
            tensors = self.converted(make(state))[0]
            self.assertEqual(tensors["whole"], ([2, 3, 4], list(range(24))))
            self.assertEqual(tensors["transposed"],
                             ([4, 6], [r + 4 * c for r in range(4) for c in range(6)]))
            self.assertEqual(tensors["slice"], ([2, 2], [5, 9, 17, 21]))
            self.assertEqual(tensors["one"], ([], [23]))
            self.assertEqual(tensors["none"], ([0, 4], []))

    def test_types_are_converted_and_said(self):
        bfloat = Storage([], "BFloat16Storage", b"".join(
            struct.pack("<f", v)[2:] for v in (1.5, -2.0, 3.140625)), 3)
        state = {"half": tensor([0.5, 65504, 6e-8], kind="HalfStorage"),
                 "double": tensor([1 / 3], kind="DoubleStorage"), "bf": Tensor(bfloat, (3,)),
                 "steps": tensor([7], kind="LongStorage")}
        for make in FORMATS:
            tensors, _, notes = self.converted(make(state))
            self.assertEqual(tensors["half"][1], [0.5, 65504, 2.0 ** -24])
            self.assertEqual(tensors["double"][1], list(struct.unpack("f", struct.pack("f", 1 / 3))))
            self.assertEqual(tensors["bf"][1], [1.5, -2.0, 3.140625])
            self.assertNotIn("steps", tensors)
            for text in ("from float16 to float32: 'half'", "from float64 to float32: 'double'",
                         "from bfloat16 to float32: 'bf'", "as they are whole numbers: 'steps'"):
                self.assertIn(text, notes)
        os.remove(self.output)
        self.refused(zip_file({"big": tensor([1e300], kind="DoubleStorage")}), 5,
                     "tensor 'big' has values that are not finite in float32")
        self.refused(zip_file({"nan": tensor([float("nan")])}), 5, "tensor 'nan' has values")

    def test_big_endian_files(self):
        swapped = Storage([], "FloatStorage", struct.pack(">3f", 1, 2, 3.25), 3)
        state = {"a": Tensor(swapped, (3,))}
        for content in (zip_file(state, extra=[("byteorder", b"big")]),
                        legacy_file(state, little=False)):
            self.assertEqual(self.converted(content)[0], {"a": ([3], [1, 2, 3.25])})

    def test_nested_dictionaries(self):
        one, two = {"a": tensor([1])}, {"a": tensor([2])}
        for key in ("state_dict", "params", "params_ema", "model", "generator", "anything"):
            tensors, _, notes = self.converted(zip_file({key: two, "epoch": 3}))
            self.assertEqual(tensors["a"][1], [2])
            self.assertIn(f"'{key}' is taken\n", notes)
        tensors, _, notes = self.converted(zip_file({"params": one, "params_ema": two}))
        self.assertEqual(tensors["a"][1], [2])
        self.assertIn("'params_ema' is taken, not params: --entry chooses another", notes)
        tensors = self.converted(zip_file({"params": one, "params_ema": two}), "--entry", "params")[0]
        self.assertEqual(tensors["a"][1], [1])
        tensors, _, notes = self.converted(zip_file({"model": {"state_dict": two, "step": 1}}))
        self.assertEqual(tensors["a"][1], [2])
        # A state dictionary may hold a module that is called like one of these.
        self.assertEqual(set(self.converted(zip_file({"model.a": tensor([1])}))[0]), {"model.a"})
        os.remove(self.output)
        both = zip_file({"first": one, "second": two})
        self.refused(both, 5, "several dictionaries", "--entry chooses one: first, second")
        self.refused(both, 2, "has no entry 'third'", "those there are: first, second",
                     ("--entry", "third"))

    def test_prefixes_are_stripped_and_said(self):
        for prefix in ("module.", "_orig_mod.", "params.", "params_ema.", "module._orig_mod."):
            tensors, _, notes = self.converted(
                legacy_file({prefix + "a": tensor([1]), prefix + "b": tensor([2])}))
            self.assertEqual(set(tensors), {"a", "b"})
            self.assertIn(f"the prefix '{prefix}' of all names is stripped", notes)
        tensors = self.converted(zip_file({"module.a": tensor([1]), "b": tensor([2])}))[0]
        self.assertEqual(set(tensors), {"module.a", "b"})

    def test_other_entries_are_dropped_and_said(self):
        state = {"a": tensor([1]), "epoch": 3, "names": ["x"], "nothing": None, 5: "number"}
        tensors, _, notes = self.converted(zip_file(state))
        self.assertEqual(set(tensors), {"a"})
        self.assertIn("dropped, as they are no tensors: 'epoch', 'names', 'nothing', '5'\n", notes)

    def test_metadata_are_those_given_and_checked(self):
        content = zip_file({"a": tensor([1])})
        given = {"architecture": "vdsr", "scale": "2,3,4", "colour": "y", "padding": "replicate",
                 "range": "0..1", "source": "somewhere \u00e9", "licence": "MIT"}
        options = [text for key, value in given.items() for text in ("--" + key, value)]
        self.assertEqual(self.converted(content, *options)[1], given)
        self.assertEqual(self.converted(content, "--scale", "3")[1], {"scale": "3"})
        os.remove(self.output)
        for option, value in (("--scale", "5"), ("--scale", "2,"), ("--colour", "grey"),
                              ("--padding", "same"), ("--range", "255"), ("--source", ""),
                              ("--licence", "a\nb"), ("--architecture", "VDSR x")):
            self.refused(content, 2, f"argument {option}: ", "-h lists the options",
                         (option, value))

    def test_nothing_is_executed(self):
        witness = os.path.join(self.folder, "executed")
        command = f"touch {witness}"
        # Pickles of protocol 2 have Python 2's names for some.
        calls = {"posix.system": Call(os.system, command),
                 "__builtin__.eval": Call(eval, f"open({witness!r}, 'w')"),
                 "__builtin__.exec": Call(exec, f"open({witness!r}, 'w')"),
                 "__builtin__.getattr": Call(getattr, "x", "upper"),
                 "commands.Popen": Call(subprocess.Popen, ["touch", witness]),
                 "io.open": Call(open, witness, "w")}
        for name, call in calls.items():
            for place in (call, {"a": tensor([1]), "b": call}, {"a": Call(_rebuild_tensor_v2, call)}):
                for make in FORMATS:
                    self.refused(make(place), 5, f"asks for '{name}', which is no part of weights: "
                                 "refused, and nothing was executed")
        self.refused(zip_file({"a": Call(eval, "1")}, protocol=4), 5, "asks for 'builtins.eval'")
        # The program itself, once.
        run = self.program("in.pth")
        self.assertEqual((run.returncode, run.stdout), (5, ""))
        self.assertIn("asks for 'builtins.eval'", run.stderr)
        self.assertEqual(os.listdir(self.folder), ["in.pth"])

    def test_a_callable_that_is_known_is_no_way_out(self):
        # The names that are known, called with whatever: tuple, a dictionary, what stands for a tensor.
        for call in (Call(collections.OrderedDict, 5), Call(_rebuild_tensor_v2),
                     Call(_rebuild_tensor_v2, 1, 2, 3, 4)):
            for make in FORMATS:
                self.refused(make({"a": call}), 5, "is damaged")
        # Protocol 4 reaches attributes by dotted names.
        dotted = b"\x80\x04\x8c\x05torch\x8c\x10Size.__init__.__x\x93."
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("archive/data.pkl", dotted)
        self.refused(content.getvalue(), 5, "is damaged")

    def test_whole_modules_are_refused_with_the_reason(self):
        for make in FORMATS:
            self.refused(make(Conv2d()), 5, "is a whole module with its program "
                         "('torch.nn.modules.conv.Conv2d'), not a state dictionary",
                         "save model.state_dict()")
            net = Net()
            net.conv = Conv2d()
            self.refused(make({"model": net}), 5, "('somebody.models.Net')",
                         "save model.state_dict()")
            self.refused(make(Net()), 5, "asks for 'somebody.models.Net', which is no part")
        self.refused(zip_file({}, extra=[("constants.pkl", b"")]), 5, "is a TorchScript program",
                     "save model.state_dict()")

    def test_sizes_that_cannot_be(self):
        small = Storage([1, 2, 3, 4])
        for size, stride, offset in (((5,), (1,), 0), ((4,), (1,), 1), ((2, 2), (3, 2), 0),
                                     ((-1,), (1,), 0), ((4,), (-1,), 3), ((4,), (1,), -1),
                                     ((1 << 62, 4), (0, 1), 0), ((1 << 40,), (0,), 0),
                                     ((2,), (1, 1), 0), ((2.0,), (1,), 0), (("2",), (1,), 0),
                                     ([4], (1,), 0), ((1,) * 9, (1,) * 9, 0), ((4,), (1,), None)):
            for make in FORMATS:
                self.refused(make({"a": Tensor(small, size, stride, offset)}), 5,
                             "is damaged: tensor 'a'")
        for count in (3, 5, 1 << 60):
            self.refused(zip_file({"a": Tensor(Storage([1, 2, 3, 4], count=count), (1,))}), 5,
                         f"storage '0' must have {count} values of 4 bytes, has 16 bytes")
        self.refused(zip_file({"a": Tensor(Storage([1], count=-1), (1,))}), 5, "is not described")
        many = Storage([0] * (1 << 20))
        self.refused(zip_file({str(i): Tensor(many, (1 << 20,)) for i in range(1025)}), 7,
                     "has tensors of 1074790400 values, more than 1073741824")

    def test_unknown_types_are_refused_by_name(self):
        state = {"a": Tensor(Storage([1, 2], "ComplexFloatStorage", count=1), (1,))}
        for make in FORMATS:
            self.refused(make(state), 5, "asks for 'torch.ComplexFloatStorage'")

    def test_damaged_zips(self):
        content = zip_file({"a": tensor(list(range(100)))})
        for length in (4, 50, len(content) // 2, len(content) - 1):
            self.refused(content[:length], 5, "is damaged: its zip cannot be read")
        changed = bytearray(content)
        changed[content.index(struct.pack("<2f", 50, 51))] ^= 1
        self.refused(bytes(changed), 5, "is damaged: its zip cannot be read: Bad CRC-32")
        self.refused(zip_file({"a": tensor([1])}, leave_out="data/0"), 5,
                     "its zip lacks 'archive/data/0'")
        empty = io.BytesIO()
        with zipfile.ZipFile(empty, "w") as archive:
            archive.writestr("word/document.xml", "x")
        self.refused(empty.getvalue(), 5, "is a zip, but none that PyTorch wrote")

    def test_zip_bombs(self):
        bomb = zip_file({"a": Tensor(Storage([], data=bytes(4 << 20), count=1 << 20), (1 << 20,))},
                        zipfile.ZIP_DEFLATED)
        self.assertLess(len(bomb), 20000)
        self.refused(bomb, 5, "has a compressed entry 'archive/data.pkl'")
        # Sizes in the list of files that are larger than the file.
        content = bytearray(zip_file({"a": tensor([0] * 64)}))
        at = content.rindex(b"PK\x01\x02")
        content[at + 20:at + 28] = struct.pack("<2I", 1 << 30, 1 << 30)
        self.refused(bytes(content), 5, "is damaged")

    def test_pickles_that_want_memory(self):
        for data in (b"\x80\x02r\xff\xff\xff\x7f.", b"\x80\x02Nr\xff\xff\xff\x7f.",
                     b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"x.",
                     b"\x80\x02T\xff\xff\xff\x7fx."):
            file = io.BytesIO()
            with zipfile.ZipFile(file, "w") as archive:
                archive.writestr("archive/data.pkl", data)
            for content in (file.getvalue(), data):
                self.refused(content, 5, "is damaged")

    def test_pickles_that_want_time(self):
        # A key whose hash visits 2^36 tuples, by numbered objects and by a duplicate.
        numbered = b"".join(b"q%ch%c\x86" % (i, i) for i in range(36))
        remembered = b"".join(b"\x94h%c\x86" % i for i in range(36))
        for data in (b"\x80\x02})" + numbered + b"K\x01s.", b"\x80\x02})" + b"2\x86" * 36 + b"K\x01s.",
                     b"\x80\x04})" + remembered + b"K\x01s."):
            file = io.BytesIO()
            with zipfile.ZipFile(file, "w") as archive:
                archive.writestr("archive/data.pkl", data)
            self.refused(file.getvalue(), 5, "is damaged: its pickle holds objects that no weights")

    def test_many_tensors_of_one_storage_are_no_harm(self):
        storage = Storage(range(3))
        shape = (1, 3)
        state = {f"layer.{i}": Tensor(storage, shape, shape) for i in range(500)}
        self.refused(zip_file(state), 5, "does not lie in its storage")
        state = {f"layer.{i}": Tensor(storage, shape) for i in range(500)}
        self.assertEqual(len(self.converted(zip_file(state))[0]), 500)

    def test_damaged_legacy_files(self):
        state = {"a": tensor(list(range(100)))}
        content = legacy_file(state)
        self.refused(content[:-1], 5, "is truncated: storage '0' needs 400 bytes, 399 are left")
        for length in (2, 20, 60, 200):
            self.refused(content[:length], 5, "is damaged")
        self.refused(legacy_file(state, magic=5), 5, "is a pickle, but none that PyTorch wrote")
        self.refused(legacy_file(state, version=1002), 5, "of a PyTorch that is not known")
        self.refused(pickle.dumps({"a": [1.0]}), 5, "is a pickle, but none that PyTorch wrote")
        at = content.index(struct.pack("<q", 100))
        self.refused(content[:at] + struct.pack("<q", 99) + content[at + 8:], 5,
                     "has another size than its tensors say")

    def test_files_of_something_else(self):
        self.refused(b"", 5, "is no PyTorch file")
        self.refused(b"\x08\x07\x12\x07pytorch", 5, "is no PyTorch file")
        self.refused(zip_file([1, 2]), 5, "holds no dictionary of tensors")
        self.refused(zip_file(tensor([1])), 5, "but a single tensor")
        self.refused(zip_file({"lr": 0.1}), 5, "holds no dictionary of tensors")
        self.refused(zip_file({"steps": tensor([1], kind="LongStorage")}), 5,
                     "holds no tensors of floating-point numbers")
        missing = self.run_with("missing.pth")
        self.assertEqual(missing.returncode, 5)
        self.assertIn("'missing.pth': cannot be read: No such file", missing.stderr)

    def test_names_in_messages_are_one_line_of_ascii(self):
        self.refused(zip_file({"\x1b[31m\n\u00e9": Tensor(Storage([1]), (2,))}), 5,
                     "tensor '\\x1b[31m\\n\\xc3\\xa9'")

    def test_output(self):
        content = zip_file({"a": tensor([1])})
        with open(self.output, "w") as file:
            file.write("mine")
        run = self.run_on(content)
        self.assertEqual(run.returncode, 4)
        self.assertIn("exists\nhint: --overwrite replaces it", run.stderr)
        with open(self.output) as file:
            self.assertEqual(file.read(), "mine")
        # What cannot be read leaves the old file.
        self.assertEqual(self.run_on(b"", "--overwrite").returncode, 5)
        with open(self.output) as file:
            self.assertEqual(file.read(), "mine")
        self.assertEqual(self.run_on(content, "--overwrite").returncode, 0)
        self.assertEqual(sorted(os.listdir(self.folder)), ["in.pth", "out.safetensors"])
        run = self.run_with("in.pth", "-o", "missing/out.safetensors")
        self.assertEqual(run.returncode, 4)
        self.assertIn("there is no such folder", run.stderr)
        self.assertEqual(self.run_with("in.pth", "-o", ".").returncode, 4)
        run = self.run_with("in.pth", "-o", "in.pth", "--overwrite")
        self.assertEqual(run.returncode, 4)
        self.assertIn("is the input", run.stderr)
        run = self.run_with("in.pth", "--scales", "2")
        self.assertEqual(run.returncode, 2)
        self.assertEqual(self.run_with().returncode, 2)
        run = self.program("-h")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertIn("--architecture", run.stdout)


if __name__ == "__main__":
    unittest.main()
