"""A container while its program runs: booting, being probed, ending."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from deploy.sandbox.cluster.images import App
from deploy.sandbox.cluster.kubelet.probes import Attempts, failure, first_attempts, period
from deploy.sandbox.cluster.kubelet.states import Container, Facts, Phase, Said, Step, Termination
from deploy.sandbox.cluster.objects.quantities import quantity
from deploy.sandbox.cluster.objects.shapes import Object

_FORGIVEN_AFTER = 600.0


def run(container: Container, spec: Object, facts: Facts) -> Step:
    """The next thing that happens to a running container, or when it will."""
    app = facts.app or App()
    end = _end_of(container, spec, app, facts)
    if end is not None and end[0] <= facts.now:
        _, exit_code, reason, line = end
        return _terminate(container, spec, facts, exit_code, reason, (), (line,) if line else ())
    if not container.up and facts.now >= container.since + app.boot_seconds:
        return _boot(container, spec, app, facts)
    probed = _probe(container, spec, app, facts)
    if probed is not None:
        return probed
    waits = [at for at in _wakes(container, spec, app) if at is not None]
    if end is not None:
        waits.append(end[0])
    return Step(container, wake_at=min(waits, default=None), moved=False)


def _end_of(container: Container, spec: Object, app: App, facts: Facts) -> tuple[float, int, str, str] | None:
    """The first end that spec and program bring about: when, exit code, reason, last line."""
    ends: list[tuple[float, int, str, str]] = []
    environment = facts.environment if isinstance(facts.environment, Mapping) else {}
    missing = [name for name in app.env if not environment.get(name)]
    if missing:
        line = f"ERROR required environment variable {missing[0]} is not set"
        ends.append((container.since + 0.5, 1, "Error", line))
    limit = ((spec.get("resources") or {}).get("limits") or {}).get("memory")
    seconds = app.seconds_to_memory(quantity(limit)) if limit else None
    if seconds is not None:
        ends.append((container.since + seconds, 137, "OOMKilled", "INFO loading working set"))
    if app.finishes_after is not None:
        reason = "Completed" if app.exit_code == 0 else "Error"
        ends.append((container.since + app.finishes_after, app.exit_code, reason, app.log[-1] if app.log else ""))
    return min(ends, default=None)


def _boot(container: Container, spec: Object, app: App, facts: Facts) -> Step:
    lines = (f"INFO listening on :{app.port}",) if app.port else ()
    up = replace(container, up=True)
    if not spec.get("readinessProbe") and up.started:
        up = replace(up, ready=True)
    return Step(up, (), lines + (app.log if app.finishes_after is None else ()))


def _started(container: Container, spec: Object, now: float) -> Container:
    return replace(
        container,
        started=True,
        liveness=container.liveness or first_attempts(spec.get("livenessProbe"), now, after_period=True),
        readiness=container.readiness or first_attempts(spec.get("readinessProbe"), now, after_period=False),
    )


def _probe(container: Container, spec: Object, app: App, facts: Facts) -> Step | None:
    """Make the probe attempt that is due, if one is."""
    if not container.started:
        if not spec.get("startupProbe"):  # liveness and readiness are asked from the start of the container
            return Step(_started(container, spec, container.since))
        return _attempt(container, spec, app, facts, "startup")
    return _attempt(container, spec, app, facts, "liveness") or _attempt(container, spec, app, facts, "readiness")


def _attempt(container: Container, spec: Object, app: App, facts: Facts, which: str) -> Step | None:
    attempts = {"startup": container.startup, "liveness": container.liveness, "readiness": container.readiness}[which]
    if attempts is None or attempts.next_at > facts.now or _is_settled(attempts, app, which):
        return None
    probe = spec[f"{which}Probe"]
    why = failure(probe, spec, app, round(attempts.next_at - container.since, 6), facts.address, facts.needs_met)
    if not why:
        passed = _with(container, which, attempts.succeeded(period(probe)))
        return Step(_passed(passed, spec, facts.now, which))
    failed = attempts.failed(period(probe))
    said = Said(True, "Unhealthy", f"{which.capitalize()} probe failed: {why}")
    if which != "readiness" and failed.failures >= int(probe.get("failureThreshold") or 3):
        killing = Said(False, "Killing", f"Container {spec['name']} failed {which} probe, will be restarted")
        return _terminate(container, spec, facts, 137, "Error", (said, killing), ())
    failing = _with(container, which, failed)
    gone = which == "readiness" and failed.failures >= int(probe.get("failureThreshold") or 3)
    return Step(replace(failing, ready=False) if gone else failing, (said,))


def _with(container: Container, which: str, attempts: Attempts) -> Container:
    match which:
        case "startup":
            return replace(container, startup=attempts)
        case "liveness":
            return replace(container, liveness=attempts)
        case _:
            return replace(container, readiness=attempts)


def _passed(container: Container, spec: Object, now: float, which: str) -> Container:
    match which:
        case "startup":
            started = _started(container, spec, now)
            return started if spec.get("readinessProbe") else replace(started, ready=started.up)
        case "readiness":
            return replace(container, ready=True)
        case _:
            return container


def _is_settled(attempts: Attempts, app: App, which: str) -> bool:
    """A probe that has passed passes for ever, since spec and program stay; unless it asks for other services."""
    return attempts.passed and not (which == "readiness" and app.needs)


def _wakes(container: Container, spec: Object, app: App) -> list[float | None]:
    boot = None if container.up else container.since + app.boot_seconds
    probes = [("startup", container.startup)] if not container.started else []
    probes += [("liveness", container.liveness), ("readiness", container.readiness)] if container.started else []
    due = [attempts.next_at for which, attempts in probes if attempts and not _is_settled(attempts, app, which)]
    return [boot, *due]


def _terminate(
    container: Container,
    spec: Object,
    facts: Facts,
    exit_code: int,
    reason: str,
    said: tuple[Said, ...],
    lines: tuple[str, ...],
) -> Step:
    last = Termination(exit_code, reason, container.since_stamp, facts.stamp, container.restarts)
    again = facts.restart_policy == "Always" or (facts.restart_policy == "OnFailure" and exit_code != 0)
    forgiven = facts.now - container.since >= _FORGIVEN_AFTER
    crashes = 1 if forgiven else container.crashes + 1
    ended = replace(
        container,
        phase=Phase.CRASHED if again else Phase.ENDED,
        since=facts.now,
        crashes=crashes,
        last=last,
        up=False,
        ready=False,
        started=False,
    )
    if again and crashes > 1:
        text = f"Back-off restarting failed container {spec['name']} in pod {facts.pod}"
        said = (*said, Said(True, "BackOff", text))
    return Step(ended, said, lines)
