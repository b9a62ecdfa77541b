"""Operands of PTX as expressions of C++: registers, numbers, addresses."""

import re

from ptx_source import bytes_of, split_operands

CPP_TYPES = {
    "pred": "bool",
    "s8": "int8_t", "u8": "uint8_t", "b8": "uint8_t",
    "s16": "int16_t", "u16": "uint16_t", "b16": "uint16_t",
    "s32": "int32_t", "u32": "uint32_t", "b32": "uint32_t", "f32": "float",
    "s64": "int64_t", "u64": "uint64_t", "b64": "uint64_t", "f64": "double",
}  # fmt: skip
FLOATS = ("float", "double")
SPECIAL = re.compile(r"%(tid|ntid|ctaid|nctaid)\.([xyz])")
INTEGER = re.compile(r"-?(0[xX][0-9a-fA-F]+|\d+)U?")
FLOAT_BITS = re.compile(r"0[fF]([0-9a-fA-F]{8})|0[dD]([0-9a-fA-F]{16})")
ADDRESS = re.compile(r"\[\s*([^\s+\]]+)\s*(?:\+\s*(-?\d+)\s*)?\]")


def storage_type(ptx_type):
    """The type of a register in C++: signs are a matter of the instruction."""
    cpp = CPP_TYPES[ptx_type]
    return cpp if cpp in FLOATS or cpp == "bool" else f"uint{8 * bytes_of(ptx_type)}_t"


def cpp_name(ptx_name):
    """ "%r12" -> "r12", "$L__BB0_3" -> "L__BB0_3" """
    return ptx_name.lstrip("%$").replace("$", "_")


def constant(text, cpp):
    """A literal of type `cpp`, or None where `text` is no number."""
    if match := FLOAT_BITS.fullmatch(text):
        single, double = match.groups()
        if cpp not in FLOATS or (cpp == "float") != bool(single):
            return None
        return f"from_bits<float>(0x{single}U)" if single else f"from_bits<double>(0x{double}ULL)"
    if not INTEGER.fullmatch(text):
        return None
    value = int(text.rstrip("U"), 0)
    if cpp in FLOATS:
        return None
    if cpp == "bool":
        return "true" if value else "false"
    return f"static_cast<{cpp}>(0x{value % 2**64:x}ULL)"


class Operands:
    """Knows the names of one kernel. Raises ValueError for an operand it cannot express."""

    def __init__(self, kernel, shared_addresses):
        """`shared_addresses`: name of a shared array to its address in C++."""
        self.storage = {name: storage_type(ptx_type) for name, ptx_type in kernel.registers.items()}
        self.parameters = {parameter.name: parameter.offset for parameter in kernel.parameters}
        self.shared_addresses = shared_addresses

    def read(self, operand, ptx_type):
        """An expression of the type `ptx_type`."""
        cpp = CPP_TYPES[ptx_type]
        if operand in self.storage:
            return self.converted(cpp_name(operand), self.storage[operand], cpp)
        number = constant(operand, cpp)
        if number is not None:
            return number
        if match := SPECIAL.fullmatch(operand):
            return f"static_cast<{cpp}>(thread.{match.group(1)}.{match.group(2)})"
        if operand == "%laneid":
            return f"static_cast<{cpp}>(thread.lane)"
        return f"static_cast<{cpp}>({self.symbol_address(operand)})"

    def symbol_address(self, name):
        if name in self.parameters:
            return f"kParameterBase + {self.parameters[name]}"
        if name in self.shared_addresses:
            return self.shared_addresses[name]
        raise ValueError(f"operand '{name}'")

    @staticmethod
    def converted(expression, storage, cpp):
        if storage == cpp:
            return expression
        if (storage in FLOATS) != (cpp in FLOATS):
            return f"from_bits<{cpp}>({expression})"
        return f"static_cast<{cpp}>({expression})"

    def write(self, register, ptx_type, expression):
        """An assignment of an expression of the type `ptx_type`; "_" takes nothing."""
        if register == "_":
            return ""
        if register not in self.storage:
            raise ValueError(f"destination '{register}'")
        storage, cpp = self.storage[register], CPP_TYPES[ptx_type]
        if storage != cpp and storage not in FLOATS and cpp not in FLOATS:
            # A narrow number is extended by its sign into a wider register.
            expression = f"static_cast<{cpp}>({expression})"
        return f"{cpp_name(register)} = {self.converted(expression, storage=cpp, cpp=storage)};"

    def address(self, operand):
        """ "[%rd1+8]" -> an expression of 64 bits"""
        match = ADDRESS.fullmatch(operand)
        if not match:
            raise ValueError(f"address '{operand}'")
        base, offset = match.groups()
        start = self.read(base, "u64")
        return f"{start} + uint64_t({offset})" if offset else start

    @staticmethod
    def elements(operand):
        """ "{%r1, %r2}" -> ("%r1", "%r2")"""
        if operand.startswith("{") and operand.endswith("}"):
            return split_operands(operand[1:-1])
        return (operand,)
