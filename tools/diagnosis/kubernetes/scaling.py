"""Rules about HorizontalPodAutoscalers: at their end, blind, aimed at nothing, switched off.

At the minimum, stabilising and in its first minutes an autoscaler is well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from difflib import get_close_matches
from textwrap import shorten

from tools import resources
from tools.diagnosis.confidence import Strength, confidence
from tools.diagnosis.kubernetes import citing
from tools.diagnosis.kubernetes.citing import Found
from tools.evidence import Evidence, Severity
from tools.reads.kubernetes import quantities
from tools.reads.kubernetes.picture import Picture, selects
from tools.reads.kubernetes.views import Autoscaler, Condition, MetricTarget, Workload

WARM_UP = timedelta(minutes=5)
"""How long metrics may take to come after an autoscaler or its pods were made."""

LONGEST_REASON = 240
"""Most characters of the controller's words within a sentence."""

_NO_REQUEST = re.compile(r"missing request for (\w+)")
_PERCENT = re.compile(r"^(\d+(?:\.\d+)?)\s*%")


def findings(picture: Picture) -> Iterator[Found]:
    """What is wrong with the namespace's autoscalers."""
    for scaler in picture.autoscalers:
        target = picture.workload(scaler.target_kind, scaler.target)
        if target is not None and target.paused:
            continue
        for rule in (hpa_target_missing, hpa_switched_off, hpa_blind, hpa_at_max):
            found = rule(scaler, target, picture)
            if found is not None:
                yield found
                break


def hpa_target_missing(scaler: Autoscaler, target: Workload | None, picture: Picture) -> Found | None:
    """k8s.hpa_target_missing: AbleToScale=False FailedGetScale, and nothing of that kind and name exists."""
    able = scaler.condition("AbleToScale")
    if target is not None or able is None or able.status != "False" or able.reason != "FailedGetScale":
        return None
    if "not found" not in able.message:
        return None
    names = [found.name for found in picture.workloads if found.kind == scaler.target_kind]
    near = get_close_matches(scaler.target, names, 1)
    return _found(
        "k8s.hpa_target_missing",
        f"Autoscaler {scaler.name} scales nothing",
        f"Autoscaler {scaler.name} scales {scaler.target_kind} {scaler.target}, which does not exist"
        f"{f'; {near[0]} does' if near else ''}.",
        scaler,
        picture,
        able,
        _target(scaler, picture),
        confirmed=bool(near),
    )


def hpa_switched_off(scaler: Autoscaler, target: Workload | None, picture: Picture) -> Found | None:
    """k8s.hpa_switched_off: scaled to 0 by hand, which disables the autoscaler, while traffic is still led there.

    Nobody can tell a mistake from a purpose by the count alone: an Ingress in front of it, or the alert, says that
    somebody wants it.
    """
    active = scaler.condition("ScalingActive")
    if target is None or target.wanted or active is None or active.reason != "ScalingDisabled":
        return None
    # Who keeps an autoscaler brings the count to 0 and back again: KEDA sleeps while its queue is empty.
    if scaler.minimum == 0 or scaler.kept_by or not _is_wanted(target, picture):
        return None
    by = f" by {target.changed_by}" if target.changed_by else ""
    return _found(
        "k8s.hpa_switched_off",
        f"{target.name} is scaled to 0, which switches its autoscaler off",
        f"{target.kind} {target.name} was scaled to 0{by}; autoscaler {scaler.name} ({scaler.minimum} to "
        f"{scaler.maximum}) does not act below 1, so it stays there.",
        scaler,
        picture,
        active,
        citing.counts(picture, target),
        citing.quote(
            picture,
            f"horizontalpodautoscalers/{scaler.name}",
            "spec",
            f"minReplicas {scaler.minimum}, maxReplicas {scaler.maximum}; last changed{by or ' by nobody known'}",
            "its bounds",
        ),
        strength=Strength.FITTING,
        severity=Severity.SEV1,
    )


def hpa_blind(scaler: Autoscaler, target: Workload | None, picture: Picture) -> Found | None:
    """k8s.hpa_blind: ScalingActive=False FailedGet...Metric for more than some minutes, with pods to measure."""
    active = scaler.condition("ScalingActive")
    if active is None or active.status != "False" or not active.reason.startswith("FailedGet"):
        return None
    if target is None or target.available == 0 or _is_young(scaler, active, picture):
        return None
    lacking = _NO_REQUEST.search(active.message)
    containers = without_request(target, lacking[1]) if lacking else ()
    why = (
        f"container {', '.join(containers)} requests no {lacking[1]}, so there is nothing to measure use against"
        if lacking and containers
        else f"it gets no metrics: {_told(active)}"
    )
    requests = "; ".join(f"{one.name}: {dict(one.requests) or 'none'}" for one in target.template.containers)
    return _found(
        "k8s.hpa_blind",
        f"Autoscaler {scaler.name} sees no metrics",
        f"Autoscaler {scaler.name} cannot scale {target.name}: {why}.",
        scaler,
        picture,
        active,
        citing.quote(
            picture, citing.path_of(target), "spec.template.spec.containers[].resources.requests", requests, "requests"
        ),
        confirmed=bool(containers),
    )


def _told(said: Condition) -> str:
    """Why, without the controller's preamble, cut at a word."""
    return shorten(said.message.rpartition("replica count: ")[2], LONGEST_REASON, placeholder=" …").rstrip(".")


def hpa_at_max(scaler: Autoscaler, target: Workload | None, picture: Picture) -> Found | None:
    """k8s.hpa_at_max: ScalingLimited=True TooManyReplicas with a metric still over its target."""
    limited = scaler.condition("ScalingLimited")
    if target is None or limited is None or limited.status != "True" or limited.reason != "TooManyReplicas":
        return None
    over = [metric for metric in scaler.metrics if is_over(metric)]
    if scaler.current < scaler.maximum or (scaler.metrics and not over):
        return None
    shown = ", ".join(f"{one.name} {one.current} for a target of {one.target}" for one in over)
    return _found(
        "k8s.hpa_at_max",
        f"{target.name} is at its autoscaler's maximum",
        f"Autoscaler {scaler.name} would add pods to {target.name} but may not go beyond {scaler.maximum}"
        f"{f': {shown}' if shown else ''}.",
        scaler,
        picture,
        limited,
        citing.quote(
            picture,
            f"horizontalpodautoscalers/{scaler.name}",
            "status",
            f"current {scaler.current}, maximum {scaler.maximum}{f', {shown}' if shown else ''}",
            "where it is and where it may go",
        ),
        strength=Strength.MATCHED if over else Strength.FITTING,
    )


def without_request(target: Workload, resource: str) -> tuple[str, ...]:
    """The containers of a workload that request none of a resource; a limit stands in for a request."""
    return tuple(
        found.name
        for found in target.template.containers
        if resource not in found.requests and resource not in found.limits
    )


def is_over(metric: MetricTarget) -> bool:
    """Whether a metric is above its target, by more than the tenth an autoscaler lets pass."""
    current, target = _number(metric.current), _number(metric.target)
    return current is not None and target is not None and target > 0 and current > target * 1.1


def _number(written: str) -> float | None:
    percent = _PERCENT.match(written.strip())
    if percent:
        return float(percent[1])
    amount = quantities.amount(written.strip())
    return float(amount) if amount is not None else None


def _is_young(scaler: Autoscaler, said: Condition, picture: Picture) -> bool:
    """Whether it, or what it says, is too new to count."""
    times = [time for time in (scaler.created, said.since) if time is not None]
    return bool(times) and picture.now - max(times) < WARM_UP


def _is_wanted(target: Workload, picture: Picture) -> bool:
    """Whether somebody expects an answer: the alert names it or its Service, or an Ingress or route leads there."""
    names = {found.name for found in picture.services if selects(found.selector, target.template.labels)}
    subject = picture.subject
    if target.name in (subject.deployment, subject.name) or subject.service in names:
        return True
    backends = [rule.backend for ingress in picture.ingresses for rule in ingress.rules]
    backends += [backend for route in picture.routes for backend in route.backends]
    return any(backend.service in names for backend in backends)


def _found(
    code: str,
    title: str,
    statement: str,
    scaler: Autoscaler,
    picture: Picture,
    said: Condition,
    *more: Evidence | None,
    confirmed: bool = False,
    strength: Strength = Strength.STATED,
    severity: Severity = Severity.SEV3,
) -> Found:
    return citing.found(
        code,
        title,
        statement,
        resource=resources.kubernetes(picture.namespace, "HorizontalPodAutoscaler", scaler.name),
        severity=severity,
        confidence=confidence(strength, confirmed=confirmed),
        since=said.since,
        evidence=(citing.condition(picture, f"horizontalpodautoscalers/{scaler.name}", said), *more),
    )


def _target(scaler: Autoscaler, picture: Picture) -> Evidence:
    text = f"{scaler.target_kind}/{scaler.target}"
    path = f"horizontalpodautoscalers/{scaler.name}"
    return citing.quote(picture, path, "spec.scaleTargetRef", text, f"it scales {text}")
