"""Where an alert's expression ends and its threshold begins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.reads.prometheus.expressions import LONGEST, Watched, metric_of, of_generator, unit_of, watched


@pytest.mark.parametrize(
    ("query", "expression", "comparison", "threshold"),
    [
        ("demo_error_ratio > 0.05", "demo_error_ratio", ">", 0.05),
        ("up == 0", "up", "==", 0.0),
        ("up == bool 0", "up", "==", 0.0),
        ("(node_filesystem_avail_bytes / node_filesystem_size_bytes) * 100 < 10", None, "<", 10.0),
        ("sum(rate(e[5m])) by (job) / sum(rate(r[5m])) by (job) >= 5 / 100", None, ">=", 0.05),
        ("(rate(x[5m]) > 0.05) and on (job) (rate(y[5m]) > 10)", "rate(x[5m])", ">", 0.05),
        ("rate(x[5m]) and on (job) y > 10", "y", ">", 10.0),
        ('max_over_time(w{reason=~"Crash.*|>5"}[5m]) >= 1', 'max_over_time(w{reason=~"Crash.*|>5"}[5m])', ">=", 1.0),
        ("((up)) < (1)", "up", "<", 1.0),
        ("absent(up)", "absent(up)", ">", None),
        ("a > b", "a > b", ">", None),
        ("a > 1 > 2", "a > 1 > 2", ">", None),
        ("x > 1 / 0", "x > 1 / 0", ">", None),
        ("command_orders_total > 3", "command_orders_total", ">", 3.0),
        ('x{msg="it\'s \\" > 3"} > 4', 'x{msg="it\'s \\" > 3"}', ">", 4.0),
        ("", "", ">", None),
    ],
)
def test_an_expression_is_split_at_its_threshold(
    query: str, expression: str | None, comparison: str, threshold: float | None
) -> None:
    expected = query.rpartition(comparison)[0].strip() if expression is None else expression

    found = watched(query)

    assert (found.expression, found.comparison, found.threshold) == (expected, comparison, threshold)


@pytest.mark.parametrize(
    ("query", "unit"),
    [
        ("demo_error_ratio", "ratio"),
        ('sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))', "ratio"),
        ("node_filesystem_avail_bytes / node_filesystem_size_bytes", "ratio"),
        ("100 * (1 - avail_bytes / size_bytes)", "%"),
        ("rate(http_seconds_sum[5m]) / rate(http_seconds_count[5m])", "s"),
        ("histogram_quantile(0.99, rate(http_seconds_bucket[5m]))", "s"),
        ("container_memory_working_set_bytes", "bytes"),
        ("rate(cpu_seconds_total[5m])", ""),
        ("kube_pod_restarts", ""),
    ],
)
def test_the_unit_follows_from_the_metrics_name(query: str, unit: str) -> None:
    assert unit_of(query) == unit


@pytest.mark.parametrize(
    ("query", "metric"),
    [
        ("up", "up"),
        ('sum by (job) (rate(http_requests_total{code="500"}[5m] offset 5m))', "http_requests_total"),
        ("job:errors:ratio", "job:errors:ratio"),
        ("a_total / b_total", ""),
        ("vector(1)", ""),
    ],
)
def test_the_one_metric_of_an_expression_is_named(query: str, metric: str) -> None:
    assert metric_of(query) == metric


@pytest.mark.parametrize(
    ("url", "expression"),
    [
        ("http://prometheus.example:9090/graph?g0.expr=demo_error_ratio+%3E+0.05&g0.tab=1", "demo_error_ratio > 0.05"),
        ("http://prometheus.example:9090/graph", None),
        ("http://[broken/graph?g0.expr=up", None),
        (f"http://prometheus.example/graph?g0.expr={'a' * (LONGEST + 1)}", None),
        (None, None),
    ],
)
def test_the_expression_in_an_alerts_address_is_read(url: str | None, expression: str | None) -> None:
    assert of_generator(url) == expression


@given(st.text("ab_{}()[]\"'`<>=! \\0123.*/andorunless", max_size=120))
def test_any_text_is_split_without_losing_the_measured_part(query: str) -> None:
    found: Watched = watched(query)

    assert found.expression in query
    assert unit_of(query) in ("", "s", "%", "bytes", "ratio")
    metric_of(query)
