#!/usr/bin/env python3
"""That the machine of tests/ptx finds faults: those of `ptx_samples`, and faults planted in the PTX of its kernels.

usage: PISR_BUILD=build/dev python3 tests/ptx/test_faults.py     the target pisr_ptx must be built there
"""

import concurrent.futures
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = pathlib.Path(os.environ.get("PISR_BUILD", ROOT / "build/dev")).resolve() / "tests/ptx"
ORDERS = ("forward", "reverse")

# Case of ptx_samples: what it must say. None: the processor stops it.
FAULTS = {
    "read_beyond_global": r"reads 8 bytes at 0x\w+, outside of every allocation of the device",
    "misaligned_global": r"reads 8 bytes at 0x\w+4, misaligned in global memory",
    "unwritten_global": r"reads 4 bytes at 0x\w+, where nothing was written to global memory",
    "released_global": r"reads 4 bytes at 0x\w+, outside of every allocation of the device",
    "host_pointer": r"reads 4 bytes at 0x\w+, outside of every allocation of the device",
    "host_reads_device": None,
    "constant_is_written": r"by ld.global.nc what the same launch writes to global memory",
    "write_beyond_shared": r"writes 8 bytes at 0x440, outside of the 64 bytes of shared memory",
    "misaligned_shared": r"writes 8 bytes at 0x404, misaligned in shared memory",
    "read_before_wait": r"reads 4 bytes at 0x\w+, where a copy that was not waited for may still write",
    "never_waited": r"ends with a copy it has not waited for",
    "no_barrier": r"shared memory by thread \d+ at line \d+, with no barrier between",
    "no_warp_barrier": r"shared memory by thread \d+ at line \d+, with no barrier between",
    "barriers_differ": r"waits at another barrier than thread \d+, which is at line \d+",
    "lanes_at_other_instructions": r"other lanes of the warp wait at another instruction, in line \d+",
    "lanes_ended": r"a deadlock: waits for threads that never come",
    "part_of_a_warp": r"an instruction of a whole warp in one of 31 lanes",
    "shared_without_opt_in": r"bytes of dynamic shared memory must be at most 48128, got 49152 beside 1024 of constant size",
    "shared_beyond_opt_in": r"bytes of dynamic shared memory must be at most 102400, got 103424",
    "opt_in_too_large": r"232448 bytes of dynamic shared memory beside 1024 of constant size, at most 232448 together",
    "too_many_threads": r"threads of a block must be at most 128, got 129",
    "too_many_blocks": r"blocks in y and z must be at most 65535, got 65536",
    "too_many_parameters": r"bytes of parameters must be at most 4096, got 4112",
    "threads_in_z": r"threads in z must be at most 64, got 65",
    "no_blocks": r"a launch without blocks or threads",
    "too_large_allocation": r"^out of memory$",
    "copy_beyond_device": r"cudaMemcpyAsync: 12 bytes outside of every allocation of the device",
    "allocation_captured": r"cudaMalloc while work is captured",
    "release_captured": r"cudaFree while work is captured",
    "host_copy_captured": r"a copy from or to the host while work is captured",
    "wait_captured": r"cudaStreamSynchronize while work is captured",
}

# A fault: what is replaced in the PTX of the samples, by what, and what "sound" must then say.
MMA_TF32 = r"(mma\S+m16n8k8\S+ \{[^}]*\}, )\{(%r\d+), (%r\d+), (%r\d+), (%r\d+)\}, \{(%r\d+), (%r\d+)\}"
MMA_FP16 = MMA_TF32.replace("m16n8k8", "m16n8k16")
PLANTED = {
    "rows of a swapped, TF32": (MMA_TF32, r"\1{\3, \2, \4, \5}, {\6, \7}", r"wrong: multiply_tf32: element \d+"),
    "columns of a swapped, TF32": (MMA_TF32, r"\1{\2, \5, \4, \3}, {\6, \7}", r"wrong: multiply_tf32: element \d+"),
    "b swapped, TF32": (MMA_TF32, r"\1{\2, \3, \4, \5}, {\7, \6}", r"wrong: multiply_tf32: element \d+"),
    "sums swapped, TF32": (
        r"(m16n8k8\S+) \{(%f\d+), (%f\d+), ",
        r"\1 {\3, \2, ",
        r"wrong: multiply_tf32: element \d+",
    ),
    "rows of a swapped, fp16": (MMA_FP16, r"\1{\3, \2, \4, \5}, {\6, \7}", r"wrong: multiply_fp16: element \d+"),
    "b swapped, fp16": (MMA_FP16, r"\1{\2, \3, \4, \5}, {\7, \6}", r"wrong: multiply_fp16: element \d+"),
    "matrices swapped": (
        r"(ldmatrix\S+) \{(%r\d+), (%r\d+), (%r\d+), ",
        r"\1 {\2, \4, \3, ",
        r"wrong: multiply_fp16: element",
    ),
    "a row of a matrix misaligned": (r"(ldmatrix.*)\]", r"\1+8]", r"loads a row of 16 bytes at 0x\w+, misaligned"),
    "no wait": (r"cp\.async\.wait_group\s+0;", "", r"where a copy that was not waited for may still write"),
    "a wait for too little": (
        r"cp\.async\.wait_group\s+0;",
        "cp.async.wait_group 1;",
        r"a copy that was not waited for",
    ),
    "no commit": (r"cp\.async\.commit_group;", "", r"where a copy that was not waited for may still write"),
    "a copy misaligned": (
        r"(cp\.async\S+ \[%r\d+)\]",
        r"\1+2]",
        r"copies to 4 bytes at 0x\w+, misaligned in shared memory",
    ),
    "no barrier of the warp": (r"bar\.warp\.sync[^;]*;", "", r"with no barrier between"),
    "a pair misaligned": (
        r"(st\.shared\.v2\.f32\s+\[%r\d+)\]",
        r"\1+-4]",
        r"writes 8 bytes at 0x\w+, misaligned in shared memory",
    ),
    "a pair out of bounds": (
        r"(st\.shared\.v2\.f32\s+\[%r\d+)\]",
        r"\1+8]",
        r"writes 8 bytes at 0x440, outside of the 64 bytes",
    ),
    "another member of a parameter": (
        r"(ld\.param\.f64\s+%fd\d+, \[\S+MixedE\S+)\+8\]",
        r"\1+16]",
        r"wrong: read_parameters: element 2",
    ),
    "beyond the parameters": (
        r"(ld\.param\.u64\s+%rd1, \[_ZN4pisr11ptx_samples14of_128_threads\S+)\]",
        r"\1+8]",
        r"outside of the parameters",
    ),
    "a shuffle the other way": (r"shfl\.sync\.up", "shfl.sync.down", r"wrong: compute: element 19"),
    "a product of the wrong half": (r"mul\.hi\.u32", "mul.lo.u32", r"wrong: compute: element \d"),
    "too many threads": (r"\.maxntid 128", ".maxntid 64", r"threads of a block must be at most 64, got 128"),
}


def run(*command, **environment):
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=60, check=False
    )


def planted(name, folder):
    """Runs "sound" with the fault; the result of the program, or of the step before that failed."""
    pattern, replacement, _ = PLANTED[name]
    text = (BUILD / "sample_kernels/sample_kernels.ptx").read_text()
    changed, count = re.subn(pattern, replacement, text)
    if count == 0 or changed == text:
        raise ValueError(f"'{name}' changes nothing")
    stem = pathlib.Path(folder) / re.sub(r"\W+", "_", name)
    ptx, cpp, program = (stem.with_suffix(suffix) for suffix in (".ptx", ".cpp", ".out"))
    ptx.write_text(changed)
    steps = [
        (sys.executable, HERE / "translator/translate.py", ptx, cpp),
        (
            "g++",
            "-std=c++20",
            "-O0",
            "-ffp-contract=off",
            f"-I{ROOT}",
            cpp,
            BUILD / "libpisr_ptx_samples_without_kernels.a",
            "-o",
            program,
        ),
    ]
    for step in steps:
        result = run(*step)
        if result.returncode != 0:
            return result
    return run(program, "sound")


class Faults(unittest.TestCase):
    def test_samples_without_a_fault_run_in_every_order(self):
        for order in ORDERS:
            with self.subTest(order=order):
                result = run(BUILD / "ptx_samples", "sound", PISR_PTX_ORDER=order)
                self.assertEqual((result.returncode, result.stdout), (0, "right\n"), result.stderr)

    def test_every_case_is_listed_here(self):
        cases = run(BUILD / "ptx_samples").stdout.split()
        self.assertEqual(sorted(cases), sorted([*FAULTS, "sound"]))

    def test_each_fault_is_found_in_every_order(self):
        for case, message in FAULTS.items():
            for order in ORDERS:
                with self.subTest(case=case, order=order):
                    result = run(BUILD / "ptx_samples", case, PISR_PTX_ORDER=order)
                    self.assertNotEqual(result.returncode, 0)
                    if message is None:
                        self.assertEqual(result.returncode, -signal.SIGSEGV)
                    else:
                        self.assertRegex(result.stderr, message)

    def test_an_unknown_order_is_an_error(self):
        result = run(BUILD / "ptx_samples", "sound", PISR_PTX_ORDER="sideways")
        self.assertIn("PISR_PTX_ORDER must be forward or reverse, got 'sideways'", result.stderr)

    def test_each_fault_planted_in_ptx_is_found(self):
        with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = dict(zip(PLANTED, pool.map(lambda name: planted(name, folder), PLANTED)))
        for name, result in results.items():
            with self.subTest(fault=name):
                self.assertNotEqual(result.returncode, 0)
                self.assertRegex(result.stdout + result.stderr, PLANTED[name][2])


if __name__ == "__main__":
    unittest.main()
