"""Rows of results, as a Markdown table or as JSON."""

from dataclasses import dataclass, field
from statistics import median


@dataclass
class Row:
    """One thing that was measured, and what was to be reached."""

    group: str
    what: str
    unit: str
    values: list = field(default_factory=list)
    goal: str = ""
    met: bool | None = None
    compared: str = ""
    # Says why the values are missing or not to be trusted.
    trouble: str = ""
    # True when something failed to run; a program that is not here is no failure.
    failed: bool = False

    @property
    def median(self):
        return median(self.values) if self.values else None

    def as_json(self) -> dict:
        return {
            "group": self.group,
            "what": self.what,
            "unit": self.unit,
            "median": self.median,
            "values": self.values,
            "compared": self.compared,
            "goal": self.goal,
            "met": self.met,
            "trouble": self.trouble,
        }


def shown(value, unit: str) -> str:
    if unit == "s" and value < 1:
        return f"{value * 1000:.3g} ms" if value < 0.1 else f"{value * 1000:.0f} ms"
    if unit == "s":
        return f"{value:.2f} s"
    if unit == "bytes":
        return f"{value / 1e6:.1f} MB"
    raise ValueError(unit)


def markdown(rows) -> str:
    lines = [
        "| | median | lowest to highest | compared | goal | met |",
        "|---|--:|--:|---|---|---|",
    ]
    group = None
    for row in rows:
        if row.group != group:
            group = row.group
            lines.append(f"| **{group}** | | | | | |")
        lines.append("| " + " | ".join(cells(row)) + " |")
    return "\n".join(lines)


def cells(row):
    middle = spread = ""
    if row.values:
        middle = shown(row.median, row.unit)
        if len(row.values) > 1:
            spread = f"{shown(min(row.values), row.unit)} to {shown(max(row.values), row.unit)}"
    met = {True: "yes", False: "**no**", None: "not judged" if row.goal else ""}[row.met]
    compared = f"**{row.trouble}**" if row.trouble else row.compared
    return [cell.replace("|", "\\|") for cell in (row.what, middle, spread, compared, row.goal, met)]
