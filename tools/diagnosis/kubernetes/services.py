"""Rules about Services that lead nowhere. A Service without a selector, or whose workload sleeps, is nobody's fault."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher

from tools import resources
from tools.diagnosis.kubernetes import citing
from tools.diagnosis.kubernetes.citing import Found
from tools.evidence import Evidence, Severity
from tools.reads.kubernetes.picture import Endpoints, Picture, Service, Workload, selects

_NEEDED = frozenset({"pods", "deployments", "statefulsets", "daemonsets", "endpointslices"})
"""What must have been read before "nothing matches" can be said."""

NEAR = 0.6
"""Least similarity (0 to 1) at which another label value counts as what was meant."""


def selector_matches_nothing(service: Service, picture: Picture) -> Found | None:
    """k8s.selector_matches_nothing: a selector no pod and no workload's template matches, and an empty slice."""
    if not service.selector or service.type == "ExternalName" or _NEEDED.intersection(picture.unread):
        return None
    labels = [pod.labels for pod in picture.pods] + [workload.template.labels for workload in picture.workloads]
    if any(selects(service.selector, found) for found in labels):
        return None
    endpoints = picture.endpoints_of(service.name)
    if endpoints is not None and endpoints.ready + endpoints.not_ready:
        return None
    meant = meant_workload(service, picture)
    hint = f"; {spelled(meant_selector(service, meant))} would match {meant.name}" if meant else ""
    return citing.found(
        "k8s.selector_matches_nothing",
        f"Service {service.name} selects no pods",
        f"Service {service.name} selects {spelled(service.selector)}, which no pod has{hint}.",
        resource=resources.kubernetes(picture.namespace, "Service", service.name),
        severity=Severity.SEV1,
        confidence=9 if meant else 7,
        evidence=_evidence(service, endpoints, meant, picture),
    )


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
    return scored[0][1]


def meant_selector(service: Service, workload: Workload) -> dict[str, str]:
    """The selector with each value replaced by what the workload's pods really have; other keys go."""
    labels = workload.template.labels
    kept = {key: labels[key] for key in service.selector if key in labels}
    return kept or dict(workload.selector)


def spelled(selector: Mapping[str, str]) -> str:
    """Labels as kubectl writes them."""
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items()))


def _likeness(service: Service, workload: Workload) -> float:
    """How near a workload's labels come to the selector (0 to 1), a little nearer when it bears the Service's name."""
    labels = workload.template.labels
    scores = [
        SequenceMatcher(None, value, labels[key]).ratio() if key in labels else 0.0
        for key, value in service.selector.items()
    ]
    same_name = 0.1 if workload.name == service.name else 0.0
    return sum(scores) / len(scores) + same_name


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
