"""The HTTP API over what was measured: queries, rules, targets. Refuses what it does not know, as Prometheus would."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TypeAlias

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.sandbox.prometheus.metrics import Labels, Metrics
from deploy.sandbox.serving import LoopbackServer

Json: TypeAlias = "str | float | bool | list[Json] | dict[str, Json]"

MOST_POINTS = 11_000
"""Prometheus' own limit."""
_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_EXPRESSION = re.compile(
    rf"\s*(?P<name>[A-Za-z_:][\w:]*)\s*(?:\{{(?P<matchers>[^}}]*)\}})?\s*(?:(?P<sign>>=|<=|==|!=|>|<)\s*(?P<limit>{_NUMBER}))?\s*"
)
_MATCHER = re.compile(r'\s*(\w+)\s*=\s*"([^"]*)"\s*')
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": lambda value, limit: value > limit,
    "<": lambda value, limit: value < limit,
    ">=": lambda value, limit: value >= limit,
    "<=": lambda value, limit: value <= limit,
    "==": lambda value, limit: value == limit,
    "!=": lambda value, limit: value != limit,
}


@dataclass(frozen=True)
class Rule:
    """An alerting rule."""

    name: str
    query: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """Something scraped; `error` says why it is down."""

    labels: Mapping[str, str]
    error: str = ""


class Refused(Exception):
    """The expression is not one this Prometheus knows."""


class Prometheus:
    """`with Prometheus(metrics, rules) as prometheus: prometheus.url`. With a token, nobody else may ask."""

    def __init__(
        self,
        metrics: Metrics,
        rules: Sequence[Rule] = (),
        targets: Sequence[Target] = (),
        *,
        port: int = 0,
        token: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._metrics, self._rules, self._targets = metrics, rules, targets
        self._token, self._clock = token, clock
        self.asked: list[str] = []
        """Every expression that was evaluated."""
        routes = [
            Route("/api/v1/query", self._query),
            Route("/api/v1/query_range", self._range),
            Route("/api/v1/rules", self._all_rules),
            Route("/api/v1/targets", self._all_targets),
        ]
        self._server = LoopbackServer(Starlette(routes=routes), port)

    @property
    def url(self) -> str:
        """The base address, for SAYSO_PROMETHEUS_URL."""
        return f"{self._server.url}/"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    def _query(self, request: Request) -> Response:
        at = float(request.query_params.get("time") or self._clock())
        if re.fullmatch(_NUMBER, said := request.query_params.get("query", "")):
            return self._answer(request, {"resultType": "scalar", "result": [at, said]})
        return self._evaluated(request, "vector", [at])

    def _range(self, request: Request) -> Response:
        start, end, step = (float(request.query_params[name]) for name in ("start", "end", "step"))
        if step <= 0 or (end - start) / step > MOST_POINTS:
            return self._refusal("exceeded maximum resolution of 11,000 points per timeseries")
        moments = [start + step * number for number in range(int((end - start) / step) + 1)]
        return self._evaluated(request, "matrix", moments)

    def _evaluated(self, request: Request, kind: str, moments: list[float]) -> Response:
        expression = request.query_params.get("query", "")
        self.asked.append(expression)
        try:
            found = self._values(expression, moments)
        except Refused as refused:
            return self._refusal(str(refused))
        result: list[Json] = []
        for labels, points in found:
            values: list[Json] = [[at, f"{value:g}"] for at, value in points]
            shown: dict[str, Json] = {"metric": dict[str, Json](labels)}
            result.append(shown | ({"value": values[0]} if kind == "vector" else {"values": values}))
        return self._answer(request, {"resultType": kind, "result": result})

    def _values(self, expression: str, moments: list[float]) -> list[tuple[Labels, list[tuple[float, float]]]]:
        """Each series with its points, where it has any that pass the comparison."""
        match = _EXPRESSION.fullmatch(expression)
        if match is None:
            raise Refused(f"1:1: parse error: this stand-in knows selectors and comparisons, not {expression[:80]!r}")
        wanted = dict(_MATCHER.findall(match["matchers"] or ""))
        passes = _COMPARE[match["sign"]] if match["sign"] else None
        found = []
        for labels in self._metrics.labels(match["name"]):
            if not wanted.items() <= set(labels):
                continue
            values = ((at, self._metrics.value(match["name"], labels, at)) for at in moments)
            points = [
                (at, value)
                for at, value in values
                if value is not None and (passes is None or passes(value, float(match["limit"])))
            ]
            if points:
                found.append(((("__name__", match["name"]), *labels), points))
        return found

    def _all_rules(self, request: Request) -> Response:
        rules: list[Json] = []
        for rule in self._rules:
            shown: dict[str, Json] = {"name": rule.name, "query": rule.query, "labels": dict[str, Json](rule.labels)}
            rules.append(shown | {"type": "alerting", "duration": 0.0} | self._state(rule))
        return self._answer(request, {"groups": [{"name": "sandbox", "file": "sandbox.yml", "rules": rules}]})

    def _state(self, rule: Rule) -> dict[str, Json]:
        try:
            firing = bool(self._values(rule.query, [self._clock()]))
        except Refused as refused:
            return {"state": "unknown", "health": "err", "lastError": str(refused)}
        return {"state": "firing" if firing else "inactive", "health": "ok"}

    def _all_targets(self, request: Request) -> Response:
        scraped = datetime.fromtimestamp(self._clock(), UTC).isoformat()
        active: list[Json] = [
            {
                "labels": dict[str, Json](one.labels),
                "health": "down" if one.error else "up",
                "lastError": one.error,
                "lastScrape": scraped,
            }
            for one in self._targets
        ]
        return self._answer(request, {"activeTargets": active, "droppedTargets": []})

    def _answer(self, request: Request, data: dict[str, Json]) -> Response:
        if self._token is not None and request.headers.get("authorization") != f"Bearer {self._token}":
            return JSONResponse({"status": "error", "errorType": "unauthorized", "error": "no token"}, 401)
        return JSONResponse({"status": "success", "data": data})

    def _refusal(self, why: str) -> Response:
        return JSONResponse({"status": "error", "errorType": "bad_data", "error": why}, 400)
