"""The outside's alert formats -> ParsedAlert, one file a source. Whether the sender may speak is decided before (sns,
the web server); what becomes of an alert after. A parser answers with alerts or raises MalformedAlert, nothing else."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime

from tools.evidence import Severity
from tools.values import Value

AlertSource = Literal["alertmanager", "grafana", "cloudwatch", "slack"]
"""Where an alert came from."""


class AlertStatus(StrEnum):
    """Whether the source still sees the problem. "No data" and the like are firing: they resolve nothing."""

    FIRING = "firing"
    RESOLVED = "resolved"


class ParsedAlert(Value):
    """One alert as its source told it; every text is redacted, and none of it is to be trusted.

    `fingerprint` is the same for every message about the same alert. `starts_at` is when it began or, where a resolved
    message does not say, when that message was made. `group_key` names what belongs in one thread.
    """

    fingerprint: str
    source: AlertSource
    name: str
    severity: Severity
    status: AlertStatus
    service: str | None
    environment: str | None
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: AwareDatetime
    ends_at: AwareDatetime | None
    generator_url: str | None
    group_key: str


class MalformedAlert(Exception):
    """A message that is not what its source sends; the text names the field."""
