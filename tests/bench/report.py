"""The table and the JSON a run ends with: every row, what it was held against, and how noisy the machine was."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.machine import Noise
from tests.bench.rows import Row
from tools.values import JsonValue

HEADINGS = ("measurement", "result", "target", "verdict", "how measured")
QUIET_LOAD = 1.0
"""Waiting processes for each core from which on the numbers say more about the neighbours."""


@dataclass(frozen=True)
class Report:
    """One run. `seconds` is how long all of it took."""

    before: Noise
    after: Noise
    rows: tuple[Row, ...]
    seconds: float

    @property
    def quiet(self) -> bool:
        """Whether the machine had little else to do. The run itself keeps about one core busy."""
        return max(self.before.load, self.after.load) <= QUIET_LOAD * self.before.cores

    @property
    def missed(self) -> tuple[Row, ...]:
        """The rows whose targets were missed."""
        return tuple(row for row in self.rows if row.verdict == "MISSED")


def table(report: Report) -> str:
    """For people, in columns as wide as what is in them."""
    lines = [HEADINGS, *(_cells(row) for row in report.rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS) - 1)]
    drawn = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]) for line in lines
    ]
    drawn.insert(1, "  ".join("-" * width for width in (*widths, len(HEADINGS[-1]))))
    return "\n".join([*drawn, "", *_feet(report)])


def as_json(report: Report) -> dict[str, JsonValue]:
    """For programs."""
    rows: list[JsonValue] = [_row_json(row) for row in report.rows]
    noise: dict[str, JsonValue] = {"before": _noise_json(report.before), "after": _noise_json(report.after)}
    return {"machine": noise, "quiet": report.quiet, "seconds": round(report.seconds, 1), "rows": rows}


def quantity(value: float | None, unit: str) -> str:
    """A number as people write it: three digits that mean something, whole numbers whole."""
    if value is None:
        return "-"
    shown = f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.3g}"
    return f"{shown} {unit}".rstrip()


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    return row.what, quantity(row.value, row.unit), _wanted(row), row.verdict, row.how


def _wanted(row: Row) -> str:
    if row.target is None:
        return ""
    sign = {"under": "<", "over": ">", "equal": "="}[row.target.relation]
    return f"{sign} {quantity(row.target.bound, row.unit)}"


def _feet(report: Report) -> list[str]:
    counted = f"targets missed: {len(report.missed)}" if report.missed else "no target missed"
    lines = [
        f"before: {report.before.words()}",
        f"after:  {report.after.words()}",
        f"{counted}; {report.seconds:.0f} s in all",
    ]
    if not report.quiet:
        lines.append("The machine was busy with other things: times are longer here than on a quiet one.")
    return lines


def _row_json(row: Row) -> dict[str, JsonValue]:
    target: JsonValue = None if row.target is None else {"relation": row.target.relation, "bound": row.target.bound}
    return {
        "what": row.what,
        "value": row.value,
        "unit": row.unit,
        "target": target,
        "verdict": row.verdict,
        "how": row.how,
    }


def _noise_json(noise: Noise) -> dict[str, JsonValue]:
    return {
        "cores": noise.cores,
        "load": round(noise.load, 2),
        "calibration_ms": round(noise.calibration_ms, 2),
        "fsync_ms": round(noise.fsync_ms, 2),
    }
