"""Rules about pods that may not even be created: quota, LimitRange, Pod Security, webhooks that do not answer.

The controller says so in ReplicaFailure (Deployments) or in FailedCreate events (the others), in the API server's own
words; they are told also while some replicas exist.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from tools import resources
from tools.diagnosis.confidence import Strength, confidence
from tools.diagnosis.kubernetes import citing
from tools.diagnosis.kubernetes.citing import Found
from tools.evidence import Evidence
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Quota, Webhook, Workload

RECENT = timedelta(minutes=30)
"""How long an event that nothing repeats is believed."""

_QUOTA = re.compile(r"exceeded quota: ([\w.-]{1,253})(.{0,300})", re.DOTALL)
_UNDECLARED = re.compile(r"failed quota: ([\w.-]{1,253}): must specify ([^.;]{1,160})")
_SECURITY = re.compile(r'violates PodSecurity "([^"]{1,80})": (.{1,400})', re.DOTALL)
_WEBHOOK = re.compile(r'failed calling webhook "([^"]{1,253})"(.{0,400})', re.DOTALL)
_RANGE = re.compile(
    r"((?:maximum|minimum) [\w./-]{1,60} usage per \w+ is [^.]{1,160}|max limit to request ratio[^.]{1,160})"
)


@dataclass(frozen=True)
class Refusal:
    """Why pods of a workload were not created: the API server's words, where they were read, and since when."""

    picture: Picture
    workload: Workload
    message: str
    evidence: Evidence | None
    stated: bool
    """Whether a controller wrote it into a status; an event alone is text."""
    since: datetime | None

    def found(self, code: str, title: str, statement: str, *more: Evidence | None, confirmed: bool = False) -> Found:
        """A finding on the workload, with the refusal itself as its first evidence."""
        return citing.found(
            code,
            title,
            statement,
            resource=resources.kubernetes(self.picture.namespace, self.workload.kind, self.workload.name),
            severity=citing.severity_of(self.workload),
            confidence=confidence(Strength.STATED if self.stated else Strength.MATCHED, confirmed=confirmed),
            since=self.since,
            evidence=(self.evidence, citing.counts(self.picture, self.workload), *more),
        )


def findings(picture: Picture) -> Iterator[Found]:
    """Workloads that lack pods because the API server refuses them."""
    for workload in picture.workloads:
        refusal = None if workload.paused or _has_all(workload) else refused(workload, picture)
        if refusal is not None:
            yield next(found for rule in _RULES if (found := rule(refusal)) is not None)


def refused(workload: Workload, picture: Picture) -> Refusal | None:
    """The refusal a workload suffers now: by its own condition, its newest ReplicaSet's, or a fresh event."""
    current = workload.current
    conditions = (*workload.conditions, *(current.conditions if current else ()))
    failing = [one for one in conditions if one.type == "ReplicaFailure" and one.status == "True" and one.message]
    if failing:
        said = citing.condition(picture, citing.path_of(workload), failing[0])
        return Refusal(picture, workload, failing[0].message, said, True, failing[0].since)
    kind, name = ("ReplicaSet", current.replica_set) if current else (workload.kind, workload.name)
    for event in reversed(picture.events_of(kind, name)):
        fresh = event.last_seen is None or picture.now - event.last_seen <= RECENT
        if event.reason == "FailedCreate" and fresh:
            return Refusal(picture, workload, event.message, citing.event(picture, event), False, None)
    return None


def pods_rejected_quota(refusal: Refusal) -> Found | None:
    """k8s.pods_rejected_quota: exceeded quota, or a quota that wants limits declared; also while some pods exist."""
    undeclared, over = _UNDECLARED.search(refusal.message), _QUOTA.search(refusal.message)
    match = undeclared or over
    if match is None:
        return None
    name = match[1].rstrip(",")
    quota = next((found for found in refusal.picture.quotas if found.name == name), None)
    why = (
        f"quota {name} wants every container to declare {undeclared[2].strip()}"
        if undeclared
        else f"quota {name} is used up{_use(quota, match[2])}"
    )
    return refusal.found(
        "k8s.pods_rejected_quota",
        f"{refusal.workload.name} may not have more pods: quota {name}",
        f"Pods of {refusal.workload.name} are not created ({refusal.workload.replicas} of {refusal.workload.wanted} "
        f"exist): {why}.",
        _quota(refusal.picture, quota),
        confirmed=quota is not None,
    )


def pods_rejected_limits(refusal: Refusal) -> Found | None:
    """k8s.pods_rejected_limits: a LimitRange allows less, or more, than a container asks for."""
    match = _RANGE.search(refusal.message)
    if match is None:
        return None
    ranges = refusal.picture.limit_ranges
    shown = "; ".join(f"{one.name} ({one.type}): min {dict(one.minimum)} max {dict(one.maximum)}" for one in ranges)
    return refusal.found(
        "k8s.pods_rejected_limits",
        f"{refusal.workload.name} asks for what a LimitRange forbids",
        f"Pods of {refusal.workload.name} are not created: {match[1].strip()}.",
        citing.quote(refusal.picture, "limitranges", "spec.limits", shown, "the namespace's LimitRanges")
        if ranges
        else None,
        citing.what_changed(refusal.picture, refusal.workload),
        confirmed=bool(ranges),
    )


def pods_rejected_security(refusal: Refusal) -> Found | None:
    """k8s.pods_rejected_security: the namespace's Pod Security level forbids what the template asks for."""
    match = _SECURITY.search(refusal.message)
    if match is None:
        return None
    return refusal.found(
        "k8s.pods_rejected_security",
        f"{refusal.workload.name} breaks Pod Security {match[1]}",
        f"Pods of {refusal.workload.name} are not created: they violate Pod Security {match[1]}: {match[2][:240]}.",
        citing.what_changed(refusal.picture, refusal.workload),
    )


def webhook_down(refusal: Refusal) -> Found | None:
    """k8s.webhook_down: an admission webhook that must answer does not; one that says no is no fault."""
    match = _WEBHOOK.search(refusal.message)
    if match is None:
        return None
    hook = next((one for one in refusal.picture.webhooks if one.name == match[1]), None)
    return refusal.found(
        "k8s.webhook_down",
        f"Webhook {match[1]} does not answer",
        f"Pods of {refusal.workload.name} are not created: admission webhook {match[1]} cannot be called"
        f"{_service(hook)}: {match[2].strip(': ')[:200]}.",
        _webhook(refusal.picture, hook),
        confirmed=hook is not None and not hook.ready,
    )


def pods_not_created(refusal: Refusal) -> Found | None:
    """k8s.pods_not_created: refused for any other reason; the API server's words are all there is to say."""
    return refusal.found(
        "k8s.pods_not_created",
        f"Pods of {refusal.workload.name} are refused",
        f"Pods of {refusal.workload.name} are not created: {refusal.message[:300]}",
        citing.what_changed(refusal.picture, refusal.workload),
    )


Rule = Callable[[Refusal], Found | None]

_RULES: tuple[Rule, ...] = (
    webhook_down,
    pods_rejected_quota,
    pods_rejected_security,
    pods_rejected_limits,
    pods_not_created,
)
"""Narrowest first: a webhook that cannot be called may quote anything in its message."""


def _has_all(workload: Workload) -> bool:
    """Whether every pod it wants exists, of the template it wants now: an old refusal is over then."""
    return workload.replicas >= workload.wanted and workload.updated >= workload.wanted


def _use(quota: Quota | None, said: str) -> str:
    """Used and hard of what the message says is short; the message's own figures where the quota was not read."""
    if quota is None:
        return f" ({said.strip(' ,')[:160]})" if said.strip(" ,") else ""
    full = [f"{name} {quota.used.get(name, '?')} of {hard}" for name, hard in quota.hard.items() if name in said]
    return f" ({', '.join(full)})" if full else ""


def _quota(picture: Picture, quota: Quota | None) -> Evidence | None:
    if quota is None:
        return None
    text = ", ".join(f"{name} {quota.used.get(name, '0')} of {hard}" for name, hard in quota.hard.items())
    return citing.quote(picture, f"resourcequotas/{quota.name}", "status", text, f"quota {quota.name}: {text}"[:200])


def _service(hook: Webhook | None) -> str:
    if hook is None or not hook.service:
        return ""
    if hook.exists is False:
        return f" (its Service {hook.service} does not exist)"
    return f" (its Service {hook.service} has {hook.ready} ready endpoints)" if hook.ready is not None else ""


def _webhook(picture: Picture, hook: Webhook | None) -> Evidence | None:
    if hook is None:
        return None
    policy = "Fail" if hook.fails_closed else "Ignore"
    text = f"{hook.name} -> {hook.service or 'a URL'}, failurePolicy {policy}, ready endpoints {hook.ready}"
    return citing.quote(picture, f"webhooks/{hook.configuration}", "webhooks", text, f"webhook {hook.name}")
