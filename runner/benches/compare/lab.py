"""The lab beside virtme-ng without KVM, on the same kernel; and what the lab takes by itself."""

import json
import shutil
from pathlib import Path

import contestants
from contestants import Failure, Shape
from groups import MB, Bench, fail
from measure import peaks, run, until
from table import Row
from tools import ROOT

HELLO = "hello from the guest"

# What a person does first: the article's program, attached to the function that it wants.
FIRST_LINE = "hello world!"


def lab(bench: Bench):
    rows = {
        "vng": Row("", "`vng --disable-kvm -- echo`: launch to first output", "s"),
        "cold": Row("", "`tutor lab run -- echo`, no saved state: the same", "s"),
        "resumed": Row("", "`tutor lab run -- echo`, resumed: the same", "s"),
        "hello": Row("", "resumed, a kprobe loaded and attached: launch to its first line", "s"),
        "checkpoint": Row("", "a checkpoint, a kprobe being attached", "s"),
        "delta": Row("", "the same, on the disk", "bytes"),
        "command": Row("", "a step `echo N` in a running lab", "s"),
        "memory": Row("", "QEMU's memory over a lesson, the peak", "bytes"),
        "first": Row("", "first use: a package unpacked, booted, saved, first output", "s"),
    }
    trouble = lacking(bench)
    name = bench.kernel.name if bench.kernel else "no kernel"
    for key, row in rows.items():
        row.group = f"the lab, {name}"
        row.trouble = trouble
    if trouble:
        return list(rows.values())
    rows["vng"].trouble = bench.vng.missing if bench.vng.path is None else ""
    try:
        sitting = Sitting(bench, rows)
        sitting.race()
        sitting.checkpoints()
        sitting.commands()
        sitting.first_use()
    except Failure as failure:
        for row in rows.values():
            if not row.values and not row.trouble:
                fail(row, str(failure))
    judge(bench, rows)
    return list(rows.values())


def lacking(bench: Bench) -> str:
    if bench.tutor.path is None:
        return bench.tutor.missing
    if bench.kernel is None:
        return "no kernel was named: `--kernel`, see `--help`"
    for program in ("dpkg", "clang", "gcc"):
        if shutil.which(program) is None:
            return f"{program} is not here"
    return ""


class Sitting:
    """One kernel, unpacked for both, and the programs that are run on it."""

    def __init__(self, bench: Bench, rows: dict):
        self.bench, self.rows = bench, rows
        # What it is held against does without KVM too.
        self.environment = {**bench.environment, "TUTOR_LAB_ACCEL": "tcg"}
        self.folder = bench.scratch / "lab"
        self.folder.mkdir()
        self.vmlinuz = self.unpacked()
        self.built()
        status = self.of_tutor(["lab", "status", "--json"])
        self.cache = Path(json.loads(status.stdout)["folder"])

    def unpacked(self) -> Path:
        """vng wants the modules beside the kernel, as in the package."""
        tree = self.bench.scratch / "kernel"
        self.done(["dpkg", "-x", self.bench.kernel, tree])
        found = sorted(tree.glob("boot/vmlinuz-*"))
        if not found:
            raise Failure(f"{self.bench.kernel.name} has no boot/vmlinuz-*")
        return found[0]

    def built(self):
        for name in ("hello.bpf.c", "hello.c", "trace.h"):
            shutil.copy(ROOT / "bpf" / name, self.folder)
        shutil.copy(Path(__file__).parent / "attach.c", self.folder)
        machine = run(["gcc", "-print-multiarch"], self.folder, self.environment).stdout.strip()
        include = f"-I/usr/include/{machine}"
        self.done(["clang", "-O2", "-target", "bpf", include, "-c", "hello.bpf.c", "-o", "hello.bpf.o"])
        for name in ("hello", "attach"):
            self.done(["gcc", "-O2", "-o", name, f"{name}.c", "-lbpf"])

    def done(self, command):
        outcome = run(command, self.folder, self.environment)
        if outcome.status != 0:
            raise Failure(f"{command[0]}: {outcome.complaint()}")

    def of_tutor(self, words):
        return run([self.bench.tutor.path, *words], self.folder, self.environment)

    def lab_run(self, *words):
        return [self.bench.tutor.path, "lab", "run", "--kernel", self.bench.kernel, *words]

    def race(self):
        """The first four take turns."""
        # Unpacking is no part of a start: the first run of all does it.
        self.done(self.lab_run("--", "true"))
        attach = ["./hello", "-w", "1", "-k", "__x64_sys_write", "hello.bpf.o"]
        contest = {
            "vng": ([self.bench.vng.path, "--disable-kvm", "-r", self.vmlinuz, "--", "echo", HELLO], HELLO),
            "cold": (self.lab_run("--", "echo", HELLO), HELLO),
            "resumed": (self.lab_run("--", "echo", HELLO), HELLO),
            "hello": (self.lab_run("--folder", self.folder, "--", *attach), FIRST_LINE),
        }
        for round_number in range(self.bench.rounds + 1):
            self.bench.note(f"the lab: round {round_number} of {self.bench.rounds}")
            for key, (command, text) in contest.items():
                if self.rows[key].trouble:
                    continue
                if key == "cold":
                    shutil.rmtree(self.cache / "states", ignore_errors=True)
                environment = self.of_vng() if key == "vng" else self.environment
                self.timed(key, command, text, round_number == 0, environment)

    def of_vng(self):
        """It finds its own parts by PATH."""
        return {**self.environment, "PATH": f"{self.bench.vng.path.parent}:{self.environment['PATH']}"}

    def timed(self, key, command, text, warm_up, environment):
        outcome = until(command, text, self.folder, environment)
        if outcome.seconds is None or outcome.run.status != 0:
            fail(self.rows[key], f"status {outcome.run.status}, no `{text}`: {outcome.run.complaint()}")
        elif not warm_up:
            self.rows[key].values.append(outcome.seconds)

    def checkpoints(self):
        """`tutor lab run --measure` takes one when the command has ended; what it left runs on."""
        script = "./attach hello.bpf.o __x64_sys_write > said & until grep -q attached said; do sleep 0.05; done"
        measured = self.folder / "measured.json"
        for _ in range(self.bench.rounds):
            words = ["--folder", self.folder, "--measure", measured, "--", "timeout", "30", "sh", "-c", script]
            self.done(self.lab_run(*words))
            found = json.loads(measured.read_text())
            self.rows["checkpoint"].values.append(found["checkpoint_ms"] / 1000)
            self.rows["delta"].values.append(found["checkpoint_bytes"])

    def commands(self):
        """Steps as a lesson has them: their files go to and fro."""
        shape = Shape(lessons=1, steps=self.bench.size(50, 5))
        lessons = OnKernel(self.bench.tutor, self.environment, self.bench.kernel)
        folder = self.bench.scratch / "on-kernel"
        lessons.write(folder, shape)
        lessons.prepare(folder, shape)
        for _ in range(self.bench.rounds):
            found = peaks(lessons.command(folder, shape), folder, self.environment, qemu_process)
            passed = lessons.passed(found.run, shape)
            if found.run.status != 0 or passed != shape.total:
                raise Failure(f"{passed} of {shape.total} passed: {found.run.complaint()}")
            items = json.loads(found.run.stdout)["lessons"][0]["items"]
            self.rows["command"].values += [item["duration_ms"] / 1000 for item in items[1:]]
            if "qemu" not in found.kilobytes:
                raise Failure("no QEMU was seen")
            self.rows["memory"].values.append(found.kilobytes["qemu"] * 1024)

    def first_use(self):
        for number in range(self.bench.rounds):
            home = self.bench.scratch / f"first-{number}"
            environment = {**self.environment, "TUTOR_HOME": str(home)}
            self.timed("first", self.lab_run("--", "echo", HELLO), HELLO, False, environment)
            shutil.rmtree(home, ignore_errors=True)


class OnKernel(contestants.Tutor):
    """The same trivial steps, each of which needs a kernel."""

    def __init__(self, tool, environment, kernel):
        super().__init__(tool, environment)
        object.__setattr__(self, "kernel", kernel)

    def write(self, folder, shape):
        super().write(folder, shape)
        for name in shape.names():
            page = folder / "lessons" / f"{name}.md"
            page.write_text(page.read_text().replace("```sh {id=", "```sh {on=kernel id="))

    def command(self, folder, shape):
        return [*super().command(folder, shape), "--kernel", self.kernel]


def qemu_process(words):
    return "qemu" if words and Path(words[0]).name.startswith("qemu-system-") else None


def judge(bench: Bench, rows: dict):
    for key, parts in (("cold", 6), ("resumed", 25), ("hello", 15)):
        row, vng = rows[key], rows["vng"]
        met = None
        if row.values and vng.values:
            row.compared = f"1/{vng.median / row.median:.1f} of vng's echo"
            met = row.median <= vng.median / parts
        bench.judge(row, f"at most 1/{parts} of vng's echo", met)
    limits = [
        ("checkpoint", "at most 0.4 s", 0.4),
        ("delta", "at most 1 MB", MB),
        ("command", "at most 50 ms", 0.05),
        ("memory", "at most 200 MB", 200 * MB),
        ("first", "at most 6 s", 6),
    ]
    for key, goal, most in limits:
        row = rows[key]
        bench.judge(row, goal, row.median <= most if row.values else None)
