"""Where a container can stand, what its next step depends on, and what a step brings about. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from deploy.sandbox.cluster.images import App
from deploy.sandbox.cluster.kubelet.probes import Attempts
from deploy.sandbox.cluster.objects.shapes import Object

LONGEST_BACK_OFF = 300.0


class Phase(StrEnum):
    """Where a container stands."""

    PULLING = "pulling"
    PULL_FAILED = "pull failed"
    PULL_BACK_OFF = "pull back-off"
    BLOCKED = "blocked"
    """Its configuration refers to something that is not there."""
    RUNNING = "running"
    CRASHED = "crashed"
    """Waiting to be started again."""
    ENDED = "ended"


@dataclass(frozen=True)
class Termination:
    """How a run of the container ended."""

    exit_code: int
    reason: str
    started_at: str
    finished_at: str
    instance: int


@dataclass(frozen=True)
class Container:
    """One container of one pod, over all its restarts."""

    image: str
    phase: Phase
    since: float
    since_stamp: str
    restarts: int = 0
    crashes: int = 0
    """In a row, as the back-off counts them."""
    pulls: int = 0
    reason: str = ""
    message: str = ""
    last: Termination | None = None
    up: bool = False
    """The program has booted."""
    ready: bool = False
    started: bool = False
    startup: Attempts | None = None
    liveness: Attempts | None = None
    readiness: Attempts | None = None


@dataclass(frozen=True)
class Said:
    """One event about the container."""

    warning: bool
    reason: str
    message: str


@dataclass(frozen=True)
class Facts:
    """What a container's next step depends on besides its own spec."""

    now: float
    stamp: str
    pod: str
    """`name_namespace(uid)`, as the kubelet's messages name it."""
    address: str
    app: App | None
    environment: Mapping[str, str] | str
    """The variables the program would see, or why they cannot be had."""
    restart_policy: str = "Always"
    has_pull_secret: bool = False
    needs_met: bool = True


@dataclass(frozen=True)
class Step:
    """What one step did: the container after it, what was said and logged, and when to look again at the latest."""

    container: Container
    said: tuple[Said, ...] = ()
    lines: tuple[str, ...] = ()
    wake_at: float | None = None
    moved: bool = True


def new_container(spec: Object, now: float, stamp: str) -> Container:
    """A container whose image is about to be pulled."""
    return Container(image=spec["image"], phase=Phase.PULLING, since=now, since_stamp=stamp)


def back_off(crashes: int) -> float:
    """Seconds until a container that has crashed so often in a row starts again."""
    return 0.5 if crashes <= 1 else min(10.0 * 2 ** (crashes - 2), LONGEST_BACK_OFF)
