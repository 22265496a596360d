"""Rules about Services whose selector matches nothing. Ports are in `ports`, pods not ready in `endpoints`.

A Service without a selector, a headless one, or one whose workload sleeps is nobody's fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher

from tools import resources
from tools.diagnosis.kubernetes import citing, owners
from tools.diagnosis.kubernetes.citing import Found
from tools.evidence import Evidence, Severity
from tools.reads.kubernetes.picture import Picture, selects
from tools.reads.kubernetes.views import Endpoints, Service, Workload

_NEEDED = frozenset({"deployments", "statefulsets", "daemonsets", "endpointslices"})
"""What must have been read before "nothing matches" can be said, where no workload comes near: one may be asleep."""

NEAR = 0.6
"""Least likeness (0 to 1) of all labels together at which they count as what was meant."""
NEAR_VALUE = 0.5
"""Least likeness of each single value: `blue` is no slip of the pen for `green`."""
ELSEWHERE = 0.7
"""What the right value under another key is worth, and"""
ABSENT = 0.2
"""what a label is worth that the pods do not have at all."""

ROLLOUTS = "rollouts-pod-template-hash"
"""Argo Rollouts points Services at one revision with this label; it is between two of them now and then."""


def findings(picture: Picture) -> Iterator[Found]:
    """What is wrong with the selectors of the namespace's Services."""
    for service in picture.services:
        found = selector_matches_nothing(service, picture)
        if found is not None:
            yield found


def selector_matches_nothing(service: Service, picture: Picture) -> Found | None:
    """k8s.selector_matches_nothing: a selector no pod and no workload's template matches, and an empty slice."""
    if not is_judged(service) or not picture.has_read("pods") or _is_matched(service, picture):
        return None
    endpoints = picture.endpoints_of(service.name)
    if endpoints is not None and endpoints.ready + endpoints.not_ready:
        return None
    meant = meant_workload(service, picture)
    # Pods of a new Service may still have to be made; a slip of the pen is one from the first moment.
    unsure = not picture.has_read(*_NEEDED) or not owners.is_older(service.created, owners.MOMENT, picture)
    if meant is None and unsure:
        return None
    return citing.found(
        "k8s.selector_matches_nothing",
        f"Service {service.name} selects no pods",
        f"Service {service.name} selects {spelled(service.selector)}, which no pod has{_hint(service, meant)}.",
        resource=resources.kubernetes(picture.namespace, "Service", service.name),
        severity=Severity.SEV1,
        confidence=9 if meant else 7,
        since=service.changed_at,
        evidence=_evidence(service, endpoints, meant, picture),
    )


def is_judged(service: Service) -> bool:
    """Whether a Service sends traffic to pods it selects itself."""
    routes = bool(service.selector) and service.type != "ExternalName" and not service.headless
    return routes and ROLLOUTS not in service.selector


def meant_workload(service: Service, picture: Picture) -> Workload | None:
    """The one running workload whose labels come nearest to the selector; None when two come equally near."""
    scored = sorted(
        ((_likeness(service, workload), workload) for workload in picture.workloads if workload.available),
        key=lambda pair: pair[0],
        reverse=True,
    )
    if not scored or scored[0][0] < NEAR:
        return None
    if len(scored) > 1 and scored[1][0] == scored[0][0]:
        return None
    return None if _is_other(service, scored[0][1], picture) else scored[0][1]


def meant_selector(service: Service, workload: Workload) -> dict[str, str]:
    """The selector with each value replaced by what the workload's pods really have; keys they lack go.

    A key they lack is taken for another one where that one has the value.
    """
    labels = workload.template.labels
    kept: dict[str, str] = {}
    for key, value in service.selector.items():
        known = key if key in labels else _key_with(value, labels)
        if known is not None:
            kept[known] = labels[known]
    return kept or dict(workload.selector)


def spelled(selector: Mapping[str, str]) -> str:
    """Labels as kubectl writes them."""
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items()))


def _is_matched(service: Service, picture: Picture) -> bool:
    labels = [pod.labels for pod in picture.pods] + [workload.template.labels for workload in picture.workloads]
    return any(selects(service.selector, found) for found in labels)


def _is_other(service: Service, workload: Workload, picture: Picture) -> bool:
    """Whether leaving a label out would make it the twin of another Service: then it is meant for other pods."""
    if all(key in workload.template.labels for key in service.selector):
        return False
    wanted = meant_selector(service, workload)
    return any(other.selector == wanted for other in picture.services if other.name != service.name)


def _likeness(service: Service, workload: Workload) -> float:
    """How near a workload's labels come to the selector (0 to 1), a little nearer when it bears the Service's name."""
    labels = workload.template.labels
    scores = [_nearness(key, value, labels) for key, value in service.selector.items()]
    # One label that matches outright, or a near value: without either, nothing speaks for this workload.
    if max(scores) < NEAR_VALUE or min(scores) == 0.0:
        return 0.0
    same_name = 0.1 if workload.name == service.name else 0.0
    return sum(scores) / len(scores) + same_name


def _nearness(key: str, value: str, labels: Mapping[str, str]) -> float:
    """How near the labels come to one label of the selector."""
    if key in labels:
        ratio = SequenceMatcher(None, value, labels[key]).ratio()
        return ratio if ratio >= NEAR_VALUE else 0.0
    return ELSEWHERE if _key_with(value, labels) else ABSENT


def _key_with(value: str, labels: Mapping[str, str]) -> str | None:
    return next((key for key, other in labels.items() if other == value), None)


def _hint(service: Service, meant: Workload | None) -> str:
    """What would match instead, and which label is the one that does not."""
    if meant is None:
        return ""
    labels = meant.template.labels
    absent = [key for key in service.selector if key not in labels]
    lacking = f" (those pods have no label {' or '.join(absent)})" if absent else ""
    return f"; {spelled(meant_selector(service, meant))} would match {meant.name}{lacking}"


def _evidence(
    service: Service, endpoints: Endpoints | None, meant: Workload | None, picture: Picture
) -> tuple[Evidence | None, ...]:
    """The selector, the empty slice, and the labels it probably meant."""
    asked = spelled(service.selector)
    slices = f"endpointslices of {service.name}"
    return (
        citing.quote(picture, f"services/{service.name}", "spec.selector", asked, "the labels the Service selects"),
        citing.quote(picture, slices, "endpoints", "none" if endpoints else "no slice", "the Service has no endpoints"),
        _nearest(meant, picture),
    )


def _nearest(meant: Workload | None, picture: Picture) -> Evidence | None:
    if meant is None:
        return None
    return citing.quote(
        picture,
        f"{meant.kind.lower()}s/{meant.name}",
        "spec.template.metadata.labels",
        spelled(meant.template.labels),
        f"the nearest labels belong to {meant.name}, {meant.available} pods available",
    )
