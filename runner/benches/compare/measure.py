"""Runs a command and says how long it took and how much memory it held."""

import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """What became of one command."""

    seconds: float
    status: int
    stdout: str
    stderr: str

    def complaint(self) -> str:
        """The last line that it printed, for a row that has to say what went wrong."""
        lines = (self.stderr.strip() or self.stdout.strip()).splitlines()
        return lines[-1][:160] if lines else "it printed nothing"


def run(command, folder: Path, environment: dict) -> Run:
    """Runs a command to its end; its output goes to files, so that nobody waits for a reader."""
    scratch = Path(environment["TMPDIR"])
    with open(scratch / "stdout", "w+b") as stdout, open(scratch / "stderr", "w+b") as stderr:
        begin = time.perf_counter()
        process = start(command, folder, environment, stdout, stderr)
        status = ended(process)
        seconds = time.perf_counter() - begin
        return Run(seconds, status, text(stdout), text(stderr))


@dataclass(frozen=True)
class Until:
    """How long a command took to print a text, if it did, and what became of it."""

    seconds: float | None
    run: Run


# A virtual machine that hangs does not end by itself.
PATIENCE_SECONDS = 300


def until(command, expected: str, folder: Path, environment: dict) -> Until:
    """Runs a command to its end and notes when its standard output had the text."""
    printed, seconds = b"", None
    with open(Path(environment["TMPDIR"]) / "stderr", "w+b") as stderr:
        begin = time.perf_counter()
        process = start(command, folder, environment, subprocess.PIPE, stderr)
        watch = threading.Timer(PATIENCE_SECONDS, process.terminate)
        watch.start()
        try:
            while piece := os.read(process.stdout.fileno(), 1 << 16):
                printed += piece
                if seconds is None and expected.encode() in printed:
                    seconds = time.perf_counter() - begin
            status = ended(process)
        finally:
            watch.cancel()
            process.stdout.close()
        total = time.perf_counter() - begin
        return Until(seconds, Run(total, status, printed.decode(errors="replace"), text(stderr)))


def start(command, folder, environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
    words = [os.fspath(word) for word in command]
    return subprocess.Popen(
        words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr
    )


def ended(process) -> int:
    """Waits for a command, and does not leave it behind when the measuring is stopped."""
    try:
        return process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise


def text(file) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


@dataclass(frozen=True)
class Peaks:
    """The most memory that processes held, by what they are, and what became of the command."""

    kilobytes: dict
    run: Run


LOOK_SECONDS = 0.005


def peaks(command, folder: Path, environment: dict, name_of) -> Peaks:
    """Watches a command and all that it starts; `name_of` sorts processes by their arguments.

    The kernel keeps the high-water mark of each process (VmHWM), so looking now and then is enough
    for processes that live longer than two looks.
    """
    found = {}
    done = threading.Event()
    watched = []

    def watch():
        while not done.wait(LOOK_SECONDS):
            for pid in below(watched[0]) if watched else ():
                note(pid)

    def note(pid):
        name, kilobytes = name_of(arguments(pid)), high_water(pid)
        if name is not None and kilobytes is not None:
            found[name] = max(found.get(name, 0), kilobytes)

    scratch = Path(environment["TMPDIR"])
    with open(scratch / "stdout", "w+b") as stdout, open(scratch / "stderr", "w+b") as stderr:
        begin = time.perf_counter()
        process = start(command, folder, environment, stdout, stderr)
        watched.append(process.pid)
        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            status = ended(process)
        finally:
            seconds = time.perf_counter() - begin
            done.set()
            watcher.join()
        return Peaks(found, Run(seconds, status, text(stdout), text(stderr)))


def below(root: int) -> list:
    """A process and its descendants."""
    processes = [root]
    for pid in processes:
        for task in tasks(pid):
            processes.extend(int(child) for child in read(f"/proc/{pid}/task/{task}/children").split())
    return processes


def tasks(pid: int) -> list:
    try:
        return os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []


def arguments(pid: int) -> list:
    return read(f"/proc/{pid}/cmdline").split("\0")[:-1]


def high_water(pid: int):
    for line in read(f"/proc/{pid}/status").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return None


def read(path: str) -> str:
    """A file of /proc; empty if its process is gone."""
    try:
        return Path(path).read_text()
    except OSError:
        return ""
