"""Probes: what one attempt finds, told from the probe, the container's ports and the program in the image."""

from __future__ import annotations

from dataclasses import dataclass, replace

from deploy.sandbox.cluster.images import App
from deploy.sandbox.cluster.objects.shapes import Object

_EVENTS_BEFORE_SLOWING = 25
_SLOW_SECONDS = 300.0


@dataclass(frozen=True)
class Attempts:
    """One probe's history within one run of a container."""

    next_at: float
    failures: int = 0
    """In a row."""
    passed: bool = False

    def failed(self, period: float) -> Attempts:
        """After one more failure; a probe that has failed for long speaks up more rarely, as kubelet events do."""
        pause = period if self.failures < _EVENTS_BEFORE_SLOWING else max(period, _SLOW_SECONDS)
        return replace(self, next_at=self.next_at + pause, failures=self.failures + 1, passed=False)

    def succeeded(self, period: float) -> Attempts:
        """After a success."""
        return replace(self, next_at=self.next_at + period, failures=0, passed=True)


def first_attempts(probe: Object | None, now: float, after_period: bool) -> Attempts | None:
    """The first attempt of a probe of a container started at `now`: after a period, or as soon as may be."""
    if not probe:
        return None
    delay = float(probe.get("initialDelaySeconds") or 0)
    return Attempts(now + (delay + period(probe) if after_period else max(delay, 1.0)))


def period(probe: Object) -> float:
    """Seconds between two attempts."""
    return float(probe.get("periodSeconds") or 10)


def failure(probe: Object, container: Object, app: App, up: float, address: str, needs_met: bool) -> str:
    """Why an attempt fails `up` seconds after the start, in the kubelet's words; nothing when it succeeds."""
    if get := probe.get("httpGet"):
        return _http_failure(get, container, app, up, address, needs_met)
    if tcp := probe.get("tcpSocket"):
        port = port_number(tcp.get("port"), container)
        return "" if port == app.port and up >= app.boot_seconds else _refused(address, port)
    if grpc := probe.get("grpc"):
        port = port_number(grpc.get("port"), container)
        listening = port == app.port and up >= app.boot_seconds
        return "" if listening else f'timeout: failed to connect service "{address}:{port}" within 1s'
    return ""  # a command: the table says nothing of commands, so they succeed


def _http_failure(get: Object, container: Object, app: App, up: float, address: str, needs_met: bool) -> str:
    port, path = port_number(get.get("port"), container), get.get("path") or "/"
    if port != app.port or up < app.boot_seconds:
        return f'Get "http://{address}:{port}{path}": {_refused(address, port)}'
    if path not in app.paths:
        return "HTTP probe failed with statuscode: 404"
    if path == "/readyz" and not needs_met:
        return "HTTP probe failed with statuscode: 503"
    return ""


def _refused(address: str, port: int | None) -> str:
    return f"dial tcp {address}:{port}: connect: connection refused"


def port_number(port: int | str | None, container: Object) -> int | None:
    """The number of a port given by number or by the name of one of the container's ports."""
    if isinstance(port, int):
        return port
    if port is not None and port.isdigit():
        return int(port)
    named = (entry["containerPort"] for entry in container.get("ports") or [] if entry.get("name") == port)
    return next(named, None)
