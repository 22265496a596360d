"""APIs and certificates: health from answers, waits and dates, and findings from them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from tools.diagnosis.aws.checks import Checks, found, severity
from tools.diagnosis.aws.health import Health, Reason, Verdict, count, last_hour, ratio, state, surge, verdict
from tools.diagnosis.aws.thresholds import THRESHOLDS
from tools.diagnosis.confidence import Strength
from tools.evidence import EvidenceId, Finding, Severity
from tools.reads.aws import evidence, watch
from tools.reads.aws.views import Api, Certificate, Datapoint, Picture, Series, Stage

PERIOD = 60


def health_of_api(api: Api, picture: Picture) -> Verdict:
    """Every stage's errors, waits and use of its throttle."""
    return verdict(api.resource, (reason for stage in api.stages for reason in _of_stage(api, stage, picture)))


def health_of_certificate(certificate: Certificate, picture: Picture) -> Verdict:
    """How many days it is still good."""
    return verdict(certificate.resource, (_days(certificate, picture),))


def findings(picture: Picture) -> Iterator[Finding]:
    """What ails the APIs and certificates of a picture."""
    for api in picture.apis:
        for stage in api.stages:
            yield from _api(api, stage, picture)
    for certificate in picture.certificates:
        yield from _expiring(certificate, picture)


def _of_stage(api: Api, stage: Stage, picture: Picture) -> tuple[Reason, ...]:
    checks = Checks(picture, "AWS/ApiGateway", watch.stage(api, stage))
    count = checks.series("Count", "Sum")
    return (
        _ratio(api, "5", stage, checks),
        _ratio(api, "4", stage, checks),
        checks.metric("api.latency", "Latency", "p90", f"the p90 latency of stage {stage.name}"),
        _throttle(stage, count, picture),
    )


def _ratio(api: Api, family: str, stage: Stage, checks: Checks) -> Reason:
    count, at = checks.series("Count", "Sum"), checks.picture.at
    said = checks.series(f"{family}xx", "Sum") if api.kind == "HTTP" else checks.series(f"{family}XXError", "Average")
    ids = tuple(evidence.of_series(one, at).id for one in (said, count) if one is not None)
    reason = ratio(f"api.{family}xx", _errors(api, said, count), count, at, f"{family}xx answers of stage {stage.name}")
    return reason.model_copy(update={"evidence_ids": (*ids, *(one.id for one in reason.workings))})


def _errors(api: Api, said: Series | None, count: Series | None) -> Series | None:
    """How many answers were errors; a REST API says it as a share of the requests."""
    if api.kind == "HTTP" or said is None or count is None:
        return said
    asked = {one.at: one.value for one in count.points}
    points = tuple(Datapoint(at=one.at, value=one.value * asked.get(one.at, 0.0)) for one in said.points)
    return said.model_copy(update={"points": points})


def _throttle(stage: Stage, count: Series | None, picture: Picture) -> Reason:
    """Requests against the stage's own rate; API Gateway has no metric for what it throttles."""
    recent = count.recent(picture.at) if count else ()
    if stage.rate is None or not recent or count is None:
        return state("api.throttle", f"how near stage {stage.name} is to its throttle is not known", Health.UNKNOWN)
    rate = max(one.value for one in recent) / PERIOD
    said = f"stage {stage.name} gets {rate:.3g} requests a second and may get {stage.rate:g}"
    ids = (evidence.of_series(count, picture.at).id,)
    return state("api.throttle", said, Health.UNHEALTHY if rate >= stage.rate else Health.HEALTHY, *ids)


def _api(api: Api, stage: Stage, picture: Picture) -> Iterator[Finding]:
    five, four, slow, throttle = _of_stage(api, stage, picture)
    told = (evidence.of_api(api, picture.at).id,)
    more = _more(api, stage, picture)
    if throttle.health is Health.UNHEALTHY and four.health is Health.DEGRADED:
        yield found(
            "aws.apigw_throttled",
            f"{api.name} turns callers away",
            f"{throttle.said[0].upper()}{throttle.said[1:]}; {four.said}." + (f" Calls: {more}." if more else ""),
            api.resource,
            (*throttle.evidence_ids, *four.evidence_ids, *told),
            Strength.FITTING,
            since=four.since,
        )
    for reason, code, what in (
        (five, "aws.apigw_5xx", "answers with errors of its backend"),
        (four, "aws.apigw_4xx", "refuses many requests"),
        (slow, "aws.apigw_slow", "answers slowly"),
    ):
        if reason.health in (Health.UNHEALTHY, Health.DEGRADED):
            yield found(
                code,
                f"{api.name} {what}",
                f"{api.name} {what}: {reason.said}.",
                api.resource,
                (*reason.evidence_ids, *told),
                Strength.FITTING,
                severity(reason),
                since=reason.since,
            )


def _more(api: Api, stage: Stage, picture: Picture) -> str | None:
    where = watch.stage(api, stage)
    count = Checks(picture, "AWS/ApiGateway", where).series("Count", "Sum")
    return surge(last_hour(count, picture.at), picture.baseline("AWS/ApiGateway", "Count", where), picture.at)


def _expiring(certificate: Certificate, picture: Picture) -> Iterator[Finding]:
    reason = _days(certificate, picture)
    if reason.health not in (Health.UNHEALTHY, Health.DEGRADED):
        return
    over = reason.value is not None and reason.value <= 0
    renewal = certificate.renewal or "AWS does not renew it"
    yield found(
        "aws.certificate_expiring",
        f"The certificate of {certificate.domain} {'has expired' if over else 'expires'}",
        f"The certificate of {certificate.domain} {reason.said}; renewal: {renewal}.",
        certificate.resource,
        reason.evidence_ids,
        Strength.STATED,
        Severity.SEV1 if over else severity(reason) if reason.health is Health.UNHEALTHY else Severity.SEV4,
        since=certificate.expires_at if over else None,
    )


def _days(certificate: Certificate, picture: Picture) -> Reason:
    ids: tuple[EvidenceId, ...] = (evidence.of_certificate(certificate, picture.at).id,)
    limit = THRESHOLDS["acm.days"]
    if certificate.expires_at is None or limit.warn is None or limit.critical is None:
        return state("acm.days", "its end is not known", Health.UNKNOWN, *ids)
    days = (certificate.expires_at - picture.at) / timedelta(days=1)
    level = Health.UNHEALTHY if days <= limit.critical else Health.DEGRADED if days <= limit.warn else Health.HEALTHY
    # A renewal that goes well needs nobody: AWS begins it sixty days before the end.
    if level is Health.DEGRADED and certificate.renewal in ("SUCCESS", "PENDING_AUTO_RENEWAL"):
        level = Health.HEALTHY
    said = f"ended {-days:.0f} days ago" if days <= 0 else f"ends in {days:.0f} days"
    return count("acm.days", said, level, *ids).model_copy(update={"value": days})
