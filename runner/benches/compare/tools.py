"""The programs that are compared: where they are, which version, how to get one that is missing."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tutor-bench"

# The same for people to type.
CACHE_WRITTEN = "${XDG_CACHE_HOME:-$HOME/.cache}/tutor-bench"


@dataclass(frozen=True)
class Tool:
    """A program, or how to get it."""

    name: str
    path: Path | None
    version: str
    remedy: str

    @property
    def missing(self) -> str:
        return f"{self.name} is not here"


def find(name: str, given, places, version_arguments, remedy: str) -> Tool:
    """Finds a program: where the caller says, else in the usual places, else in PATH."""
    if given:
        candidates = [Path(given)]
    else:
        candidates = [*places, Path(shutil.which(name) or "/nonexistent")]
    for candidate in candidates:
        if os.access(candidate, os.X_OK) and candidate.is_file():
            # The folder may be a link, the file must not be resolved: a venv lives by its name.
            path = Path(os.path.abspath(candidate))
            return Tool(name, path, version_of([path, *version_arguments]), remedy)
    return Tool(name, None, "not here", remedy)


def version_of(command) -> str:
    printed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return printed.splitlines()[0].strip() if printed.strip() else "of unknown version"


def target() -> Path:
    return Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")


def tutor(given) -> Tool:
    places = [target() / "release" / "tutor"]
    return find("tutor", given, places, ["--version"], "cargo build --release")


def cram(given) -> Tool:
    folder = f'"{CACHE_WRITTEN}/cram"'
    remedy = f"python3 -m venv {folder} && {folder}/bin/pip install cram"
    return find("cram", given, [CACHE / "cram/bin/cram"], ["--version"], remedy)


def scrut(given) -> Tool:
    remedy = f'cargo install scrut --locked --root "{CACHE_WRITTEN}"'
    found = find("scrut", given, [CACHE / "bin/scrut"], ["--version"], remedy)
    return replace(found, version=installed_version(found) or found.version)


def installed_version(tool: Tool) -> str | None:
    """What cargo knows: a scrut from crates.io says the time of its build instead of a version."""
    try:
        records = (tool.path.parent.parent / ".crates.toml").read_text() if tool.path else ""
    except OSError:
        return None
    known = re.search(rf'"({tool.name} [0-9.]+) ', records)
    return known and known.group(1)


def bash() -> Tool:
    return find("bash", None, [], ["--version"], "install the package `bash`")


def vng(given) -> Tool:
    folder = f'"{CACHE_WRITTEN}/vng"'
    remedy = f"python3 -m venv {folder} && {folder}/bin/pip install virtme-ng; it runs `udevadm`: install the package `udev`"
    return find("vng", given, [CACHE / "vng/bin/vng"], ["--version"], remedy)


def qemu() -> Tool:
    return find("qemu-system-x86_64", None, [], ["--version"], "install QEMU")
