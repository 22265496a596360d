"""Running every rule over a picture and ranking what they find: the alert's subject first, cause before symptom."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tools.diagnosis import Diagnosis
from tools.diagnosis.kubernetes import crashes, images, probes, scheduling, services
from tools.diagnosis.kubernetes.citing import Found
from tools.diagnosis.kubernetes.suspects import Suspect, judged_pods, suspects
from tools.evidence import Finding
from tools.reads.kubernetes.picture import Picture, selects

CONTAINER_RULES: tuple[Callable[[Suspect], Found | None], ...] = (
    images.image_invalid,
    images.image_never_pull,
    images.image_not_pulled,
    crashes.missing_config_object,
    crashes.missing_config_key,
    crashes.container_start_failed,
    crashes.missing_env,
    crashes.oom_killed,
    probes.liveness_kills,
    crashes.crash_loop,
    probes.readiness_failing,
)
"""For each container the first rule that speaks is the cause; those after it would only name its symptoms."""

RANK = (
    "k8s.request_exceeds_any_node",
    "k8s.image_invalid",
    "k8s.image_never_pull",
    "k8s.image_not_found",
    "k8s.image_auth",
    "k8s.image_rate_limited",
    "k8s.image_unreachable",
    "k8s.missing_config_object",
    "k8s.missing_config_key",
    "k8s.missing_env",
    "k8s.oom_killed",
    "k8s.liveness_kills",
    "k8s.selector_matches_nothing",
    "k8s.readiness_failing",
    "k8s.container_start_failed",
    "k8s.claim_unbound",
    "k8s.affinity_unsatisfied",
    "k8s.nodes_cordoned",
    "k8s.unschedulable_resources",
    "k8s.untolerated_taint",
    "k8s.crash_loop",
)
"""Every code, causes before symptoms. A rule whose code is missing here is a mistake a test catches."""


def diagnose(picture: Picture) -> Diagnosis:
    """What the rules make of a picture. One finding per rule and resource, however many pods show it."""
    found: dict[tuple[str, str], Found] = {}
    for one in _everything(picture):
        found.setdefault((one.finding.code, one.finding.resource.key), one)
    ranked = sorted(found.values(), key=lambda one: _rank(one.finding, picture))
    evidence = {piece.id: piece for one in ranked for piece in one.evidence}
    return Diagnosis(
        findings=tuple(one.finding for one in ranked),
        evidence=tuple(evidence.values()),
        gaps=(*picture.gaps, *_paused(picture)),
    )


def cause(suspect: Suspect) -> Found | None:
    """What ails one container, by the first rule that speaks."""
    return next((found for rule in CONTAINER_RULES if (found := rule(suspect)) is not None), None)


def concerns_subject(finding: Finding, picture: Picture) -> bool:
    """Whether a finding is about what the alert names, directly or through the pods its Service selects."""
    subject = picture.subject
    if not (subject.deployment or subject.service or subject.pod):
        return True
    kind, name = finding.resource.kind, finding.resource.name
    if kind == "Service":
        return name in _services_of(picture)
    return (kind, name) in _workloads_of(picture)


def _everything(picture: Picture) -> Iterator[Found]:
    for pod in judged_pods(picture):
        unplaced = scheduling.unschedulable(pod, picture)
        if unplaced is not None:
            yield unplaced
    for suspect in suspects(picture):
        ill = cause(suspect)
        if ill is not None:
            yield ill
    for service in picture.services:
        led_nowhere = services.selector_matches_nothing(service, picture)
        if led_nowhere is not None:
            yield led_nowhere


def _rank(finding: Finding, picture: Picture) -> tuple[bool, int, str, str]:
    return (
        not concerns_subject(finding, picture),
        RANK.index(finding.code),
        finding.severity.value,
        finding.resource.key,
    )


def _workloads_of(picture: Picture) -> set[tuple[str, str]]:
    """The workloads the alert means: named, owning the named pod, or behind the named Service."""
    subject = picture.subject
    named = {("Deployment", subject.deployment)} if subject.deployment else set()
    owned = {(pod.owner_kind, pod.owner_name) for pod in picture.pods if pod.name == subject.pod}
    behind: set[tuple[str, str]] = set()
    service = picture.service(subject.service) if subject.service else None
    if service is not None:
        behind = {
            (found.kind, found.name)
            for found in picture.workloads
            if selects(service.selector, found.template.labels) or found.name == service.name
        }
    return named | owned | behind


def _services_of(picture: Picture) -> set[str]:
    """The Services the alert means: named, or leading to a workload it means (by selector, or by its very name)."""
    named = {picture.subject.service} if picture.subject.service else set()
    workloads = _workloads_of(picture)
    leading = {
        service.name
        for service in picture.services
        for found in picture.workloads
        if (found.kind, found.name) in workloads
        and (selects(service.selector, found.template.labels) or service.name == found.name)
    }
    return named | leading


def _paused(picture: Picture) -> tuple[str, ...]:
    return tuple(f"Deployment {found.name} is paused; it is not judged" for found in picture.workloads if found.paused)
