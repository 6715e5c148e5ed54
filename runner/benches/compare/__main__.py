"""Measures `tutor` beside plain bash, cram, scrut and virtme-ng, in one run, and prints a table.

    python3 runner/benches/compare            all of it, the medians of five rounds
    python3 runner/benches/compare --quick    small sizes, to see that it works
    python3 runner/benches/compare --rows lab --kernel linux-image-….deb    the lab beside virtme-ng

Contestants take turns in every round, so that a busy machine slows all of them. Each run is held to
having passed all of its steps. Ends with 0 unless something failed to run; figures are for people
to judge, since a machine may be busy.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

import machine
import tools
from groups import GROUPS, Bench
from lab import lab
from table import markdown

ROWS = {**GROUPS, "lab": lab}


def main() -> int:
    arguments = command_line()
    # So that the scratch folder goes however this ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    tutor, cram, scrut = tools.tutor(arguments.tutor), tools.cram(arguments.cram), tools.scrut(arguments.scrut)
    vng, qemu = tools.vng(arguments.vng), tools.qemu()
    used = [tutor]
    used += [cram, scrut] if {"steps", "lessons", "guards"} & set(arguments.rows) else []
    used += [vng, qemu] if "lab" in arguments.rows else []
    for tool in used:
        if tool.path is None:
            print(f"compare: {tool.missing}; get it by: {tool.remedy}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="tutor-bench-", dir=arguments.scratch) as scratch:
        facts = machine.facts(scratch, used)
        bench = Bench(
            scratch=Path(scratch),
            environment=environment(Path(scratch)),
            rounds=arguments.rounds,
            quick=arguments.quick,
            tutor=tutor,
            cram=cram,
            scrut=scrut,
            vng=vng,
            kernel=arguments.kernel,
        )
        rows = []
        for name in arguments.rows:
            found = ROWS[name](bench)
            # At once, so that whoever stops a long run has what was measured so far.
            print(markdown(found), file=sys.stderr, flush=True)
            rows += found
    if arguments.json:
        document = {"format": 1, "quick": arguments.quick, "rounds": arguments.rounds, "machine": facts}
        print(json.dumps({**document, "rows": [row.as_json() for row in rows]}, indent=2, ensure_ascii=False))
    else:
        print(page(facts, rows, arguments))
    return 1 if any(row.failed for row in rows) else 0


def command_line():
    parser = argparse.ArgumentParser(
        prog="compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ",".join(ROWS)
    parser.add_argument("--rows", type=groups, default=list(ROWS), help=f"some of {names}")
    parser.add_argument("--rounds", type=positive, help="how often each is measured [default: 5]")
    parser.add_argument("--quick", action="store_true", help="small sizes and two rounds; no goal is judged")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--tutor", help="the tutor to measure [default: the release build]")
    parser.add_argument("--cram", help="the cram to measure")
    parser.add_argument("--scrut", help="the scrut to measure")
    parser.add_argument("--vng", help="the virtme-ng to measure")
    parser.add_argument(
        "--kernel",
        type=package,
        help="for the lab: Debian's full kernel package, `linux-image-6.12…-amd64` and not its cloud one,"
        " which lacks the 9p that virtme-ng wants; get it by `apt-get download`",
    )
    parser.add_argument("--scratch", help="where lessons are written [default: the temporary folder]")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (2 if arguments.quick else 5)
    return arguments


def groups(text: str):
    names = text.split(",")
    for name in names:
        if name not in ROWS:
            raise argparse.ArgumentTypeError(f"no rows `{name}`; there are {', '.join(ROWS)}")
    return names


def package(text: str) -> Path:
    path = Path(text).resolve()
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"no file `{text}`")
    return path


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def environment(scratch: Path) -> dict:
    """The same for all, with nothing of this user's in it."""
    for folder in ("tmp", "home"):
        (scratch / folder).mkdir()
    return {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        "HOME": str(scratch / "home"),
        "TUTOR_HOME": str(scratch / "home"),
        "TMPDIR": str(scratch / "tmp"),
    }


def page(facts, rows, arguments) -> str:
    lines = [f"- {name}: {value}" for name, value in facts.items()]
    rounds = "1 round" if arguments.rounds == 1 else f"{arguments.rounds} rounds"
    lines.append(f"- {rounds}, contestants taking turns, after one round that is not counted")
    if {"steps", "lessons", "guards"} & set(arguments.rows):
        lines.append("- cram and scrut run their files one after the other; neither has an option to do otherwise")
    if arguments.quick:
        lines.append("- quick: small sizes, which show that it works and nothing more")
    return "\n".join([*lines, "", markdown(rows)])


if __name__ == "__main__":
    sys.exit(main())
