#!/usr/bin/env python3
"""Translates the PTX of one .cu file into C++ for the machine of tests/ptx/machine.

usage: translate.py FILE.ptx FILE.cpp

Each kernel becomes a function of a thread. Exit code 1 and one line on stderr where an instruction is not known.
"""

import pathlib
import re
import sys

import instructions
from operands import Operands, cpp_name, storage_type
from ptx_source import Instruction, Label, Unsupported, read_module

NAME = re.compile(r"[\w$]+")
REGISTERS_A_LINE = 16


def names_in(kernel):
    names = set()
    for statement in kernel.statements:
        if isinstance(statement, Instruction):
            for operand in statement.operands:
                names.update(NAME.findall(operand))
    return names


def shared_layout(module, kernel):
    """Addresses of the shared arrays that the kernel names, and the bytes of those of constant size."""
    named = names_in(kernel)
    addresses, end = {}, 0
    for array in module.shared_arrays + kernel.shared_arrays:
        if array.name not in named:
            continue
        if array.size is None:
            addresses[array.name] = "thread.dynamic_shared()"
            continue
        offset = (end + array.alignment - 1) // array.alignment * array.alignment
        addresses[array.name] = f"kSharedBase + {offset}"
        end = offset + array.size
    return addresses, end


def declarations(kernel):
    """The registers, grouped by type. They begin as what is of no use as a number, an address or an index."""
    by_type = {}
    for name, ptx_type in kernel.registers.items():
        by_type.setdefault(storage_type(ptx_type), []).append(cpp_name(name))
    for storage, names in by_type.items():
        for start in range(0, len(names), REGISTERS_A_LINE):
            values = ", ".join(f"{name} = poison_{storage}" for name in names[start : start + REGISTERS_A_LINE])
            yield f"  {storage} {values};"


def function_of(kernel, number, addresses):
    operands = Operands(kernel, addresses)
    yield f"// {kernel.name}"
    yield f"void kernel_{number}(Thread& thread) {{"
    yield from declarations(kernel)
    for statement in kernel.statements:
        if isinstance(statement, Label):
            yield f"{instructions.label_name(statement.name)}:;"
        else:
            yield f"  {instructions.translate(statement, operands)}"
    yield "}"


def translate(text, file_name):
    """The C++ of the PTX in `text`; `file_name` is named in messages of the machine."""
    module = read_module(text)
    lines = ['#include "tests/ptx/machine/translated.h"', "", "namespace pisr::ptx {", "namespace {", ""]
    entries = []
    for number, kernel in enumerate(module.kernels):
        addresses, static_bytes = shared_layout(module, kernel)
        lines.extend(function_of(kernel, number, addresses))
        parameters = ", ".join(f"{{{p.offset}, {p.size}}}" for p in kernel.parameters)
        entries.append(
            f'  {{"{kernel.name}", "{file_name}", kernel_{number}, {static_bytes}, {kernel.parameter_bytes}, '
            f"{{{parameters}}}, {kernel.most_threads}}},"
        )
    if entries:
        lines += ["", "const Registration registration{{", *entries, "}};"]
    return "\n".join([*lines, "", "}  // namespace", "}  // namespace pisr::ptx", ""])


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, target = map(pathlib.Path, sys.argv[1:])
    try:
        target.write_text(translate(source.read_text(), source.name))
    except Unsupported as error:
        sys.exit(f"translate.py: error: {source.name}:{error.line}: not supported: {error.what}")


if __name__ == "__main__":
    main()
