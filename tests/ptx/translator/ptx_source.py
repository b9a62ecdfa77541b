"""Reads a PTX file: its shared arrays and its kernels, each a list of labels and instructions.

Everything that is not understood is an Unsupported error with the line: nothing is skipped but comments and hints.
"""

import bisect
import dataclasses
import re


class Unsupported(Exception):
    """PTX that the translator does not know. `line` is of the PTX file."""

    def __init__(self, line, what):
        super().__init__(what)
        self.line = line
        self.what = what


@dataclasses.dataclass(frozen=True)
class SharedArray:
    name: str
    alignment: int
    size: int | None  # bytes; None: the dynamic shared memory of the launch


@dataclasses.dataclass(frozen=True)
class Parameter:
    name: str
    offset: int
    size: int


@dataclasses.dataclass(frozen=True)
class Label:
    name: str
    line: int


@dataclasses.dataclass(frozen=True)
class Instruction:
    line: int
    guard: str | None  # "%p1" or "!%p1"
    opcode: str
    operands: tuple[str, ...]


@dataclasses.dataclass
class Kernel:
    name: str
    line: int
    parameters: list[Parameter]
    parameter_bytes: int
    most_threads: int  # of a block
    registers: dict[str, str] = dataclasses.field(default_factory=dict)  # name: PTX type, as in "%r1": "b32"
    shared_arrays: list[SharedArray] = dataclasses.field(default_factory=list)  # beside those of the module
    statements: list[Label | Instruction] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Module:
    shared_arrays: list[SharedArray]
    kernels: list[Kernel]


def bytes_of(ptx_type):
    """ "f32" -> 4"""
    return int(re.sub(r"[a-z]", "", ptx_type)) // 8


def split_operands(text):
    """Splits at commas outside of brackets and braces."""
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text):
        if character in "{[":
            depth += 1
        elif character in "}]":
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
    parts.append(text[start:].strip())
    return tuple(part for part in parts if part)


def without_comments(text):
    """Keeps every line break, so that numbers of lines stay right."""
    text = re.sub(r"/\*.*?\*/", lambda comment: "\n" * comment.group().count("\n"), text, flags=re.S)
    return re.sub(r"//[^\n]*", "", text)


HEADER = re.compile(r"\.(version|target|address_size)\b[^\n]*")
SHARED = re.compile(r"(?:\.visible\s+)?(\.extern\s+)?\.shared\s+\.align\s+(\d+)\s+\.b8\s+([\w$]+)\[(\d*)\]\s*;")
ENTRY = re.compile(r"(?:\.visible\s+)?\.entry\s+([\w$]+)\s*\((.*?)\)([^{;]*)\{", re.S)
PARAMETER = re.compile(r"\.param\s+(?:\.align\s+(\d+)\s+)?\.([busf](?:8|16|32|64))\s+([\w$]+)(?:\[(\d+)\])?")
LIMIT = re.compile(r"\s*\.(maxntid|minnctapersm)\s+(\d+)(?:,\s*(\d+))?(?:,\s*(\d+))?")
LABEL = re.compile(r"(\$?[\w$]+):(?!:)")
REGISTER_TYPE = re.compile(r"\.reg\s+\.(pred|[bus](?:16|32|64)|f32|f64)\s+(.*)", re.S)
REGISTERS = re.compile(r"(%?[\w$]+)(?:<(\d+)>)?$")
NAME = re.compile(r"%?[\w$]+")
STATEMENT = re.compile(r"(?:@(!?%?[\w$]+)\s+)?([\w.:]+)\s*(.*)", re.S)


class Reader:
    def __init__(self, text):
        self.text = without_comments(text)
        self.at = 0
        self.line_ends = [match.start() for match in re.finditer("\n", self.text)]

    def line(self):
        return bisect.bisect_left(self.line_ends, self.at) + 1

    def skip_space(self):
        self.at = re.compile(r"\s*").match(self.text, self.at).end()

    def take(self, pattern):
        match = pattern.match(self.text, self.at)
        if match:
            self.at = match.end()
        return match

    def fail(self):
        raise Unsupported(self.line(), self.text[self.at : self.at + 60].splitlines()[0].strip())

    def module(self):
        module = Module([], [])
        self.skip_space()
        while self.at < len(self.text):
            line = self.line()
            if self.take(HEADER):
                pass
            elif match := self.take(SHARED):
                module.shared_arrays.append(shared_array(line, match))
            elif match := self.take(ENTRY):
                module.kernels.append(self.kernel(line, *match.groups()))
            else:
                self.fail()
            self.skip_space()
        return module

    def kernel(self, line, name, parameters, limits):
        kernel = Kernel(name, line, *read_parameters(line, parameters), most_threads(line, limits))
        scopes = [{}]  # of names in braces within the kernel, as inline assembly has them
        while scopes:
            self.skip_space()
            if self.at >= len(self.text):
                raise Unsupported(line, "a kernel without end")
            if self.text[self.at] == "{":
                scopes.append({})
                self.at += 1
            elif self.text[self.at] == "}":
                scopes.pop()
                self.at += 1
            elif match := self.take(LABEL):
                kernel.statements.append(Label(match.group(1), self.line()))
            elif match := self.take(SHARED):
                kernel.shared_arrays.append(shared_array(self.line(), match))
            else:
                self.statement(kernel, scopes)
        return kernel

    def statement(self, kernel, scopes):
        line = self.line()
        end = self.text.find(";", self.at)
        if end < 0:
            self.fail()
        text = self.text[self.at : end].strip()
        self.at = end + 1
        if text.startswith(".reg"):
            declare_registers(kernel, line, text, scopes)
        elif text.startswith("."):
            # A pragma is a hint. Other directives declare what the machine does not have.
            if not text.startswith(".pragma"):
                raise Unsupported(line, text)
        elif text:
            guard, opcode, operands = STATEMENT.match(text).groups()
            operands = tuple(full_names(operand, scopes) for operand in split_operands(operands))
            kernel.statements.append(Instruction(line, guard and full_names(guard, scopes), opcode, operands))


def shared_array(line, match):
    extern, alignment, name, size = match.groups()
    if bool(extern) != (size == ""):
        raise Unsupported(line, match.group())
    return SharedArray(name, int(alignment), int(size) if size else None)


def full_names(operand, scopes):
    """The operand with each register of an inner scope under its name in the kernel."""
    if len(scopes) == 1:
        return operand

    def full_name(match):
        name = match.group()
        return next((scope[name] for scope in reversed(scopes) if name in scope), name)

    return NAME.sub(full_name, operand)


def read_parameters(line, text):
    """The parameters with their offsets as the ISA lays them out, and the bytes of all."""
    parameters, end = [], 0
    for declaration in split_operands(text):
        match = PARAMETER.fullmatch(declaration)
        if not match:
            raise Unsupported(line, declaration)
        alignment, ptx_type, name, count = match.groups()
        size = bytes_of(ptx_type) * int(count or 1)
        alignment = int(alignment or bytes_of(ptx_type))
        offset = (end + alignment - 1) // alignment * alignment
        parameters.append(Parameter(name, offset, size))
        end = offset + size
    return parameters, end


def most_threads(line, limits):
    most, end = 1024, 0
    for match in LIMIT.finditer(limits):
        if match.group(1) == "maxntid":
            most = int(match.group(2)) * int(match.group(3) or 1) * int(match.group(4) or 1)
        end = match.end()
    if limits[end:].strip():
        raise Unsupported(line, limits[end:].strip())
    return most


def declare_registers(kernel, line, text, scopes):
    match = REGISTER_TYPE.match(text)
    if not match:
        raise Unsupported(line, text)
    ptx_type, names = match.groups()
    for name in names.split(","):
        match = REGISTERS.match(name.strip())
        if not match:
            raise Unsupported(line, text)
        stem, count = match.groups()
        for register in [f"{stem}{i}" for i in range(int(count))] if count else [stem]:
            full_name = register
            if len(scopes) > 1:
                full_name = f"{register}_of_line_{line}"
                scopes[-1][register] = full_name
            kernel.registers[full_name] = ptx_type


def read_module(text):
    return Reader(text).module()
