#!/usr/bin/env python3
"""Measures `tutor bpf disasm` beside `llvm-objdump -d` on one object of many instructions, in turns, in one run.

    bpf/benches/disasm.py [--tutor PATH] [--objdump PATH] [--instructions N] [--rounds N]

It makes the object with clang, in a temporary folder. Both write to a pipe that is read to its end, as /dev/null
would let some programs skip work. It prints the median of each and their ratio, and exits 1 when tutor is slower.
"""
import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

# What compiled programs are made of, one of each kind that has a text of its own; every jump goes forward by one.
PATTERN = """\
	r1 = 10
	*(u16 *)(r10 - 4) = r1
	r1 = 560229490
	*(u32 *)(r10 - 8) = r1
	r1 = 8031924123371070824 ll
	*(u64 *)(r10 - 16) = r1
	r1 = r10
	r1 += -16
	r2 = 14
	call 6
	if r0 == 0 goto +0
	r3 = *(u32 *)(r1 + 8)
	r3 <<= 32
	r3 s>>= 32
	if r3 s> r2 goto +0
	lock *(u64 *)(r10 - 16) += r3
	r0 = 0
"""


def make_object(folder, count):
    lines = PATTERN.splitlines(keepends=True)
    body = "".join(lines[number % len(lines)] for number in range(count - 1))
    source = folder / "many.s"
    head = '\t.section xdp,"ax",@progbits\n\t.globl many\n\t.type many,@function\nmany:\n'
    source.write_text(f"{head}{body}\texit\n.Lend:\n\t.size many, .Lend-many\n")
    target = folder / "many.o"
    subprocess.run(["clang", "-target", "bpf", "-c", source, "-o", target], check=True)
    return target


def seconds(command):
    start = time.perf_counter()
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return time.perf_counter() - start, answer.stdout.count(b"\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tutor", default="target/release/tutor")
    parser.add_argument("--objdump", default="llvm-objdump")
    parser.add_argument("--instructions", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    if not pathlib.Path(options.tutor).exists():
        sys.exit(f"disasm.py: there is no `{options.tutor}`; build it with `cargo build --release`")
    with tempfile.TemporaryDirectory() as folder:
        target = make_object(pathlib.Path(folder), options.instructions)
        contestants = {
            "tutor bpf disasm": [options.tutor, "bpf", "disasm", target],
            "tutor bpf disasm --bytes": [options.tutor, "bpf", "disasm", "--bytes", target],
            "llvm-objdump -d": [options.objdump, "-d", target],
        }
        times = {name: [] for name in contestants}
        for _ in range(options.rounds):
            for name, command in contestants.items():
                taken, lines = seconds(command)
                if lines < options.instructions:
                    sys.exit(f"disasm.py: `{name}` printed {lines} lines only")
                times[name].append(taken)
    base = statistics.median(times["llvm-objdump -d"])
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"{name:26} {median * 1000:8.1f} ms  {median / base:5.2f} of llvm-objdump -d")
    # llvm-objdump shows bytes too, so that the run with --bytes is the one that does as much.
    slowest = max(statistics.median(times[name]) for name in times if name.startswith("tutor"))
    sys.exit(slowest > base)


main()
