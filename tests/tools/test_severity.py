"""How much it hurts and what kind of trouble it is, by rule."""

from __future__ import annotations

import pytest

from tools.evidence import Severity
from tools.severity import Category, by_rule, category, category_of_finding, raised

C = Category
NAMES = [
    ("KubePodCrashLooping", C.CRASH),
    ("HighErrorRate", C.ERRORS),
    ("checkout-5xx-errors", C.ERRORS),
    ("HighRequestLatency", C.LATENCY),
    ("TargetDown", C.AVAILABILITY),
    ("KubeDeploymentReplicasMismatch", C.AVAILABILITY),
    ("CPUThrottlingHigh", C.SATURATION),
    ("web-cpu-high", C.SATURATION),
    ("NodeFilesystemAlmostOutOfSpace", C.STORAGE),
    ("KubePersistentVolumeFillingUp", C.STORAGE),
    ("KubeQuotaExceeded", C.CAPACITY),
    ("CoreDNSPanic", C.CRASH),
    ("NodeNetworkReceiveErrs", C.NETWORK),
    ("SSLCertificateExpiresSoon", C.CERTIFICATE),
    ("GuardDutyFinding", C.SECURITY),
    ("PostgresqlReplicationLag", C.DATA),
    ("PrometheusBadConfig", C.CONFIGURATION),
    ("Watchdog", C.UNKNOWN),
]


@pytest.mark.parametrize(("name", "kind"), NAMES)
def test_an_alert_is_of_the_kind_its_name_says(name: str, kind: Category) -> None:
    assert category(name) is kind


def test_what_the_name_leaves_open_the_metric_says_and_then_the_summary() -> None:
    told = [
        category("web", metric="DiskSpaceUtilization"),
        category("web", "answers are slow"),
        category("web", "hello"),
    ]

    assert told == [C.STORAGE, C.LATENCY, C.UNKNOWN]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("k8s.oom_killed", C.SATURATION),
        ("k8s.missing_env", C.CONFIGURATION),
        ("k8s.claim_unbound", C.STORAGE),
        ("k8s.unschedulable_resources", C.CAPACITY),
        ("k8s.selector_matches_nothing", C.NETWORK),
        ("k8s.crash_loop", C.CRASH),
        ("aws.disk_full", C.STORAGE),
        ("aws.something_new", C.UNKNOWN),
    ],
)
def test_a_cause_is_of_the_kind_its_rule_says(code: str, kind: Category) -> None:
    assert category_of_finding(code) is kind


@pytest.mark.parametrize(
    ("kind", "environment", "severity"),
    [
        (C.AVAILABILITY, "prod", Severity.SEV2),
        (C.DATA, "production", Severity.SEV2),
        (C.LATENCY, "prod", Severity.SEV3),
        (C.AVAILABILITY, "staging", Severity.SEV3),
    ],
)
def test_an_alert_without_a_severity_gets_one_by_rule(kind: Category, environment: str, severity: Severity) -> None:
    assert by_rule(kind, environment).severity is severity


def test_nothing_left_running_in_production_is_an_outage_and_says_why() -> None:
    found = raised(Severity.SEV3, "prod", ("shop/web",))

    assert found is not None
    assert (found.severity, found.why) == (Severity.SEV1, "no replica of shop/web is available, in prod")


@pytest.mark.parametrize(
    ("now", "environment", "down"),
    [("sev3", "prod", ()), ("sev3", "staging", ("shop/web",)), ("sev1", "prod", ("a/b",))],
)
def test_severity_stays_where_status_does_not_raise_it(now: str, environment: str, down: tuple[str, ...]) -> None:
    assert raised(Severity(now), environment, down) is None
