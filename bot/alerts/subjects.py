"""Alert labels -> what the alert is about. Labels are untrusted: they say where to look, never what is true."""

from __future__ import annotations

from collections.abc import Mapping

from bot.alerts import ParsedAlert
from bot.alerts.cloudwatch import DIMENSION
from storage.tables import Alert
from tools.reads.kubernetes.resolve import subject_of
from tools.subjects import AwsSubject, Subject


def subject(alert: ParsedAlert | Alert) -> Subject | None:
    """Where an investigation starts, as far as the labels say; None where they name no resource at all."""
    return _aws(alert.labels) if alert.source == "cloudwatch" else subject_of(alert.labels)


def _aws(labels: Mapping[str, str]) -> AwsSubject:
    return AwsSubject(
        region=labels["region"],
        alarm=labels["alarm"],
        namespace=labels["namespace"],
        metric=labels["metric"],
        dimensions={
            name.removeprefix(DIMENSION): value for name, value in labels.items() if name.startswith(DIMENSION)
        },
    )
