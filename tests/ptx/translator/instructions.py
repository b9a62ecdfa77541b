"""The instructions of PTX that the machine knows, each as a statement of C++.

A rule is a pattern of the whole opcode: a modifier that no rule names is an error and never ignored. The sections
are those of the PTX ISA, 9.7 "Instructions".
"""

import functools
import re

from operands import CPP_TYPES
from ptx_source import Unsupported, bytes_of

INTEGER = r"[us](?:16|32|64)"
FLOAT = r"f(?:32|64)"
BITS = r"b(?:16|32|64)"
ROUNDED_DOWN_UP_OR_TO_ZERO = {"rm": "FE_DOWNWARD", "rp": "FE_UPWARD", "rz": "FE_TOWARDZERO"}
RULES = []


def rule(pattern):
    """The function below translates the opcodes that match; it gets `at` (operands and line), the groups of the
    pattern as a tuple, and the operands one by one."""

    def add(function):
        RULES.append((re.compile(pattern), function))
        return function

    return add


@functools.lru_cache(maxsize=None)
def rule_of(opcode):
    for pattern, function in RULES:
        if match := pattern.fullmatch(opcode):
            return function, match.groups()
    return None, ()


class Site:
    """What a rule needs to know about the place of its instruction."""

    def __init__(self, operands, line):
        self.read, self.write = operands.read, operands.write
        self.address, self.elements = operands.address, operands.elements
        self.line = line

    def read_all(self, sources, ptx_type):
        return ", ".join(self.read(source, ptx_type) for source in sources)


def translate(instruction, operands):
    """The statement, guard included."""
    function, groups = rule_of(instruction.opcode)
    if function is None:
        raise Unsupported(instruction.line, f"instruction '{instruction.opcode}'")
    try:
        statement = function(Site(operands, instruction.line), groups, *instruction.operands)
        guard = instruction.guard and operands.read(instruction.guard.lstrip("!"), "pred")
    except (TypeError, ValueError, KeyError) as error:
        # Too many or too few operands, or one of a kind that the rule does not know.
        text = f"{instruction.opcode} {', '.join(instruction.operands)}"
        raise Unsupported(instruction.line, f"operands of '{text}': {error}") from error
    if guard is None:
        return statement
    return f"if ({'!' if instruction.guard.startswith('!') else ''}{guard}) {{ {statement} }}"


# 9.7.1, 9.7.2: integer arithmetic. Unsigned in C++, where signs do not matter, so that overflow is defined.


def unsigned(ptx_type):
    return "u" + ptx_type[1:]


def twice_as_wide(ptx_type):
    return f"{ptx_type[0]}{16 * bytes_of(ptx_type)}"


@rule(rf"(add|sub)\.({INTEGER})")
def integer_sum(at, groups, to, a, b):
    name, ptx_type = groups[0], unsigned(groups[1])
    sign = "+" if name == "add" else "-"
    return at.write(to, ptx_type, f"{at.read(a, ptx_type)} {sign} {at.read(b, ptx_type)}")


@rule(r"mul\.lo\.([us](?:32|64))")
def low_product(at, groups, to, a, b):
    ptx_type = unsigned(groups[0])
    return at.write(to, ptx_type, f"{at.read(a, ptx_type)} * {at.read(b, ptx_type)}")


@rule(r"mad\.lo\.([us](?:32|64))")
def low_product_and_sum(at, groups, to, a, b, c):
    ptx_type = unsigned(groups[0])
    return at.write(to, ptx_type, f"{at.read(a, ptx_type)} * {at.read(b, ptx_type)} + {at.read(c, ptx_type)}")


@rule(r"mul\.wide\.([us](?:16|32))")
def wide_product(at, groups, to, a, b):
    wide = twice_as_wide(groups[0])
    cpp = CPP_TYPES[wide]
    product = f"static_cast<{cpp}>({at.read(a, groups[0])}) * static_cast<{cpp}>({at.read(b, groups[0])})"
    return at.write(to, wide, product)


@rule(r"mul\.hi\.([us](?:32|64))")
def high_product(at, groups, to, a, b):
    return at.write(to, groups[0], f"high_product({at.read(a, groups[0])}, {at.read(b, groups[0])})")


@rule(rf"(div|rem)\.({INTEGER})")
def quotient(at, groups, to, a, b):
    function = {"div": "quotient", "rem": "remainder"}[groups[0]]
    return at.write(to, groups[1], f"{function}({at.read(a, groups[1])}, {at.read(b, groups[1])})")


@rule(rf"(min|max)\.({INTEGER})")
def integer_extreme(at, groups, to, a, b):
    return at.write(to, groups[1], f"std::{groups[0]}({at.read(a, groups[1])}, {at.read(b, groups[1])})")


@rule(r"neg\.s(16|32|64)")
def integer_negation(at, groups, to, a):
    ptx_type = "u" + groups[0]
    return at.write(to, ptx_type, f"0 - {at.read(a, ptx_type)}")


@rule(r"dp2a\.lo\.u32\.u32")
def dot_product_of_two(at, _, to, a, b, c):
    return at.write(to, "u32", f"dot_product_of_two({at.read_all((a, b, c), 'u32')})")


# 9.7.3: floating point. Nothing is contracted but what the PTX has fused.


@rule(rf"(add|sub|mul)(?:\.rn)?\.({FLOAT})")
def float_arithmetic(at, groups, to, a, b):
    sign = {"add": "+", "sub": "-", "mul": "*"}[groups[0]]
    return at.write(to, groups[1], f"{at.read(a, groups[1])} {sign} {at.read(b, groups[1])}")


@rule(rf"fma\.rn\.({FLOAT})")
def fused_multiply_add(at, groups, to, a, b, c):
    return at.write(to, groups[0], f"std::fma({at.read_all((a, b, c), groups[0])})")


@rule(rf"(add|fma)\.(rm|rp|rz)\.({FLOAT})")
def directed_rounding(at, groups, to, *sources):
    name, rounding, ptx_type = groups
    if len(sources) != {"add": 2, "fma": 3}[name]:
        raise ValueError("count")
    mode = ROUNDED_DOWN_UP_OR_TO_ZERO[rounding]
    return at.write(to, ptx_type, f"{name}_rounded({mode}, {at.read_all(sources, ptx_type)})")


@rule(rf"div\.rn\.({FLOAT})")
def float_quotient(at, groups, to, a, b):
    return at.write(to, groups[0], f"{at.read(a, groups[0])} / {at.read(b, groups[0])}")


@rule(rf"rcp\.rn\.({FLOAT})")
def reciprocal(at, groups, to, a):
    return at.write(to, groups[0], f"1 / {at.read(a, groups[0])}")


@rule(r"rcp\.approx\.ftz\.f64")
def coarse_reciprocal(at, _, to, a):
    return at.write(to, "f64", f"coarse_reciprocal({at.read(a, 'f64')})")


@rule(rf"sqrt\.rn\.({FLOAT})")
def square_root(at, groups, to, a):
    return at.write(to, groups[0], f"std::sqrt({at.read(a, groups[0])})")


@rule(r"ex2\.approx\.ftz\.f32")
def power_of_two(at, _, to, a):
    return at.write(to, "f32", f"power_of_two({at.read(a, 'f32')})")


@rule(rf"(neg|abs)\.({FLOAT})")
def float_sign(at, groups, to, a):
    value = at.read(a, groups[1])
    return at.write(to, groups[1], f"-{value}" if groups[0] == "neg" else f"std::fabs({value})")


@rule(rf"(min|max)\.({FLOAT})")
def float_extreme(at, groups, to, a, b):
    return at.write(to, groups[1], f"std::f{groups[0]}({at.read(a, groups[1])}, {at.read(b, groups[1])})")


# 9.7.5, 9.7.6: comparison and selection.

ORDERED = {"eq": "==", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
OPPOSITE = {"neu": "==", "ltu": ">=", "leu": ">", "gtu": "<=", "geu": "<"}


@rule(rf"setp\.(eq|ne|lt|le|gt|ge)\.({INTEGER}|{BITS})")
def integer_comparison(at, groups, to, a, b):
    sign = ORDERED.get(groups[0], "!=")
    return at.write(to, "pred", f"{at.read(a, groups[1])} {sign} {at.read(b, groups[1])}")


@rule(rf"setp\.(eq|lt|le|gt|ge)\.({FLOAT})")
def ordered_comparison(at, groups, to, a, b):
    return at.write(to, "pred", f"{at.read(a, groups[1])} {ORDERED[groups[0]]} {at.read(b, groups[1])}")


@rule(rf"setp\.(neu|ltu|leu|gtu|geu)\.({FLOAT})")
def comparison_true_for_nan(at, groups, to, a, b):
    return at.write(to, "pred", f"!({at.read(a, groups[1])} {OPPOSITE[groups[0]]} {at.read(b, groups[1])})")


@rule(rf"setp\.(num|nan)\.({FLOAT})")
def comparison_with_nan(at, groups, to, a, b):
    unordered = f"std::isunordered({at.read(a, groups[1])}, {at.read(b, groups[1])})"
    return at.write(to, "pred", unordered if groups[0] == "nan" else f"!{unordered}")


@rule(rf"selp\.({INTEGER}|{BITS}|{FLOAT})")
def selection(at, groups, to, a, b, chosen):
    return at.write(to, groups[0], f"{at.read(chosen, 'pred')} ? {at.read(a, groups[0])} : {at.read(b, groups[0])}")


# 9.7.8: logic and shifts.


@rule(rf"(and|or|xor)\.({BITS}|pred)")
def logic(at, groups, to, a, b):
    sign = {"and": "&", "or": "|", "xor": "^"}[groups[0]]
    return at.write(to, groups[1], f"{at.read(a, groups[1])} {sign} {at.read(b, groups[1])}")


@rule(rf"not\.({BITS}|pred)")
def complement(at, groups, to, a):
    return at.write(to, groups[0], f"{'!' if groups[0] == 'pred' else '~'}{at.read(a, groups[0])}")


@rule(rf"(shl|shr)\.({BITS}|{INTEGER})")
def shift(at, groups, to, a, count):
    function = {"shl": "shifted_left", "shr": "shifted_right"}[groups[0]]
    return at.write(to, groups[1], f"{function}({at.read(a, groups[1])}, {at.read(count, 'u32')})")


# 9.7.9: moves, conversions, memory.


@rule(rf"mov\.({BITS}|{INTEGER}|{FLOAT}|pred)")
def move(at, groups, to, source):
    ptx_type = groups[0]
    if to.startswith("{"):
        return unpack(at, at.elements(to), source, ptx_type)
    if source.startswith("{"):
        return at.write(to, "b" + ptx_type[1:], packed(at, at.elements(source), ptx_type))
    return at.write(to, ptx_type, at.read(source, ptx_type))


def unpack(at, parts, source, ptx_type):
    whole, bits = "b" + ptx_type[1:], 8 * bytes_of(ptx_type) // len(parts)
    writes = [
        at.write(part, f"b{bits}", f"static_cast<uint{bits}_t>(whole >> {i * bits})") for i, part in enumerate(parts)
    ]
    return f"{{ const auto whole = {at.read(source, whole)}; {' '.join(writes)} }}"


def packed(at, parts, ptx_type):
    bits, cpp = 8 * bytes_of(ptx_type) // len(parts), CPP_TYPES["b" + ptx_type[1:]]
    return " | ".join(f"static_cast<{cpp}>({at.read(part, f'b{bits}')}) << {i * bits}" for i, part in enumerate(parts))


@rule(r"prmt\.b32")
def permuted_bytes(at, _, to, a, b, selector):
    return at.write(to, "b32", f"permuted_bytes({at.read_all((a, b, selector), 'b32')})")


@rule(r"cvta\.to\.global\.u64")
def global_address(at, _, to, a):
    return at.write(to, "u64", at.read(a, "u64"))  # generic addresses are those of global memory


@rule(r"cvt\.([us](?:8|16|32|64))\.([us](?:8|16|32|64))")
def integer_conversion(at, groups, to, a):
    return at.write(to, groups[0], f"static_cast<{CPP_TYPES[groups[0]]}>({at.read(a, groups[1])})")


@rule(rf"cvt\.rn\.({FLOAT})\.({INTEGER})")
def integer_to_float(at, groups, to, a):
    return at.write(to, groups[0], f"static_cast<{CPP_TYPES[groups[0]]}>({at.read(a, groups[1])})")


@rule(rf"cvt\.(rni|rzi|rmi|rpi)\.({INTEGER})\.({FLOAT})")
def float_to_integer(at, groups, to, a):
    function = {"rni": "std::nearbyint", "rzi": "std::trunc", "rmi": "std::floor", "rpi": "std::ceil"}[groups[0]]
    return at.write(to, groups[1], f"clamped<{CPP_TYPES[groups[1]]}>({function}({at.read(a, groups[2])}))")


@rule(r"cvt\.f64\.f32")
def widening(at, _, to, a):
    return at.write(to, "f64", f"static_cast<double>({at.read(a, 'f32')})")


@rule(r"cvt\.rn\.f32\.f64")
def narrowing(at, _, to, a):
    return at.write(to, "f32", f"static_cast<float>({at.read(a, 'f64')})")


@rule(r"cvt\.sat\.f32\.f32")
def saturation(at, _, to, a):
    return at.write(to, "f32", f"saturated({at.read(a, 'f32')})")


@rule(r"cvt\.rna\.tf32\.f32")
def rounding_to_tf32(at, _, to, a):
    return at.write(to, "b32", f"rounded_to_tf32({at.read(a, 'f32')})")


@rule(r"cvt\.rn\.f16x2\.f32")
def rounding_to_halves(at, _, to, high, low):
    return at.write(to, "b32", f"packed_halves({at.read(high, 'f32')}, {at.read(low, 'f32')})")


ELEMENT = r"[bus](?:8|16|32|64)|f32|f64"


@rule(rf"ld\.(param|shared|global|global\.nc)(\.v[24])?\.({ELEMENT})")
def load(at, groups, to, source):
    space, vector, ptx_type = groups
    targets = at.elements(to)
    if len(targets) != int((vector or ".v1")[2:]):
        raise ValueError("length of the vector")
    size = bytes_of(ptx_type)
    function = {
        "param": "read_parameters",
        "shared": "read_shared",
        "global": "read_global",
        "global.nc": "read_constant",
    }[space]
    writes = [
        at.write(target, ptx_type, f"element<{CPP_TYPES[ptx_type]}>(from + {i * size})")
        for i, target in enumerate(targets)
    ]
    bytes_read = size * len(targets)
    call = f"thread.{function}({at.address(source)}, {bytes_read}, {at.line})"
    return f"{{ const auto* from = {call}; {' '.join(writes)} }}"


@rule(rf"st\.(shared|global)(\.v[24])?\.({ELEMENT})")
def store(at, groups, to, source):
    space, vector, ptx_type = groups
    sources = at.elements(source)
    if len(sources) != int((vector or ".v1")[2:]):
        raise ValueError("length of the vector")
    size = bytes_of(ptx_type)
    writes = [f"set_element(to + {i * size}, {at.read(element, ptx_type)});" for i, element in enumerate(sources)]
    bytes_written = size * len(sources)
    return f"{{ auto* to = thread.write_{space}({at.address(to)}, {bytes_written}, {at.line}); {' '.join(writes)} }}"


@rule(r"cp\.async\.(ca|cg)\.shared\.global")
def start_copy(at, groups, to, source, size, source_size=None):
    sizes = {"ca": (4, 8, 16), "cg": (16,)}[groups[0]]
    if int(size) not in sizes or source_size not in (None, size):
        raise ValueError("size of the copy")
    return f"thread.start_copy({at.address(to)}, {at.address(source)}, {size}, {at.line});"


@rule(r"cp\.async\.commit_group")
def commit_copies(_at, _):
    return "thread.commit_copies();"


@rule(r"cp\.async\.wait_group")
def wait_for_copies(at, _, groups_left):
    return f"thread.wait_for_copies({int(groups_left)}, {at.line});"


@rule(r"cp\.async\.wait_all")
def wait_for_all_copies(at, _):
    return f"thread.commit_copies(); thread.wait_for_copies(0, {at.line});"


# 9.7.12, 9.7.13: control flow, barriers and what a warp does together.


@rule(r"bra(?:\.uni)?")
def branch(_at, _, label):
    return f"goto {label_name(label)};"


def label_name(label):
    return label.replace("$", "")


@rule(r"ret|exit")
def end(_at, _):
    return "return;"


@rule(r"trap")
def trap(at, _):
    return f'thread.fail({at.line}, "trap");'


@rule(r"bar\.sync|barrier\.sync\.aligned")
def block_barrier(at, _, number):
    if int(number) != 0:
        raise ValueError("number of the barrier")
    return f"thread.wait_for_block({at.line});"


@rule(r"bar\.warp\.sync")
def warp_barrier(at, _, mask):
    return f"thread.wait_for_warp({at.read(mask, 'b32')}, {at.line});"


@rule(r"shfl\.sync\.(up|down|bfly|idx)\.b32")
def shuffle(at, groups, to, value, offset, clamp, mask):
    register, _, inside = to.partition("|")
    call = f"thread.shuffle(Shuffle::{groups[0]}, {at.read_all((value, offset, clamp, mask), 'b32')}, {at.line})"
    second = at.write(inside, "pred", "got.inside") if inside else ""
    return f"{{ const auto got = {call}; {at.write(register, 'b32', 'got.value')} {second} }}"


# 9.7.14: matrices.


@rule(r"mma\.sync\.aligned\.(m16n8k8|m16n8k16)\.row\.col\.f32\.(tf32\.tf32|f16\.f16)\.f32")
def multiply_matrices(at, groups, to, a, b, c):
    function = {("m16n8k8", "tf32.tf32"): "multiply_tf32", ("m16n8k16", "f16.f16"): "multiply_fp16"}[groups]
    a, b, c, to = (at.elements(operand) for operand in (a, b, c, to))
    if [len(a), len(b), len(c), len(to)] != [4, 2, 4, 4]:
        raise ValueError("sizes of the fragments")
    fragments = f"{{{at.read_all(a, 'b32')}}}, {{{at.read_all(b, 'b32')}}}, {{{at.read_all(c, 'f32')}}}"
    call = f"thread.{function}({fragments}, {at.line})"
    return f"{{ const auto sums = {call}; {' '.join(at.write(x, 'f32', f'sums[{i}]') for i, x in enumerate(to))} }}"


@rule(r"ldmatrix\.sync\.aligned\.m8n8\.x4\.shared\.b16")
def load_matrices(at, _, to, row):
    to = at.elements(to)
    if len(to) != 4:
        raise ValueError("sizes of the fragments")
    call = f"thread.load_matrices({at.address(row)}, {at.line})"
    return f"{{ const auto pairs = {call}; {' '.join(at.write(x, 'b32', f'pairs[{i}]') for i, x in enumerate(to))} }}"
