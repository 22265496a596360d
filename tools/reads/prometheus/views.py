"""What is read from Prometheus, typed. Parsing and asking are in the modules beside."""

from __future__ import annotations

from pydantic import AwareDatetime

from tools.charts import Point
from tools.values import Value


class Series(Value):
    """One time series: its labels (redacted) and its points, oldest first. Values that are no number are left out."""

    labels: dict[str, str]
    points: tuple[Point, ...]

    @property
    def name(self) -> str:
        """As Prometheus writes it: `up{instance="...", job="node"}`."""
        inner = ", ".join(f'{key}="{value}"' for key, value in sorted(self.labels.items()) if key != "__name__")
        return self.labels.get("__name__", "") + (f"{{{inner}}}" if inner else "")

    @property
    def latest(self) -> Point | None:
        """The newest point."""
        return self.points[-1] if self.points else None


class Answer(Value):
    """What a query gave. `partial` says in plain words what is missing from it."""

    expression: str
    series: tuple[Series, ...]
    partial: tuple[str, ...] = ()


class AlertRule(Value):
    """An alerting rule as Prometheus runs it."""

    name: str
    group: str
    query: str
    seconds: float
    """How long the expression must hold before it fires."""
    labels: dict[str, str]
    state: str
    health: str
    last_error: str = ""


class Target(Value):
    """Something Prometheus scrapes. `labels` are what its series carry."""

    labels: dict[str, str]
    health: str
    last_error: str = ""
    last_scrape: AwareDatetime | None = None
