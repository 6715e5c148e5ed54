#!/usr/bin/env python3
"""Measures whether reading a course takes time in proportion to its size.

Each kind of course repeats one thing many times: headings of one text, links to checks, lines of a
diff. A program that looks at each of them once takes four times as long for four times as many; one
that compares each with each takes sixteen times as long. So each kind is read in two sizes, and the
exponent is said that leads from one to the other, with the seconds of the larger one.

    cargo build --release
    python3 runner/benches/linear [--only WORD] [--limit SECONDS]

Seconds are those that the processor spent in the program itself, so that others on the machine and
the file system disturb little. It exits with 1 if a command took longer than the limit.
"""

import argparse
import math
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FRONT = "---\nformat: 1\nname: one\ntitle: One\ngoals: [g]\ntime: 1 min\n---\n\n# One\n\n"
STEP = "```sh {id=a}\ntrue\n```\n\n"
CHECK = "```sh {{check=c{0} of=a expect=1}}\ntrue\n```\n\n"
COMMANDS = ["show one --no-pager", "show one --no-pager --color always", "show --all --no-pager", "check", "check --json", "book --emit BOOK", "run one --dry-run"]


def page(body, name="one"):
    return FRONT.replace("name: one", f"name: {name}") + STEP + body


def repeated(text):
    """The text `size` times, `{0}` in it the number."""
    return lambda size: {"one": page("".join(text.format(n) for n in range(size)))}


def manifest(size, more, lessons=("one",)):
    listed = ", ".join(f'"{stem}"' for stem in lessons)
    return f'format = 1\ntitle = "T"\nlessons = [{listed}]\n' + more


def checks_bound(size):
    links = "".join(f"[s](#check-c{n}) " for n in range(size))
    return {"one": page(links + "\n\n" + "".join(CHECK.format(n) for n in range(size)))}


def definitions(size):
    used = "".join(f"[w][d{n}]\n" for n in range(size))
    return {"one": page(used + "\n" + "".join(f"[d{n}]: https://a.b/{n}\n" for n in range(size)))}


def definitions_of_checks(size):
    used = "".join(f"[w][d{n}]\n" for n in range(size))
    return {"one": page(used + "\n" + "".join(f"[d{n}]: #check-c{n}\n" for n in range(size)))}


def long_head(size):
    return {"one": page("| " + "x " * size + "|\n|---|\n" + "| y |\n" * (size // 4))}


def whole_includes(size):
    fence = "```c {{file=f{0}.c}}\n{{{{#include ../bpf/a.c}}}}\n```\n\n"
    body = "".join(fence.format(n) for n in range(size))
    return {"../bpf/a.c": "int x;\n" * size, "one": page(body)}


def misspelt_labels(size):
    used = "".join(f"[some words][label{n}x]\n" for n in range(size))
    defined = "".join(f"[label{n}]: https://a.b/{n}\n" for n in range(size))
    return {"one": page(used + "\n" + defined)}


def table(size):
    return {"one": page("| a | b |\n|---|---|\n" + "| `x` y | z |\n" * size)}


def wide_table(size):
    width = int(math.sqrt(size))
    row = "| " + " | ".join("x" for _ in range(width)) + " |\n"
    rule = "|" + "---|" * width + "\n"
    return {"one": page(row + rule + row * width)}


def one_fence(language, line):
    return lambda size: {"one": page(f"```{language}\n" + line * size + "\n```\n")}


def one_line(text, wrap="{0}\n"):
    return lambda size: {"one": page(wrap.format(text * size))}


def needs(size):
    keys = "".join(f'[needs.n{n}]\nwhat = "w"\nwhy = "y"\nprobe = "true"\n' for n in range(size))
    names = ",".join(f"n{n}" for n in range(size))
    return {
        "course.toml": manifest(size, keys),
        "one": page(f"```sh {{id=b needs={names}}}\ntrue\n```\n"),
    }


def facets(size):
    keys = "".join(f'[facets.n{n}]\nprobe = "true"\n' for n in range(size))
    names = ",".join(f"n{n}" for n in range(size))
    return {
        "course.toml": manifest(size, keys),
        "one": page(f"```sh {{id=b vary={names}}}\ntrue\n```\n"),
    }


def misspelt_needs(size):
    keys = "".join(f'[needs.need{n}]\nwhat = "w"\nwhy = "y"\nprobe = "true"\n' for n in range(size))
    names = ",".join(f"need{n}x" for n in range(size))
    return {
        "course.toml": manifest(size, keys),
        "one": page(f"```sh {{id=b needs={names}}}\ntrue\n```\n"),
    }


def unknown_keys(size):
    return {"course.toml": manifest(size, "".join(f"key{n} = 1\n" for n in range(size)))}


def lessons(size):
    stems = [f"l-{n}" for n in range(size)]
    pages = {stem: page("", stem) for stem in stems}
    for stem in stems[:-1]:
        pages[stem] += f"[next]({stems[-1]}.md#one)\n"
    pages["one"] = page("")
    return {"course.toml": manifest(size, "", ["one", *stems]), **pages}


def snapshots(size):
    """A course whose steps all have an accepted output."""
    files = {"one": page("".join(f"```sh {{id=s{n}}}\ntrue\n```\n\n" for n in range(size)))}
    head = "---\nsource: lessons/one.md\nexpression: \"true\"\n---\n"
    return files | {f"../snapshots/one/s{n}.snap": head for n in range(size)}


def listed_missing(size):
    return {"course.toml": manifest(size, "", ["one", *(f"m-{n}" for n in range(size))])}


def listed_twice(size):
    return {"course.toml": manifest(size, "", ["one"] + ["m-1"] * size)}


def includes(size):
    c = "".join(f"// ANCHOR: a{n}\nint v{n};\n// ANCHOR_END: a{n}\n" for n in range(size))
    fence = "```c {{file=f{0}.c}}\n{{{{#include ../bpf/a.c:a{0}}}}}\n```\n\n"
    return {"../bpf/a.c": c, "one": page("".join(fence.format(n) for n in range(size)))}


def links_to_files(size):
    return {"../bpf/a.c": "int a;\n", "one": page("[f](../bpf/a.c) [g](../bpf/b.c)\n" * size)}


def deep(mark):
    return lambda size: {"one": page(mark * size + "x\n")}


def deep_list(size):
    depth = int(math.sqrt(2 * size))
    return {"one": page("".join("  " * n + "- x\n" for n in range(depth)))}


# Each kind: the larger size, and what makes a course of it.
KINDS = {
    "links to checks that are not there": (20_000, repeated("[s](#check-c{0})\n")),
    "the same, each a paragraph": (20_000, repeated("[s](#check-c{0})\n\n")),
    "checks, each with its sentence": (20_000, checks_bound),
    "checks of steps that are not there": (20_000, repeated("[s](#check-c{0})\n\n```sh {{check=c{0} of=b{0} expect=1}}\ntrue\n```\n\n")),
    "links to one check": (20_000, lambda size: {"one": page("[s](#check-c0)\n\n" * size + CHECK.format(0))}),
    "headings of one text": (50_000, repeated("## The same\n\n")),
    "headings": (50_000, repeated("## Heading {0}\n\n")),
    "used definitions": (30_000, definitions),
    "used definitions of checks": (30_000, definitions_of_checks),
    "misspelt labels": (10_000, misspelt_labels),
    "dead anchors among headings": (10_000, repeated("## Heading {0}\n\n[w](#hedaing-{0}x)\n\n")),
    "dead links to files": (20_000, links_to_files),
    "steps": (20_000, repeated("```sh {{id=s{0}}}\ntrue\n```\n\n")),
    "steps with accepted outputs": (10_000, snapshots),
    "steps of one name": (20_000, repeated("```sh {{id=s}}\ntrue\n```\n\n")),
    "checks of one name": (20_000, repeated("```sh {{check=c of=a expect=1}}\ntrue\n```\n\n")),
    "files": (20_000, repeated("```c {{file=f{0}.c}}\nint x;\n```\n\n")),
    "files, one below the other": (20_000, repeated("```c {{file=f/{0}/x.c}}\nint x;\n```\n\n")),
    "one file again and again": (20_000, repeated("```c {{file=f.c}}\nint x{0};\n```\n\n")),
    "files that clash": (20_000, repeated("```c {{file=f{0}/x}}\n```\n\n```c {{file=f{0}}}\n```\n\n")),
    "included anchors": (5_000, includes),
    "includes of one file": (5_000, whole_includes),
    "fences that are not closed right": (20_000, repeated("```c {{x\n```\n\n")),
    "unknown keys of fences": (20_000, repeated("```sh {{id=s{0} timout=3}}\ntrue\n```\n\n")),
    "unknown masks of one step": (20_000, lambda size: {"one": page("```sh {id=b mask=" + ",".join(f"pix{n}" for n in range(size)) + "}\ntrue\n```\n")}),
    "attributes of one fence": (20_000, lambda size: {"one": page("```sh {id=b " + " ".join(f"k{n}=1" for n in range(size)) + "}\ntrue\n```\n")}),
    "needs": (10_000, needs),
    "facets": (10_000, facets),
    "misspelt needs": (10_000, misspelt_needs),
    "unknown keys of the course": (20_000, unknown_keys),
    "lessons": (10_000, lessons),
    "lessons that are not there": (10_000, listed_missing),
    "a lesson listed again and again": (10_000, listed_twice),
    "a table of many rows": (20_000, table),
    "a table with a long head": (100_000, long_head),
    "a table of many columns": (40_000, wide_table),
    "a paragraph of many lines": (50_000, repeated("some words and `code` here\n")),
    "a paragraph of one line": (50_000, one_line("some words and `code` ")),
    "one word": (1_000_000, one_line("x")),
    "code in backticks": (50_000, one_line("a", "`{0}`\n")),
    "backticks without end": (20_000, one_line("` `` ")),
    "brackets without end": (50_000, one_line("[")),
    "emphasis without end": (50_000, one_line("*a _b ")),
    "html without end": (20_000, one_line("<a <!-- <b x='")),
    "html ids": (20_000, repeated("<a id=\"i{0}\"></a> x\n\n")),
    "html tags in one paragraph": (50_000, one_line("<b>x</b> ")),
    "nested quotes": (20_000, deep(">")),
    "nested lists": (20_000, deep_list),
    "nested marks on one line": (20_000, deep("- ")),
    "one line of C": (200_000, one_fence("c", "int x = 1; ")),
    "one line of shell": (200_000, one_fence("sh", "echo \"a\" ")),
    "quotes of shell without end": (100_000, one_fence("sh", "$(\"${a ")),
    "one fence of many lines": (50_000, one_fence("c", "int x = 1; // y\n")),
    "a plain fence of one line": (1_000_000, one_fence("text", "x ")),
    "lines of front matter": (20_000, lambda size: {"one": FRONT.replace("goals: [g]", "goals:\n" + "  - g\n" * size) + STEP}),
    "unknown keys of front matter": (20_000, lambda size: {"one": FRONT.replace("goals: [g]", "\n".join(f"k{n}: 1" for n in range(size))) + STEP}),
    "bytes that are hidden": (200_000, one_line("\u200b")),
}


def write(folder, files):
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "lessons").mkdir(parents=True)
    files = {"course.toml": manifest(0, ""), "one": page(""), **files}
    for name, text in files.items():
        name = name if "." in name else f"{name}.md"
        path = folder / "lessons" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def seconds(tutor, folder, line, limit):
    """The seconds of the processor that a command takes, or None if those are more than the limit."""
    book = folder.parent / "tree"
    shutil.rmtree(book, ignore_errors=True)
    words = [str(book) if word == "BOOK" else word for word in line.split()]
    environment = dict(os.environ, TUTOR_HOME=str(folder.parent / "home"))
    # Writing many files is the system's time, and not what is measured.
    limits = lambda: resource.setrlimit(resource.RLIMIT_CPU, (3 * limit, 3 * limit + 1))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(
        [tutor, *words, "--course", folder], env=environment, preexec_fn=limits,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ended.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return None
    if ended.returncode < 0:
        sys.exit(f"`tutor {line}` ended by signal {-ended.returncode} in {folder}")
    taken = after.ru_utime - before.ru_utime
    return taken if taken <= limit else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tutor", default=ROOT / "target/release/tutor", type=Path)
    parser.add_argument("--only", default="", metavar="WORD", help="kinds whose name holds this")
    parser.add_argument("--command", default="", metavar="WORD", help="commands that hold this")
    parser.add_argument("--limit", default=2, type=int, metavar="SECONDS", help="what is too long")
    parser.add_argument("--above", default=0.0, type=float, metavar="SECONDS", help="leave out what is faster")
    given = parser.parse_args()
    slow = 0
    with tempfile.TemporaryDirectory(prefix="linear-") as temporary:
        folder = Path(temporary) / "course"
        for kind, (size, make) in KINDS.items():
            if given.only not in kind:
                continue
            for line in [line for line in COMMANDS if given.command in line]:
                write(folder, make(size // 4))
                small = seconds(given.tutor, folder, line, given.limit)
                write(folder, make(size))
                large = seconds(given.tutor, folder, line, given.limit)
                if large is None:
                    slow += 1
                    told = f"more than {given.limit} s" + ("" if small is not None else ", and a quarter of it as well")
                elif large < given.above:
                    continue
                else:
                    told = f"{large:.2f} s"
                    if small and large > 0.1:
                        told += f", exponent {math.log(large / small, 4):.1f}"
                print(f"{kind} ({size:,}): `tutor {line.replace('BOOK', 'FOLDER')}`: {told}", flush=True)
    sys.exit(1 if slow else 0)


if __name__ == "__main__":
    main()
