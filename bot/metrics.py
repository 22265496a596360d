"""What sayso counts about itself, for Prometheus. One registry an object, so that two apps in a process never mix.

Counting only: when something is counted is for the flow to say, and what a number means for a person is for the
dashboards. Labels are closed sets (a source, a status), never ids or names from outside.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from storage.tables import Mind

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
        self.feedback = Counter(
            "sayso_feedback", "What people thought of an investigation, by their word.", ("opinion",), registry=own
        )
        self.model_calls = Counter("sayso_model_calls", "Calls to models while investigating.", registry=own)
        self.model_tokens = Counter("sayso_model_tokens", "Tokens models took, in and out.", registry=own)
        self.model_dollars = Counter(
            "sayso_model_dollars", "What models cost, where their price is known.", registry=own
        )
        self.model_answers = Counter(
            "sayso_model_answers", "Looks a model was to think about, by how that ended.", ("end",), registry=own
        )
        """end: answered, fallback, set_aside, not_asked, failed."""
        self.model_resting = Gauge(
            "sayso_model_resting", "1 while no model is asked: it failed too often, or its day is spent.", registry=own
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

    def count_model(self, mind: Mind) -> None:
        """Count what one look took of a model, if it was to think at all."""
        if mind.model is None:
            return
        self.model_calls.inc(mind.calls)
        self.model_tokens.inc(mind.tokens)
        self.model_dollars.inc(mind.dollars or 0)
        self.model_answers.labels(end=_end(mind)).inc()
        self.model_resting.set(mind.calls == 0)

    def exposition(self) -> bytes:
        """All of it in the Prometheus text format, of type `CONTENT_TYPE`."""
        return generate_latest(self.registry)


def _end(mind: Mind) -> str:
    """How asking a model ended."""
    if mind.failure is not None:
        return "not_asked" if mind.calls == 0 else "set_aside" if mind.failure.startswith("it ") else "failed"
    return "fallback" if mind.answered_by else "answered"
