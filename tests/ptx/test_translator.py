#!/usr/bin/env python3
"""The translator from PTX to C++: what it reads, and that what it does not know is an error with instruction and line.

usage: python3 tests/ptx/test_translator.py
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

TRANSLATOR = pathlib.Path(__file__).resolve().parent / "translator"
sys.path.insert(0, str(TRANSLATOR))
import ptx_source  # noqa: E402
import translate  # noqa: E402

HEADER = """//
// A comment of
/* two lines
*/
.version 9.0
.target sm_90
.address_size 64
"""
# The body of a kernel begins in line 19.
REGISTERS = ".reg .pred %p<4>;\n.reg .b16 %rs<4>;\n.reg .f32 %f<20>;\n.reg .b32 %r<20>;\n.reg .b64 %rd<9>;\n.reg .f64 %fd<4>;\n"


def kernel(body, parameters=".param .u64 to", limits=".maxntid 256, 1, 1"):
    return f"{HEADER}.visible .entry k(\n{parameters}\n)\n{limits}\n{{\n{REGISTERS}{body}\nret;\n}}\n"


def statements(body):
    """The C++ of the statements of a kernel, without its end."""
    lines = translate.translate(kernel(body), "k.ptx").split("\n")
    first = max(i for i, line in enumerate(lines) if "poison_" in line) + 1
    return [line.strip() for line in lines[first : lines.index("  return;")]]


class Reading(unittest.TestCase):
    def test_parameters_are_laid_out_by_alignment(self):
        parameters = ".param .u8 a,\n.param .align 8 .b8 b[12],\n.param .u16 c,\n.param .f64 d"
        read = ptx_source.read_module(kernel("", parameters)).kernels[0]
        self.assertEqual([(p.offset, p.size) for p in read.parameters], [(0, 1), (8, 12), (20, 2), (24, 8)])
        self.assertEqual(read.parameter_bytes, 32)

    def test_limits_of_a_block(self):
        for limits, most in (("", 1024), (".maxntid 256, 1, 1\n.minnctapersm 1", 256), (".maxntid 8, 4, 2", 64)):
            self.assertEqual(ptx_source.read_module(kernel("", limits=limits)).kernels[0].most_threads, most)

    def test_shared_arrays_of_a_kernel_lie_behind_each_other(self):
        arrays = ".shared .align 4 .b8 one[20];\n.shared .align 16 .b8 two[8];\n"
        source = (
            HEADER
            + ".shared .align 4 .b8 unused[99];\n"
            + kernel(arrays + "mov.u32 %r1, one;\nmov.u32 %r2, two;")[len(HEADER) :]
        )
        text = translate.translate(source, "k.ptx")
        self.assertIn("r1 = static_cast<uint32_t>(kSharedBase + 0);", text)
        self.assertIn("r2 = static_cast<uint32_t>(kSharedBase + 32);", text)
        self.assertIn('{"k", "k.ptx", kernel_0, 40, 8, {{0, 8}}, 256}', text)

    def test_dynamic_shared_memory_has_its_own_address(self):
        source = HEADER + ".extern .shared .align 16 .b8 all[];\n" + kernel("mov.u32 %r1, all;")[len(HEADER) :]
        self.assertIn("r1 = static_cast<uint32_t>(thread.dynamic_shared());", translate.translate(source, "k.ptx"))

    def test_registers_in_braces_are_other_ones(self):
        body = "{ .reg .b32 %r1; mov.u32 %r1, 5; { mov.u32 %r2, %r1; } }\nmov.u32 %r3, %r1;"
        inner = "%r1_of_line_19"
        lines = statements(body)
        name = inner.strip("%")
        self.assertEqual(lines, [f"{name} = static_cast<uint32_t>(0x5ULL);", f"r2 = {name};", "r3 = r1;"])

    def test_labels_and_guards(self):
        self.assertEqual(
            statements("$L__BB0_1:\n@!%p1 bra.uni $L__BB0_1;\n@%p2 trap;"),
            ["L__BB0_1:;", "if (!p1) { goto L__BB0_1; }", 'if (p2) { thread.fail(21, "trap"); }'],
        )


class Translation(unittest.TestCase):
    def test_statements(self):
        for ptx, cpp in {
            "add.s32 %r1, %r2, -1;": "r1 = r2 + static_cast<uint32_t>(0xffffffffffffffffULL);",
            "mul.wide.s32 %rd1, %r2, 8;": "rd1 = static_cast<uint64_t>(static_cast<int64_t>(static_cast<int64_t>"
            "(static_cast<int32_t>(r2)) * static_cast<int64_t>(static_cast<int32_t>(0x8ULL))));",
            "shr.s32 %r1, %r2, 31;": "r1 = static_cast<uint32_t>(static_cast<int32_t>(shifted_right(static_cast<int32_t>(r2), "
            "static_cast<uint32_t>(0x1fULL))));",
            "fma.rn.f32 %f1, %f2, 0f3F800000, %f3;": "f1 = std::fma(f2, from_bits<float>(0x3F800000U), f3);",
            "fma.rm.f32 %f1, %f2, %f3, %f4;": "f1 = fma_rounded(FE_DOWNWARD, f2, f3, f4);",
            "setp.geu.f32 %p1, %f1, %f2;": "p1 = !(f1 < f2);",
            "setp.neu.f32 %p1, %f1, %f2;": "p1 = !(f1 == f2);",
            "setp.lt.u32 %p1, %r1, %r2;": "p1 = r1 < r2;",
            "selp.f32 %f1, %f2, %f3, %p1;": "f1 = p1 ? f2 : f3;",
            "mov.b32 %f1, %r1;": "f1 = from_bits<float>(r1);",
            "mov.b64 {%r1, _}, %fd1;": "{ const auto whole = from_bits<uint64_t>(fd1); r1 = static_cast<uint32_t>(whole >> 0);  }",
            "ld.global.nc.v2.u32 {%r1,%r2}, [%rd1+8];": "{ const auto* from = thread.read_constant(rd1 + uint64_t(8), 8, 19); "
            "r1 = element<uint32_t>(from + 0); r2 = element<uint32_t>(from + 4); }",
            "ld.param.s8 %rs1, [to+-3];": "{ const auto* from = thread.read_parameters(static_cast<uint64_t>(kParameterBase + 0) + "
            "uint64_t(-3), 1, 19); rs1 = static_cast<uint16_t>(static_cast<int8_t>(element<int8_t>(from + 0))); }",
            "st.shared.f32 [%r1], 0f00000000;": "{ auto* to = thread.write_shared(static_cast<uint64_t>(r1), 4, 19); "
            "set_element(to + 0, from_bits<float>(0x00000000U)); }",
            "cp.async.cg.shared.global [%r1], [%rd1], 16, 16;": "thread.start_copy(static_cast<uint64_t>(r1), rd1, 16, 19);",
            "cp.async.wait_group 2;": "thread.wait_for_copies(2, 19);",
            "bar.sync 0;": "thread.wait_for_block(19);",
        }.items():
            with self.subTest(ptx=ptx):
                self.assertEqual(statements(ptx), [cpp])


class Refusals(unittest.TestCase):
    def assert_refused(self, source, line, what):
        with self.assertRaises(ptx_source.Unsupported) as raised:
            translate.translate(source, "k.ptx")
        self.assertEqual(raised.exception.line, line)
        self.assertIn(what, raised.exception.what)

    def test_instructions_that_are_not_known(self):
        for opcode in (
            "wgmma.fence.sync.aligned",
            "add.sat.s32",
            "ld.volatile.global.u32",
            "st.global.wb.u32",
            "atom.global.add.f32",
            "cvt.rn.bf16.f32",
            "mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16",
            "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16",
            "fma.rn.ftz.f32",
            "setp.eq.and.s32",
            "cp.async.bulk.commit_group",
            "bar.red.popc.u32",
            "vote.sync.any.pred",
        ):
            with self.subTest(opcode=opcode):
                self.assert_refused(kernel(f"mov.u32 %r1, 0;\n{opcode} %r1, %r2, %r3;"), 20, f"instruction '{opcode}'")

    def test_operands_that_are_not_known(self):
        for instruction, what in {
            "add.s32 %r1, %r2": "add.s32 %r1, %r2",
            "add.s32 %r1, %r2, %r3, %r4": "add.s32",
            "mov.u32 %r1, %clock": "%clock",
            "mov.u32 %r1, %r99": "%r99",
            "add.s32 %x1, %r1, %r2": "%x1",
            "mov.f32 %f1, 0d3FF0000000000000": "0d3FF0000000000000",
            "ld.global.v4.f32 {%f1, %f2}, [%rd1]": "length of the vector",
            "ld.global.f32 %f1, [%rd1][2]": "address",
            "cp.async.ca.shared.global [%r1], [%rd1], 2, 2": "size of the copy",
            "cp.async.cg.shared.global [%r1], [%rd1], 8, 8": "size of the copy",
            "cp.async.ca.shared.global [%r1], [%rd1], 16, 8": "size of the copy",
            "bar.sync 1": "number of the barrier",
            "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%f1, %f2, %f3, %f4}, {%r1, %r2}, {%r3, %r4}, {%f1, %f2, %f3, %f4}": "fragments",
            "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%f1, %f2, %f3, %f4}, {%r1, %r2, %r3, %r4}, {%r5, %r6}, {%f1, %f2, %f3, %f4}": "mma",
        }.items():
            with self.subTest(instruction=instruction):
                self.assert_refused(kernel(instruction + ";"), 19, what)

    def test_declarations_that_are_not_known(self):
        for body, line, what in (
            (".local .align 4 .b8 depot[16];", 19, ".local"),
            (".reg .b128 %q<3>;", 19, ".b128"),
            ("call.uni (retval0), f, (param0);", 19, "instruction 'call.uni'"),
        ):
            with self.subTest(body=body):
                self.assert_refused(kernel(body), line, what)
        self.assert_refused(kernel("").rsplit("}", 1)[0], 8, "a kernel without end")
        self.assert_refused(HEADER + ".global .align 4 .f32 sum;\n", 8, ".global .align 4")
        self.assert_refused(HEADER + ".func f()\n{\nret;\n}\n", 8, ".func f()")
        self.assert_refused(kernel("", limits=".reqntid 32, 1, 1"), 8, ".reqntid")
        self.assert_refused(kernel("", parameters=".param .texref to"), 8, ".texref")

    def test_the_program_says_file_line_and_instruction(self):
        with tempfile.TemporaryDirectory() as folder:
            source, target = pathlib.Path(folder) / "k.ptx", pathlib.Path(folder) / "k.cpp"
            source.write_text(kernel("\n\nwgmma.fence.sync.aligned;"))
            command = [sys.executable, TRANSLATOR / "translate.py", source, target]
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            self.assertEqual(result.returncode, 1)
            self.assertEqual(
                result.stderr, "translate.py: error: k.ptx:21: not supported: instruction 'wgmma.fence.sync.aligned'\n"
            )
            self.assertFalse(target.exists())


if __name__ == "__main__":
    unittest.main()
