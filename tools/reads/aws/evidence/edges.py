"""APIs and certificates -> Evidence."""

from __future__ import annotations

from datetime import datetime

from tools.evidence import Evidence, Trust, evidence
from tools.reads.aws.views import Api, Certificate, Stage


def of_api(api: Api, at: datetime) -> Evidence:
    """An API's stages and their throttles."""
    return evidence(
        tool="aws_api",
        query=f"{api.region} {api.name}",
        summary=f"{api.kind} API {api.name} has {len(api.stages)} stages",
        excerpt="\n".join(_stage(one) for one in api.stages) or "no stages",
        at=at,
        trust=Trust.STATUS,
    )


def of_certificate(certificate: Certificate, at: datetime) -> Evidence:
    """A certificate's end and renewal."""
    ends = f"{certificate.expires_at:%Y-%m-%d %H:%M} UTC" if certificate.expires_at else "unknown"
    renewal = certificate.renewal or "not renewed by AWS"
    return evidence(
        tool="aws_certificate",
        query=f"{certificate.region} {certificate.domain}",
        summary=f"The certificate of {certificate.domain} ends {ends}",
        excerpt=f"status {certificate.status}\nends {ends}\nrenewal: {renewal}\nin use: {certificate.in_use}",
        at=at,
        trust=Trust.STATUS,
    )


def _stage(stage: Stage) -> str:
    changed = f"{stage.changed_at:%Y-%m-%d %H:%M:%S} UTC" if stage.changed_at else "unknown"
    rate = "the account's" if stage.rate is None else f"{stage.rate:g} a second, burst {stage.burst}"
    return f"stage {stage.name}, deployment {stage.deployment or '-'}, changed {changed}, throttle {rate}"
