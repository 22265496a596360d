"""What Prometheus reads."""

from __future__ import annotations

from bot.metrics import CONTENT_TYPE, Metrics


def test_what_was_counted_is_exposed_under_its_documented_name() -> None:
    metrics = Metrics()

    metrics.alerts.labels(source="alertmanager").inc()
    metrics.executions.labels(phase="apply", status="done").inc(2)
    metrics.plans.labels(outcome="succeeded").inc()
    metrics.triage_seconds.labels(mind="rules").observe(3)
    metrics.outbox_depth.set(7)
    lines = metrics.exposition().decode().splitlines()

    assert 'sayso_alerts_total{source="alertmanager"} 1.0' in lines
    assert 'sayso_executions_total{phase="apply",status="done"} 2.0' in lines
    assert 'sayso_plans_total{outcome="succeeded"} 1.0' in lines
    assert 'sayso_triage_seconds_bucket{le="5.0",mind="rules"} 1.0' in lines
    assert 'sayso_triage_seconds_bucket{le="2.5",mind="rules"} 0.0' in lines
    assert "sayso_outbox_depth 7.0" in lines
    assert CONTENT_TYPE.startswith("text/plain")


def test_two_apps_in_one_process_do_not_share_their_numbers() -> None:
    first, second = Metrics(), Metrics()

    first.incidents.labels(severity="sev1").inc()

    assert b'severity="sev1"' in first.exposition()
    assert b'severity="sev1"' not in second.exposition()
