"""An alert as it arrives, and the names by which two of them are known to be of one trouble."""

from __future__ import annotations

from datetime import datetime

from storage.tables import Alert, AlertStatus
from tools.correlation.identity import identity, workload_of
from tools.correlation.profile import Profile, profile
from tools.evidence import Severity
from tools.subjects import AwsSubject, KubernetesSubject, Subject
from tools.values import Value


class AlertNews(Value):
    """An alert as it was parsed: what the record needs of it."""

    fingerprint: str
    source: str
    name: str
    severity: Severity
    status: AlertStatus
    service: str | None
    environment: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None
    generator_url: str | None
    subject: Subject | None
    category: str | None = None
    """What kind of trouble it is, by rule."""


def identity_of(news: AlertNews) -> str:
    """The fingerprint without what changes while the trouble stays. What the alert is about is a part of it, whichever
    labels said so.
    """
    about = correlation_key(news) if news.subject is not None else news.service or ""
    return identity(news.source, news.name, {**news.labels, "about": about} if about else news.labels, news.fingerprint)


def profile_of(alert: AlertNews | Alert, identity: str) -> Profile:
    """An alert as correlation sees it."""
    return profile(
        identity=identity,
        name=alert.name,
        service=alert.service,
        severity=Severity(alert.severity),
        labels=alert.labels,
        annotations=alert.annotations,
        since=alert.starts_at,
    )


def correlation_key(news: AlertNews) -> str:
    """What two alerts of one cause surely share: the workload they are about, else the alert itself.

    A pod's name counts as its Deployment's, so that a crash loop and the error rate it causes are one incident.
    """
    match news.subject:
        case KubernetesSubject(namespace=namespace, deployment=deployment, service=service, pod=pod, name=other):
            workload = deployment or other or service or (workload_of(pod) if pod else news.service or news.name)
            return f"{news.environment}:kubernetes:{namespace}:{workload}"
        case AwsSubject(region=region, alarm=alarm, dimensions=dimensions):
            resource = ",".join(f"{key}={value}" for key, value in sorted(dimensions.items())) or alarm
            return f"{news.environment}:aws:{region}:{resource}"
        case None:
            return f"{news.environment}:alert:{news.service or news.fingerprint}:{news.name}"
