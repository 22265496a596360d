"""Load balancers and target groups: health from their targets and answers, and findings from both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from tools.diagnosis.aws.checks import Checks, found, severity
from tools.diagnosis.aws.health import Health, Reason, Verdict, count, last_hour, state, surge, verdict
from tools.diagnosis.confidence import Strength
from tools.evidence import EvidenceId, Finding, Severity
from tools.reads.aws import evidence, watch
from tools.reads.aws.views import LoadBalancer, Picture, TargetGroup

MEANING = {
    "Target.ResponseCodeMismatch": "another answer than the health check expects",
    "Target.Timeout": "no answer to the health check in time",
    "Target.FailedHealthChecks": "the health check's connection is refused or broken",
    "Target.NotInUse": "in a zone or group no load balancer uses",
    "Target.IpUnusable": "an address that cannot be used",
    "Target.InvalidState": "stopped or terminated",
    "Elb.InternalError": "not checked, because the load balancer has an internal error",
}
"""AWS' reason codes in words (ELB guide, target health reason codes)."""


def health(balancer: LoadBalancer, picture: Picture) -> Verdict:
    """What it answers, how fast, and whether it is active."""
    checks = Checks(picture, "AWS/ApplicationELB", watch.balancer(balancer))
    active = balancer.state in ("active", "")
    reasons = [state("state", f"state {balancer.state}", Health.HEALTHY if active else Health.UNHEALTHY)]
    if balancer.kind == "application":
        reasons += [
            checks.ratio("alb.target_5xx", "HTTPCode_Target_5XX_Count", "RequestCount", "5xx answers of the targets"),
            checks.counter("alb.elb_5xx", "HTTPCode_ELB_5XX_Count", "RequestCount", "5xx answers of its own a minute"),
            checks.counter("alb.rejected", "RejectedConnectionCount", "RequestCount", "rejected connections a minute"),
            checks.metric("alb.latency", "TargetResponseTime", "p99", "the slowest answers (p99)"),
        ]
    if balancer.kind == "network":
        # It passes connections on and looks into none: how its targets are is all there is to know.
        reasons += [_targets(one, picture) for one in picture.target_groups if balancer.arn in one.balancers]
    return verdict(balancer.resource, reasons)


def health_of_group(group: TargetGroup, picture: Picture) -> Verdict:
    """How many of its targets take traffic."""
    return verdict(group.resource, (_targets(group, picture),))


def findings(picture: Picture) -> Iterator[Finding]:
    """What ails the load balancers and target groups of a picture."""
    for group in picture.target_groups:
        yield from _unhealthy(group, picture)
    for balancer in picture.balancers:
        judged = health(balancer, picture)
        for check, code, what in METRIC_RULES:
            if reason := judged.bad(check):
                yield _from_metric(balancer, reason, code, what, picture)


METRIC_RULES = (
    ("alb.rejected", "aws.alb_rejects", "rejects connections"),
    ("alb.target_5xx", "aws.alb_target_5xx", "passes on errors of its targets"),
    ("alb.elb_5xx", "aws.alb_elb_5xx", "answers with errors of its own: no target took the request or answered it"),
    ("alb.latency", "aws.alb_slow", "answers slowly"),
)
"""Findings that are one metric beyond its threshold."""


def _from_metric(balancer: LoadBalancer, reason: Reason, code: str, what: str, picture: Picture) -> Finding:
    more = _more(balancer, picture)
    return found(
        code,
        f"{balancer.name} {what.partition(':')[0]}",
        f"{balancer.name} {what}: {reason.said}." + (f" The traffic is unusual: {more}." if more else ""),
        balancer.resource,
        (*reason.evidence_ids, evidence.of_balancer(balancer, picture.at).id),
        Strength.FITTING,
        severity(reason),
        since=reason.since,
    )


def _more(balancer: LoadBalancer, picture: Picture) -> str | None:
    """How the last hour's requests differ from the same hour of other days, in words."""
    where = watch.balancer(balancer)
    requests = Checks(picture, "AWS/ApplicationELB", where).series("RequestCount", "Sum")
    baseline = picture.baseline("AWS/ApplicationELB", "RequestCount", where)
    return surge(last_hour(requests, picture.at), baseline, picture.at)


def _unhealthy(group: TargetGroup, picture: Picture) -> Iterator[Finding]:
    """Targets that get no traffic, and why AWS says so."""
    reason = _targets(group, picture)
    if reason.health not in (Health.UNHEALTHY, Health.DEGRADED):
        return
    if not group.targets or (not group.unhealthy and not group.healthy):
        yield _nobody(group, reason, picture)
        return
    yield found(
        "aws.alb_unhealthy_targets",
        f"{len(group.unhealthy)} of {len(group.targets)} targets of {group.name} are unhealthy",
        f"{len(group.unhealthy)} of {len(group.targets)} targets of {group.name} get no traffic: {_why(group)}.",
        group.resource,
        reason.evidence_ids,
        Strength.FITTING,
        Severity.SEV2 if group.healthy else Severity.SEV1,
        since=reason.since,
    )


def _nobody(group: TargetGroup, reason: Reason, picture: Picture) -> Finding:
    return found(
        "aws.alb_no_targets",
        f"{group.name} has no targets",
        f"Nothing behind {group.name} can take a request: {reason.said}.",
        group.resource,
        reason.evidence_ids,
        Strength.FITTING,
        Severity.SEV1,
        since=picture.alarm.since if picture.alarm else None,
    )


def _why(group: TargetGroup) -> str:
    """The most frequent reason codes, in words, with what AWS adds (`... codes: [404]`)."""
    reasons = Counter(one.reason or "no reason given" for one in group.unhealthy)
    words = []
    for code, many in reasons.most_common(2):
        said = next((one.description for one in group.unhealthy if one.reason == code and one.description), "")
        words.append(f"{MEANING.get(code, code)} ({many}, {code}" + (f": {said.rstrip('.')})" if said else ")"))
    asked = f"; the check asks {group.path} for {group.expected}" if group.path and group.expected else ""
    return "; ".join(words) + asked


def _targets(group: TargetGroup, picture: Picture) -> Reason:
    said, ids = f"{group.healthy} of {len(group.targets)} targets are healthy", _ids(group, picture)
    since = _since(group, picture)
    if group.unhealthy:
        level = Health.DEGRADED if group.healthy else Health.UNHEALTHY
        return count("targets", said, level, *ids, since=since)
    if group.healthy:
        return count("targets", said, Health.HEALTHY, *ids)
    if not group.balancers:
        return count("targets", "no load balancer uses it", Health.UNKNOWN, *ids)
    if not group.targets:
        return count("targets", "it has no targets at all", Health.UNHEALTHY, *ids)
    states = Counter(one.state for one in group.targets)
    counted = ", ".join(f"{many} {name}" for name, many in states.most_common())
    draining = states.keys() <= {"draining"}
    return count("targets", f"targets: {counted}", Health.UNHEALTHY if draining else Health.UNKNOWN, *ids)


def _since(group: TargetGroup, picture: Picture) -> datetime | None:
    """Since when CloudWatch has counted ill hosts, without a break."""
    for balancer in picture.balancers:
        where = {**watch.balancer(balancer), "TargetGroup": group.dimension}
        namespace = watch.BALANCERS.get(balancer.kind, "")
        series = picture.metric(namespace, "UnHealthyHostCount", "Maximum", where)
        began = None
        for point in reversed(series.points if series else ()):
            if point.value <= 0:
                break
            began = point.at
        if began is not None:
            return began
    return None


def _ids(group: TargetGroup, picture: Picture) -> tuple[EvidenceId, ...]:
    return (evidence.of_target_group(group, picture.at).id,)
