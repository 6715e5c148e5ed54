"""What the figures depend on besides the programs."""

import os
import platform
import subprocess
from datetime import date

from tools import ROOT, bash


def facts(scratch, tools) -> dict:
    found = {
        "date": date.today().isoformat(),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory": memory(),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "system": system(),
        "scratch files on": printed(["stat", "-f", "-c", "%T", scratch]),
        "load before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "commit": printed(["git", "-C", ROOT, "describe", "--always", "--dirty"]),
        "python": platform.python_version(),
        "bash": bash().version,
    }
    found.update((tool.name, tool.version) for tool in tools)
    return found


def processor() -> str:
    for line in lines("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def memory() -> str:
    for line in lines("/proc/meminfo"):
        if line.startswith("MemTotal:"):
            return f"{int(line.split()[1]) / 1024 / 1024:.1f} GiB"
    return "unknown"


def system() -> str:
    for line in lines("/etc/os-release"):
        if line.startswith("PRETTY_NAME="):
            return line.split("=", 1)[1].strip().strip('"')
    return "unknown"


def lines(path: str):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()
    except OSError:
        return []


def printed(command) -> str:
    try:
        outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return outcome.stdout.strip() or "unknown"
