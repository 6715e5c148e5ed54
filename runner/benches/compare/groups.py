"""What is measured: each group makes its rows, the contestants of a row taking turns."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import contestants
from contestants import Failure, Shape
from measure import peaks, run
from table import Row, shown
from tools import ROOT, Tool, bash, target

MB = 1_000_000


@dataclass(frozen=True)
class Bench:
    """What all groups need."""

    scratch: Path
    environment: dict
    rounds: int
    quick: bool
    tutor: Tool
    cram: Tool
    scrut: Tool
    vng: Tool
    kernel: Path | None

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def judge(self, row: Row, goal: str, met: bool | None):
        """A goal is about the full size and about nothing smaller."""
        row.goal = goal
        row.met = None if self.quick or row.trouble else met

    def note(self, text: str):
        print(f"compare: {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Entry:
    """A contestant with what it has to run, and the row that it fills."""

    contestant: contestants.Contestant
    shape: Shape
    row: Row

    def folder(self, bench: Bench) -> Path:
        return bench.scratch / f"{self.shape.lessons}x{self.shape.steps}" / type(self.contestant).__name__


def enter(bench: Bench, group: str, shape: Shape, kinds):
    entries = []
    for kind, tool in kinds:
        contestant = kind(tool, bench.environment)
        entries.append(Entry(contestant, shape, Row(group, contestant.name(shape), "s")))
    return entries


def steps(bench: Bench):
    """Many steps in one lesson."""
    shape = Shape(lessons=1, steps=bench.size(1000, 20))
    group = f"{shape.steps} steps `echo N` in one lesson"
    kinds = [
        (contestants.Tutor, bench.tutor),
        (contestants.Bash, bash()),
        (contestants.Cram, bench.cram),
        (contestants.CramBash, bench.cram),
        (contestants.Scrut, bench.scrut),
        (contestants.ScrutMarkdown, bench.scrut),
    ]
    rows = race(bench, enter(bench, group, shape, kinds))
    tutor, per_process, cram, cram_bash = rows[:4]
    against(bench, tutor, per_process, "tutor takes at most 1/10", lambda ratio: ratio <= 0.1)
    # Like for like: lessons are bash.
    against(bench, tutor, cram_bash, "tutor takes at most 1.5 times", lambda ratio: ratio <= 1.5)
    for row in [cram, *rows[4:]]:
        against(bench, tutor, row)
    return rows


def lessons(bench: Bench):
    """Many lessons of a few steps, two at a time."""
    shape = Shape(lessons=bench.size(200, 4), steps=5, jobs=2)
    group = f"{shape.lessons} lessons of {shape.steps} steps"
    kinds = [
        (contestants.Tutor, bench.tutor),
        (contestants.Bash, bash()),
        (contestants.Cram, bench.cram),
        (contestants.CramSideBySide, bench.cram),
        (contestants.Scrut, bench.scrut),
        (contestants.ScrutSideBySide, bench.scrut),
        (contestants.ScrutMarkdown, bench.scrut),
    ]
    rows = race(bench, enter(bench, group, shape, kinds))
    for (kind, _), row in zip(kinds[1:], rows[1:]):
        if kind in (contestants.CramSideBySide, contestants.ScrutSideBySide):
            against(bench, rows[0], row)
        else:
            against(bench, rows[0], row, "tutor is faster", lambda ratio: ratio < 1)
    return rows


def guards(bench: Bench):
    """What it costs to confine steps, beside what only guards them, and neither."""
    rows = []
    for count, steps, jobs in [(200, 5, 2), (1, 1, 1), (1, 1000, 1)]:
        shape = Shape(lessons=bench.size(count, min(count, 4)), steps=bench.size(steps, min(steps, 20)), jobs=jobs)
        group = f"{shape.lessons} lessons of {shape.steps} steps, confined or not"
        kinds = [
            (contestants.Tutor, bench.tutor),
            (contestants.TutorTrusted, bench.tutor),
            (contestants.TutorUnconfined, bench.tutor),
            (contestants.Cram, bench.cram),
        ]
        found = race(bench, enter(bench, group, shape, kinds))
        confined, trusted, without, cram = found
        against(bench, confined, cram, "tutor is faster" if count > 1 else "", lambda ratio: ratio < 1)
        for row in [confined, trusted]:
            if row.values and without.values:
                more = (row.median - without.median) / shape.lessons * 1000
                row.compared = f"{more:.2f} ms a lesson more than with `--unconfined`"
        rows += found
    return rows


def race(bench: Bench, entries):
    """Runs all once unmeasured, then round after round, taking turns."""
    ready = [entry for entry in entries if made_ready(bench, entry)]
    for round_number in range(bench.rounds + 1):
        bench.note(f"{entries[0].row.group}: round {round_number} of {bench.rounds}")
        for entry in ready:
            timed(bench, entry, warm_up=round_number == 0)
    for entry in ready:
        shutil.rmtree(entry.folder(bench))
    return [entry.row for entry in entries]


def made_ready(bench: Bench, entry: Entry) -> bool:
    contestant, folder = entry.contestant, entry.folder(bench)
    if contestant.tool.path is None:
        entry.row.trouble = contestant.tool.missing
        return False
    contestant.write(folder, entry.shape)
    try:
        contestant.prepare(folder, entry.shape)
    except Failure as failure:
        fail(entry.row, str(failure))
        return False
    return True


def timed(bench: Bench, entry: Entry, warm_up: bool):
    contestant, shape, row = entry.contestant, entry.shape, entry.row
    folder = entry.folder(bench)
    outcome = run(contestant.command(folder, shape), folder, bench.environment)
    try:
        passed = contestant.passed(outcome, shape)
    except (ValueError, KeyError, TypeError) as error:
        fail(row, f"what it printed could not be read: {error}")
        return
    if outcome.status != 0 or passed != shape.total:
        fail(row, f"status {outcome.status}, {passed} of {shape.total} passed: {outcome.complaint()}")
    elif not warm_up:
        row.values.append(outcome.seconds)


def fail(row: Row, trouble: str):
    row.trouble = row.trouble or trouble
    row.failed = True


def against(bench: Bench, tutor: Row, other: Row, goal: str = "", reached=None):
    """Says how many times as long as another runner `tutor` takes."""
    ratio = None
    if tutor.values and other.values:
        ratio = tutor.median / other.median
        other.compared = f"tutor takes {ratio:.3f} of this"
    if goal:
        bench.judge(other, goal, reached(ratio) if ratio is not None else None)


def startup(bench: Bench):
    """How much longer than nothing at all."""
    group = "start-up, output to /dev/null"
    commands = [
        ("`/bin/true`", ["/bin/true"]),
        ("`tutor --version`", [bench.tutor.path, "--version"]),
        ("`tutor list`", [bench.tutor.path, "list"]),
    ]
    rows = [Row(group, name, "s") for name, _ in commands]
    if bench.tutor.path is None:
        rows[1].trouble = rows[2].trouble = bench.tutor.missing
        commands = commands[:1]
    for turn in range(bench.rounds * bench.size(40, 5) + 1):
        for row, (_, command) in zip(rows, commands):
            outcome = silent(bench, command)
            if outcome.status != 0:
                fail(row, f"status {outcome.status}: {outcome.complaint()}")
            elif turn > 0:
                row.values.append(outcome.seconds)
    for row in rows[1:]:
        if row.values:
            more = row.median - rows[0].median
            row.compared = f"{shown(more, 's')} more than `/bin/true`"
            row.goal = "at most 5 ms more"
            row.met = more <= 0.005
    return rows


def silent(bench: Bench, command):
    return run(command, bench.scratch, bench.environment)


# A gigabyte, once in lines and once in a single line that never ends.
PRINTERS = [
    ("in lines", "yes 'a line of forty characters, or nearly so' | head -c {bytes}"),
    ("in one line", "head -c {bytes} /dev/zero | tr '\\0' a"),
]


def memory(bench: Bench):
    """The peak of each process while a step prints very much."""
    size = bench.size(1000 * MB, 10 * MB)
    group = f"memory, a step that prints {size // MB} MB"
    rows = []
    for how, script in PRINTERS:
        pair = {"tutor": Row(group, f"`tutor`, {how}", "bytes"), "agent": Row(group, f"its agent, {how}", "bytes")}
        rows.extend(pair.values())
        if bench.tutor.path is None:
            for row in pair.values():
                row.trouble = bench.tutor.missing
            continue
        printing(bench, script.format(bytes=size), pair)
        for row in pair.values():
            bench.judge(row, "under 64 MB", bool(row.values) and max(row.values) < 64 * MB)
    return rows


def printing(bench: Bench, script: str, rows: dict):
    folder = bench.scratch / "printing"
    shape = Shape(lessons=1, steps=1)
    tutor = contestants.Tutor(bench.tutor, bench.environment)
    tutor.write(folder, shape)
    page = folder / "lessons" / "lesson-0001.md"
    page.write_text(page.read_text().replace("echo 1", script).replace("{id=s1}", "{id=s1 timeout=9m compare=none}"))
    try:
        # So much output is not kept to be compared.
        for round_number in range(bench.rounds):
            bench.note(f"memory: round {round_number + 1} of {bench.rounds}: {script}")
            found = peaks(tutor.command(folder, shape), folder, bench.environment, tutor_process)
            if found.run.status != 0:
                raise Failure(f"status {found.run.status}: {found.run.complaint()}")
            for name, row in rows.items():
                row.values.append(found.kilobytes[name] * 1024)
    except Failure as failure:
        for row in rows.values():
            fail(row, str(failure))
    shutil.rmtree(folder)


def tutor_process(words):
    """Which of the two a process is; what steps start is neither."""
    if not words or Path(words[0]).name != "tutor":
        return None
    return "agent" if words[1:2] == ["__agent"] else "tutor"


def linearity(bench: Bench):
    """Whether a step costs the same in a lesson a hundred times as long."""
    sizes = [bench.size(1000, 20), bench.size(10_000, 200), bench.size(100_000, 2000)]
    entries = []
    for size in sizes:
        entries += enter(bench, "one lesson, longer and longer", Shape(1, size), [(contestants.Tutor, bench.tutor)])
        entries[-1].row.what = f"{size} steps"
    rows = race(bench, entries)
    each = [row.median / size if row.values else None for row, size in zip(rows, sizes)]
    for row, cost in zip(rows, each):
        if cost is not None:
            row.compared = f"{shown(cost, 's')} a step"
    if each[0] is not None and each[-1] is not None:
        growth = each[-1] / each[0]
        rows[-1].compared += f", {growth:.2f} times that of {sizes[0]} steps"
        bench.judge(rows[-1], "linear: a step takes at most 1.5 times as long", growth <= 1.5)
    return rows


def size(bench: Bench):
    """The binary without the book, built in a target folder of its own to spare the one in use."""
    row = Row("size", "release binary, `--no-default-features`", "bytes")
    folder = target() / "no-default-features"
    bench.note(f"building with --no-default-features in {folder}")
    command = ["cargo", "build", "--release", "--locked", "--no-default-features", "--bin", "tutor", "--target-dir", folder]
    try:
        built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError as error:
        fail(row, f"cargo: {error}")
        return [row]
    if built.returncode != 0:
        fail(row, f"cargo: {built.stderr.strip().splitlines()[-1]}")
        return [row]
    row.values.append(os.path.getsize(folder / "release" / "tutor"))
    row.goal, row.met = "under 20 MB", row.values[0] < 20 * MB
    return [row]


GROUPS = {
    "startup": startup,
    "steps": steps,
    "lessons": lessons,
    "guards": guards,
    "memory": memory,
    "linearity": linearity,
    "size": size,
}
