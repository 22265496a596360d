"""The life of one container, as a pure function: where it stands, its spec, and the facts give where it goes next.

Nothing here reads a clock or a store. `step` makes at most one transition; the caller repeats it until nothing moves.
What happens while the program runs is in `running`.
"""

from __future__ import annotations

import re
from dataclasses import replace

from deploy.sandbox.cluster.images import pull_refusal
from deploy.sandbox.cluster.kubelet import running
from deploy.sandbox.cluster.kubelet.probes import first_attempts
from deploy.sandbox.cluster.kubelet.states import (
    LONGEST_BACK_OFF,
    Container,
    Facts,
    Phase,
    Said,
    Step,
    back_off,
    new_container,
)
from deploy.sandbox.cluster.objects.shapes import Object

PULL_SECONDS = 0.5
PULL_FAILED_SECONDS = 2.0
_IMAGE_NAME = re.compile(r"^[a-z0-9]+[a-z0-9._/:@-]*$")


def step(container: Container, spec: Object, facts: Facts) -> Step:
    """The next transition that is due, or when it will be."""
    if spec["image"] != container.image:
        return _replace_image(container, spec, facts)
    match container.phase:
        case Phase.PULLING:
            return _pull(container, spec, facts)
        case Phase.PULL_FAILED:
            return _give_up_pulling(container, facts)
        case Phase.PULL_BACK_OFF:
            wait = min(10.0 * 2**container.pulls, LONGEST_BACK_OFF)
            return _later(container, container.since + wait, facts, Phase.PULLING)
        case Phase.BLOCKED:
            return (
                Step(container, moved=False) if isinstance(facts.environment, str) else _start(container, spec, facts)
            )
        case Phase.RUNNING:
            return running.run(container, spec, facts)
        case Phase.CRASHED:
            return _restart(container, spec, facts)
        case Phase.ENDED:
            return Step(container, moved=False)


def _later(container: Container, at: float, facts: Facts, then: Phase) -> Step:
    if facts.now < at:
        return Step(container, wake_at=at, moved=False)
    return Step(replace(container, phase=then, since=facts.now, since_stamp=facts.stamp))


def _replace_image(container: Container, spec: Object, facts: Facts) -> Step:
    fresh = replace(
        new_container(spec, facts.now, facts.stamp),
        restarts=container.restarts + (container.phase in (Phase.RUNNING, Phase.CRASHED)),
        last=container.last,
    )
    said = Said(False, "Killing", f"Container {spec['name']} definition changed, will be restarted")
    return Step(fresh, (said,) if container.phase is Phase.RUNNING else ())


def _pull(container: Container, spec: Object, facts: Facts) -> Step:
    at = container.since + PULL_SECONDS
    if facts.now < at:
        return Step(container, wake_at=at, moved=False)
    if not _IMAGE_NAME.match(container.image):
        text = f'Failed to apply default image tag "{container.image}": couldn\'t parse image name'
        return _pull_failed(container, facts, "InvalidImageName", text)
    if facts.app is None and spec.get("imagePullPolicy") == "Never":
        text = f'Container image "{container.image}" is not present with pull policy of Never'
        return _pull_failed(container, facts, "ErrImageNeverPull", text)
    if facts.app is None:
        return _pull_failed(container, facts, "ErrImagePull", pull_refusal(container.image, facts.has_pull_secret))
    started = _start(container, spec, facts)
    pulled = Said(False, "Pulled", f'Container image "{container.image}" already present on machine')
    return replace(started, said=(pulled, *started.said))


def _pull_failed(container: Container, facts: Facts, reason: str, message: str) -> Step:
    failed = replace(
        container,
        phase=Phase.PULL_FAILED,
        since=facts.now,
        pulls=container.pulls + 1,
        reason=reason,
        message=message,
    )
    return Step(failed, (Said(True, "Failed", message), Said(True, "Failed", f"Error: {reason}")))


def _give_up_pulling(container: Container, facts: Facts) -> Step:
    if container.reason != "ErrImagePull":
        return Step(container, moved=False)
    moved = _later(container, container.since + PULL_FAILED_SECONDS, facts, Phase.PULL_BACK_OFF)
    if not moved.moved:
        return moved
    text = f'Back-off pulling image "{container.image}"'
    waiting = replace(moved.container, message=f"{text}: ErrImagePull: {container.message}")
    return Step(waiting, (Said(False, "BackOff", text), Said(True, "Failed", "Error: ImagePullBackOff")))


def _start(container: Container, spec: Object, facts: Facts) -> Step:
    if isinstance(facts.environment, str):
        blocked = replace(
            container,
            phase=Phase.BLOCKED,
            since=facts.now,
            reason="CreateContainerConfigError",
            message=facts.environment,
        )
        return Step(blocked, (Said(True, "Failed", f"Error: {facts.environment}"),))
    begun = replace(
        container,
        phase=Phase.RUNNING,
        since=facts.now,
        since_stamp=facts.stamp,
        reason="",
        message="",
        up=False,
        ready=False,
        started=False,
        startup=first_attempts(spec.get("startupProbe"), facts.now, after_period=True),
        liveness=None,
        readiness=None,
    )
    name = spec["name"]
    said = (Said(False, "Created", f"Created container: {name}"), Said(False, "Started", f"Started container {name}"))
    return Step(begun, said, (f"INFO starting {container.image}",))


def _restart(container: Container, spec: Object, facts: Facts) -> Step:
    at = container.since + back_off(container.crashes)
    if facts.now < at:
        return Step(container, wake_at=at, moved=False)
    return _start(replace(container, restarts=container.restarts + 1), spec, facts)
