"""The table of figures that the command prints."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

_HEAD = ("", "ours", "Odoo's", "compared", "target", "")


@dataclass
class Row:
    """One figure, and what was aimed at."""

    what: str
    ours: str
    odoo: str
    compared: str
    target: str
    good: bool

    def cells(self, verdict):
        """Return the texts of the row, the last one empty without a verdict."""
        figures = (self.what, self.ours, self.odoo, self.compared, self.target)
        verdict = verdict and self.target
        return *figures, ("PASS" if self.good else "over") if verdict else ""


def ratio_row(what, ours, odoo, target, unit):
    """Return a row whose target is a share of Odoo's own figure.

    :param unit: function that formats a figure
    """
    ratio = ours / odoo
    return Row(
        what,
        unit(ours),
        unit(odoo),
        f"{ratio:.2f}x",
        f"<= {target:.2f}x",
        ratio <= target,
    )


def limit_row(what, ours, odoo, target, unit):
    """Return a row with a target of its own; Odoo's figure is only shown.

    :param odoo: Odoo's figure, None if there is none to compare with
    """
    other = "" if odoo is None else unit(odoo)
    return Row(what, unit(ours), other, "", f"<= {unit(target)}", ours <= target)


def fact_row(what, ours, odoo, unit):
    """Return a row without a target, beside another figure."""
    return Row(what, unit(ours), unit(odoo), f"{ours / odoo:.2f}x", "", True)


def more_row(what, ours, odoo, target):
    """Return a row whose target is a number of queries on top of another."""
    more = ours - odoo
    return Row(
        what, str(ours), str(odoo), f"{more:+}", f"<= {target:+}", more <= target
    )


def growth_row(what, few, many):
    """Return a row whose target is that a number of queries does not grow."""
    return Row(what, f"{few} / {many}", "", f"{many - few:+}", "<= +0", many <= few)


def seconds(value):
    return f"{value:.2f} s"


def kilobytes(value):
    return f"{value / 1000:,.0f} kB".replace(",", "\u00a0")


def megabytes(value):
    return f"{value / 1_000_000:.1f} MB"


def number(value):
    """Return a whole number with its thousands set apart."""
    return f"{value:,}".replace(",", "\u00a0")


def machine():
    """Return one line about the machine: what it has, and how busy it is."""
    cpu = ""
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if "model name" in line]
        cpu = f" ({lines[0].partition(':')[2].strip()})" if lines else ""
    python = platform.python_version()
    return f"{os.cpu_count()} cores{cpu}, Python {python}, {load()}"


def load():
    """Return how busy the machine has been for the last 1, 5 and 15 minutes."""
    return "load " + ", ".join(f"{value:.1f}" for value in os.getloadavg())


def render(heading, rows, verdicts=True):
    """Return the table as text.

    :param verdicts: whether to say which targets are met
    """
    lines = [_HEAD, *(row.cells(verdicts) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [
        "  ".join(
            cell.ljust(width) if place in (0, 5) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()
        for cells in lines
    ]
    rule = "-" * max(map(len, text))
    return "\n".join([*heading, rule, text[0], rule, *text[1:], rule])
