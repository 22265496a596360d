"""What Prometheus reads."""

from __future__ import annotations

import pytest

from bot.metrics import CONTENT_TYPE, Metrics
from storage.tables import Mind


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


@pytest.mark.parametrize(
    ("mind", "end"),
    [
        (Mind(model="m", calls=2), "answered"),
        (Mind(model="m", calls=2, answered_by="n"), "fallback"),
        (Mind(model="m", calls=2, failure="it proposed nothing"), "set_aside"),
        (Mind(model="m", calls=2, failure="timeout"), "failed"),
        (Mind(model="m", failure="the model's budget for today is spent"), "not_asked"),
    ],
)
def test_what_a_model_took_and_how_it_ended_is_counted(mind: Mind, end: str) -> None:
    metrics = Metrics()

    metrics.count_model(mind.model_copy(update={"tokens": 900, "dollars": 0.5}))
    metrics.count_model(Mind())

    lines = metrics.exposition().decode().splitlines()
    assert f'sayso_model_answers_total{{end="{end}"}} 1.0' in lines
    assert f"sayso_model_calls_total {mind.calls:.1f}" in lines
    assert {"sayso_model_tokens_total 900.0", "sayso_model_dollars_total 0.5"} <= set(lines)
    assert f"sayso_model_resting {float(end == 'not_asked')}" in lines
