"""Boots and resumes the lab again and again, several at once, and says how many failed.

    python3 runner/benches/soak                 100 boots and 100 resumes, four at once
    python3 runner/benches/soak --count 8       fewer, to see that it works

Each guest says its kernel's release and how many lines of its log tell of trouble. A run counts as
good if it ended with 0, the release is that of the first guest, and there is no such line. Ends
with 0 if all were good.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[3]

# Words of a kernel that is not well.
TROUBLE = "Oops|BUG:|WARNING:|Call Trace|soft lockup|rcu.*stall|general protection|Kernel panic"
SCRIPT = f"uname -r; dmesg | grep -cE '{TROUBLE}'; true"

# A guest that does not answer is a failure, and not a reason to wait for ever.
PATIENCE_SECONDS = 300


def main() -> int:
    arguments = command_line()
    with tempfile.TemporaryDirectory(prefix="tutor-soak-", dir=arguments.scratch) as scratch:
        slots = [Slot(arguments, Path(scratch) / str(number)) for number in range(arguments.at_once)]
        first = slots[0].run()
        if first.trouble:
            print(f"soak: the first guest: {first.trouble}", file=sys.stderr)
            return 1
        release = first.printed[0]
        print(f"{release}, {arguments.at_once} at once on {len(os.sched_getaffinity(0))} processors")
        failed = 0
        for name, prepare in (("boots", Slot.forget), ("resumes", Slot.remember)):
            outcomes = soak(slots, arguments.count, prepare)
            failed += told(name, outcomes, release)
    return 1 if failed else 0


def command_line():
    parser = argparse.ArgumentParser(
        prog="soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    target = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    parser.add_argument("--count", type=int, default=100, help="of boots, and of resumes [default: 100]")
    parser.add_argument("--at-once", type=int, default=4, help="how many run at a time [default: 4]")
    parser.add_argument("--kernel", default="default", help="a series that `tutor lab status` lists, or a file")
    parser.add_argument("--tutor", default=target / "release" / "tutor", help="[default: the release build]")
    parser.add_argument("--scratch", help="where caches are made [default: the temporary folder]")
    arguments = parser.parse_args()
    if min(arguments.count, arguments.at_once) < 1:
        parser.error("--count and --at-once are 1 or more")
    return arguments


class Outcome:
    """What one guest said, how long it took, and what was wrong."""

    def __init__(self, seconds, status, stdout, stderr):
        self.seconds = seconds
        self.printed = stdout.split()
        self.booted = "starting the lab's machine" in stderr
        self.trouble = ""
        if status != 0:
            self.trouble = f"status {status}: {stderr.strip()[-300:]}"
        elif len(self.printed) != 2 or self.printed[1] != "0":
            self.trouble = f"it printed {stdout.strip()!r}"


class Slot:
    """A cache of its own, so that boots at once do not wait for each other's state."""

    def __init__(self, arguments, home: Path):
        self.command = [arguments.tutor, "lab", "run", "--kernel", arguments.kernel, "--", "sh", "-c", SCRIPT]
        self.environment = {**os.environ, "TUTOR_HOME": str(home), "TUTOR_LAB_ACCEL": "tcg"}
        own = subprocess.run([arguments.tutor, "lab", "status", "--json"], capture_output=True, text=True, check=False)
        kernels = Path(json.loads(own.stdout)["folder"]) / "kernels"
        self.lab = home / "cache" / "lab"
        self.lab.mkdir(parents=True)
        if kernels.is_dir():
            (self.lab / "kernels").symlink_to(kernels)

    def forget(self):
        """The next run boots."""
        shutil.rmtree(self.lab / "states", ignore_errors=True)

    def remember(self):
        """The next run resumes, if there is a state."""

    def run(self) -> Outcome:
        begin = time.perf_counter()
        process = subprocess.Popen(
            self.command, env=self.environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        try:
            stdout, stderr = process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.terminate()
            stdout, stderr = process.communicate()
            return Outcome(PATIENCE_SECONDS, "none in time", stdout, stderr)
        return Outcome(time.perf_counter() - begin, process.returncode, stdout, stderr)


def soak(slots, count: int, prepare):
    outcomes, left, lock = [], [count], threading.Lock()

    def work(slot):
        while True:
            with lock:
                if left[0] == 0:
                    return
                left[0] -= 1
            prepare(slot)
            outcome = slot.run()
            with lock:
                outcomes.append(outcome)

    if prepare is Slot.remember:
        for slot in slots:
            # So that each has a state.
            slot.run()
    threads = [threading.Thread(target=work, args=(slot,)) for slot in slots]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def told(name: str, outcomes, release: str) -> int:
    for outcome in outcomes:
        if not outcome.trouble and outcome.printed[0] != release:
            outcome.trouble = f"another kernel: {outcome.printed[0]}"
        if not outcome.trouble and outcome.booted != (name == "boots"):
            outcome.trouble = "it booted" if outcome.booted else "it resumed"
    failed = [outcome for outcome in outcomes if outcome.trouble]
    seconds = [outcome.seconds for outcome in outcomes]
    print(
        f"{len(outcomes)} {name}: {len(failed)} failed;"
        f" {median(seconds):.2f} s in the median, {max(seconds):.2f} s at most",
        flush=True,
    )
    for outcome in failed:
        print(f"  {outcome.trouble}")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
