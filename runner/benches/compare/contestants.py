"""The runners, each with the same trivial steps in its own form: `echo N`, which must print N."""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from measure import Run, run
from tools import Tool


@dataclass(frozen=True)
class Shape:
    """How many lessons of how many steps, and how many may run at a time."""

    lessons: int
    steps: int
    jobs: int = 1

    @property
    def total(self) -> int:
        return self.lessons * self.steps

    def names(self):
        return [f"lesson-{number:04}" for number in range(1, self.lessons + 1)]

    def numbers(self):
        return range(1, self.steps + 1)


class Failure(Exception):
    """A contestant could not be made ready."""


@dataclass(frozen=True)
class Contestant:
    """A runner: `write` and `prepare` make it ready, `command` is timed, `passed` counts."""

    tool: Tool
    environment: dict

    def prepare(self, folder: Path, shape: Shape):
        """What must happen once before the run that is timed."""

    def passed(self, outcome: Run, shape: Shape) -> int:
        """How many steps the runner says were as expected."""
        raise NotImplementedError


class Tutor(Contestant):
    def name(self, shape):
        return "`tutor test`, snapshots compared" + (f", `-j{shape.jobs}`" if shape.lessons > 1 else "")

    def write(self, folder, shape):
        lessons = folder / "lessons"
        lessons.mkdir(parents=True)
        names = ", ".join(f'"{name}"' for name in shape.names())
        manifest = f'format = 1\ntitle = "Echoes"\nlessons = [{names}]\n'
        (lessons / "course.toml").write_text(manifest)
        steps = "".join(f"\n```sh {{id=s{n}}}\necho {n}\n```\n" for n in shape.numbers())
        for name in shape.names():
            front = f"---\nformat: 1\nname: {name}\ntitle: Echoes\n---\n\n# Echoes\n"
            (lessons / f"{name}.md").write_text(front + steps)

    def prepare(self, folder, shape):
        first = run(self.command(folder, shape), folder, self.environment)
        if first.status != 1:
            raise Failure(f"new outputs end with status {first.status}, not 1: {first.complaint()}")
        accepted = run([self.tool.path, "accept", "--all"], folder, self.environment)
        if accepted.status != 0:
            raise Failure(f"`tutor accept --all`: {accepted.complaint()}")

    def command(self, folder, shape):
        return [self.tool.path, "test", "--yes", "--format", "json", "--jobs", str(shape.jobs)]

    def passed(self, outcome, shape):
        lessons = json.loads(outcome.stdout)["lessons"] if outcome.stdout else []
        return sum(item["verdict"] == "passed" for lesson in lessons for item in lesson["items"])


class TutorTrusted(Tutor):
    """A course of one's own: namespaces, and no confinement."""

    def name(self, shape):
        return "the same after `tutor trust`"

    def prepare(self, folder, shape):
        trusted = run([self.tool.path, "trust", str(folder)], folder, self.environment)
        if trusted.status != 0:
            raise Failure(f"`tutor trust`: {trusted.complaint()}")
        super().prepare(folder, shape)


class TutorUnconfined(Tutor):
    """No guard but the agent's own."""

    def name(self, shape):
        return "the same with `--unconfined`"

    def command(self, folder, shape):
        return [*super().command(folder, shape), "--unconfined"]


# The best that a loop can do: no file is opened for a step, and no process but the one started.
BASH_LOOP = """\
cd "$1" || exit
passed=0
while IFS= read -r command <&3 && IFS= read -r expected <&4; do
	[[ $(bash -c "$command") == "$expected" ]] && passed=$((passed + 1))
done 3<commands 4<expected
echo "$passed"
"""


class Bash(Contestant):
    def name(self, shape):
        return "bash, one process a step" + (f", `xargs -P{shape.jobs}`" if shape.lessons > 1 else "")

    def write(self, folder, shape):
        folder.mkdir(parents=True)
        (folder / "loop.sh").write_text(BASH_LOOP)
        for name in shape.names():
            (folder / name).mkdir()
            (folder / name / "commands").write_text("".join(f"echo {n}\n" for n in shape.numbers()))
            (folder / name / "expected").write_text("".join(f"{n}\n" for n in shape.numbers()))

    def command(self, folder, shape):
        if shape.lessons == 1:
            return [self.tool.path, "loop.sh", *shape.names()]
        each = f"xargs -P{shape.jobs} -n1 {shlex.quote(str(self.tool.path))} loop.sh"
        return ["sh", "-c", f"printf '%s\\n' lesson-* | {each}"]

    def passed(self, outcome, shape):
        return sum(int(line) for line in outcome.stdout.split())


class Files(Contestant):
    """A runner that takes a list of files."""

    suffix = "t"

    def text(self, shape):
        return "".join(f"  $ echo {n}\n  {n}\n" for n in shape.numbers())

    def write(self, folder, shape):
        folder.mkdir(parents=True)
        for name in shape.names():
            (folder / f"{name}.{self.suffix}").write_text(self.text(shape))

    def files(self, shape):
        return [f"{name}.{self.suffix}" for name in shape.names()]

    def start(self):
        """The words before the files."""
        raise NotImplementedError

    def command(self, folder, shape):
        return [*self.start(), *self.files(shape)]


class Cram(Files):
    def name(self, shape):
        return "cram"

    def start(self):
        return [self.tool.path]

    def passed(self, outcome, shape):
        # cram counts files; a file passes when all of its commands printed what they should.
        counts = re.findall(r"# Ran (\d+) tests, (\d+) skipped, (\d+) failed", outcome.stdout)
        return sum(int(ran) - int(skipped) - int(failed) for ran, skipped, failed in counts) * shape.steps


class CramBash(Cram):
    """Like for like: cram's own choice is `/bin/sh`, which is often a faster shell than bash."""

    def name(self, shape):
        return "cram, `--shell=/bin/bash`"

    def start(self):
        return [self.tool.path, "--shell=/bin/bash"]


class Scrut(Files):
    def name(self, shape):
        return "scrut, cram's format"

    def start(self):
        return [self.tool.path, "test", "--no-color"]

    def passed(self, outcome, shape):
        return sum(int(count) for count in re.findall(r"(\d+) succeeded", outcome.stdout + outcome.stderr))


class ScrutMarkdown(Scrut):
    suffix = "md"

    def name(self, shape):
        return "scrut, Markdown"

    def text(self, shape):
        tests = (f"\n## Step {n}\n\n```scrut\n$ echo {n}\n{n}\n```\n" for n in shape.numbers())
        return "# Echoes\n" + "".join(tests)


class SideBySide(Contestant):
    """A runner without a way to run files side by side, called that many times at once by xargs."""

    runner = Files

    def inner(self):
        return self.runner(self.tool, self.environment)

    def name(self, shape):
        return f"{self.inner().name(shape)}, in {shape.jobs} halves by `xargs -P{shape.jobs}`"

    def write(self, folder, shape):
        self.inner().write(folder, shape)

    def command(self, folder, shape):
        share = -(-shape.lessons // shape.jobs)
        words = " ".join(shlex.quote(str(word)) for word in self.inner().start())
        files = f"printf '%s\\n' *.{self.runner.suffix}"
        return ["sh", "-c", f"{files} | xargs -P{shape.jobs} -n{share} {words}"]

    def passed(self, outcome, shape):
        return self.inner().passed(outcome, shape)


class CramSideBySide(SideBySide):
    runner = Cram


class ScrutSideBySide(SideBySide):
    runner = Scrut
