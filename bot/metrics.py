"""What sayso counts about itself, for Prometheus. One registry an object, so that two apps in a process never mix.

Counting only: when something is counted is for the flow to say, and what a number means for a person is for the
dashboards. Labels are closed sets (a source, a status), never ids or names from outside.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

TRIAGE_BUCKETS = (1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
WAIT_BUCKETS = (30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0)
CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """Every number sayso offers, and the registry that owns them."""

    def __init__(self) -> None:
        own = CollectorRegistry()
        self.registry = own
        self.alerts = Counter("sayso_alerts", "Alerts received.", ("source",), registry=own)
        self.alerts_folded = Counter(
            "sayso_alerts_folded", "Alerts received that only repeated a known one.", ("source",), registry=own
        )
        self.refused_deliveries = Counter(
            "sayso_refused_deliveries", "Webhook deliveries not used, and why.", ("source", "reason"), registry=own
        )
        """reason: forged, malformed, not_enabled, too_large."""
        self.incidents = Counter("sayso_incidents", "Incidents opened, by severity.", ("severity",), registry=own)
        self.plans = Counter("sayso_plans", "Plans that ended, by how.", ("outcome",), registry=own)
        self.triage_seconds = Histogram(
            "sayso_triage_seconds",
            "From alert to proposal, by the mind that answered (rules or model).",
            ("mind",),
            buckets=TRIAGE_BUCKETS,
            registry=own,
        )
        self.approval_wait_seconds = Histogram(
            "sayso_approval_wait_seconds",
            "From a plan shown to a plan decided by people.",
            buckets=WAIT_BUCKETS,
            registry=own,
        )
        self.executions = Counter(
            "sayso_executions", "Calls that change the world, by phase and end.", ("phase", "status"), registry=own
        )
        self.slack_calls = Counter(
            "sayso_slack_calls", "Calls to Slack, by method and result.", ("method", "result"), registry=own
        )
        self.dead_letters = Gauge("sayso_dead_letters", "Slack events given up on; a person has to look.", registry=own)
        self.audit_entries = Gauge("sayso_audit_entries", "Entries of the audit chain.", registry=own)
        self.audit_checkpoint_age = Gauge(
            "sayso_audit_checkpoint_age_seconds", "Since the audit chain was last signed; NaN: never.", registry=own
        )
        self.audit_sound = Gauge(
            "sayso_audit_sound", "1 while the audit chain is what was signed before, 0 after an alarm.", registry=own
        )
        self.audit_sound.set(1)
        self.outbox_depth = Gauge("sayso_outbox_depth", "Messages Slack does not show as wanted yet.", registry=own)

    def exposition(self) -> bytes:
        """All of it in the Prometheus text format, of type `CONTENT_TYPE`."""
        return generate_latest(self.registry)
