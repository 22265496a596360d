"""Which alerts are the same, which belong together, and where a storm may come from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from tests.storms import make, measure
from tools.changes import Change
from tools.correlation import scoring
from tools.correlation.identity import identity
from tools.correlation.profile import Profile, profile, service
from tools.correlation.scoring import Circle, Match
from tools.correlation.storms import root_candidates, storm
from tools.evidence import Severity
from tools.resources import kubernetes
from tools.topology import Link, Relation, Topology

AT = datetime(2026, 11, 18, 3, 0, tzinfo=UTC)
HERE = {"namespace": "shop", "deployment": "web"}


def depends(*pairs: tuple[str, str]) -> Topology:
    """Who needs whom, as people wrote it down."""
    links = (Link(source=service(a), relation=Relation.DEPENDS_ON, target=service(b)) for a, b in pairs)
    return Topology(links=tuple(links))


SHOP = depends(("web", "checkout"), ("checkout", "payments"), ("mail", "payments"))

SAME: list[tuple[str, Mapping[str, str], Mapping[str, str], bool]] = [
    ("the next pod", {**HERE, "pod": "web-7d9c5bf7c9-x2x4z"}, {**HERE, "pod": "web-58d6cc4b4f-q8kzp"}, True),
    ("another scrape target", {**HERE, "instance": "10.0.0.1:80"}, {**HERE, "instance": "10.0.0.2:80"}, True),
    ("another image", {**HERE, "image": "web:1"}, {**HERE, "image": "web:2"}, True),
    ("a warning that became critical", {**HERE, "severity": "warning"}, {**HERE, "severity": "critical"}, True),
    ("another Deployment", HERE, {**HERE, "deployment": "api"}, False),
    ("another namespace", HERE, {**HERE, "namespace": "blog"}, False),
    ("pods of two workloads", {"pod": "web-7d9c5bf7c9-x2x4z"}, {"pod": "api-7d9c5bf7c9-x2x4z"}, False),
    ("two of a StatefulSet", {"pod": "db-0"}, {"pod": "db-1"}, False),
    ("two runs of a job", {"job_name": "backup-28391040"}, {"job_name": "backup-28391100"}, True),
    (
        "two machines",
        {"job": "node-exporter", "instance": "a:9100"},
        {"job": "node-exporter", "instance": "b:9100"},
        False,
    ),
    (
        "one machine",
        {"job": "node-exporter", "instance": "a:9100"},
        {"job": "node-exporter", "instance": "a:9101"},
        True,
    ),
    ("two AWS instances", {"dimension.InstanceId": "i-0abc12345"}, {"dimension.InstanceId": "i-0abc67890"}, False),
    ("two accounts", {"account": "123456789012"}, {"account": "210987654321"}, False),
]


@pytest.mark.parametrize(("one", "other", "same"), [case[1:] for case in SAME], ids=[case[0] for case in SAME])
def test_an_alert_is_known_again_by_what_it_is_about(
    one: Mapping[str, str], other: Mapping[str, str], same: bool
) -> None:
    both = {identity("alertmanager", "KubePodCrashLooping", labels, f"fp-{n}") for n, labels in enumerate((one, other))}

    assert len(both) == (1 if same else 2)


@pytest.mark.parametrize("labels", [{}, {"severity": "page"}, {"team": "shop", "cluster": "eu"}])
def test_an_alert_that_does_not_say_what_it_is_about_is_only_ever_itself(labels: Mapping[str, str]) -> None:
    first, again, other = (identity("alertmanager", "TooSlow", labels, fp) for fp in ("fp-1", "fp-1", "fp-2"))

    assert (first == again, first == other) == (True, False)


def test_source_and_name_are_part_of_what_an_alert_is() -> None:
    told = {identity(source, name, HERE, "fp") for source in ("alertmanager", "grafana") for name in ("Down", "Slow")}

    assert len(told) == 4


def an_alert(name: str = "HighErrorRate", *, summary: str = "", minutes: float = 0, **given: object) -> Profile:
    """An alert about web in shop, with what differs."""
    labels = {"namespace": "shop", "deployment": "web", **{k: str(v) for k, v in given.items() if k in LABELS}}
    return profile(
        identity=f"{name}-{labels}",
        name=name,
        service=str(given.get("service", labels["deployment"])),
        severity=Severity(str(given.get("severity", "sev2"))),
        labels={key: value for key, value in labels.items() if value},
        annotations={"summary": summary},
        since=AT + timedelta(minutes=minutes),
    )


LABELS = ("namespace", "deployment", "node", "cluster", "pod", "job", "instance")


def match(news: Profile, *members: Profile, topology: Topology = SHOP, **seen: object) -> Match:
    """How well an alert fits an incident of these alerts."""
    return scoring.score(news, Circle.model_validate({"incident_id": 7, "alerts": members, **seen}), topology)


WEB = an_alert()
TOGETHER: list[tuple[str, Profile, Profile, str]] = [
    ("the same service", WEB, an_alert("QueueGrowing", severity="sev4"), "same service, web"),
    ("a service that needs it", WEB, an_alert(deployment="checkout"), "one hop from checkout"),
    (
        "a hop across namespaces, with the same words",
        an_alert(summary="too many 5xx answers"),
        an_alert(deployment="checkout", namespace="pay", summary="too many 5xx answers"),
        "one hop from checkout",
    ),
    ("one node in one namespace", an_alert(node="n1"), an_alert(deployment="cart", node="n1"), "same node, n1"),
    (
        "a service in a cluster and in the cloud",
        WEB,
        WEB.model_copy(update={"place": "aws:eu-west-2"}),
        "same service, web",
    ),
]


@pytest.mark.parametrize(("news", "member", "why"), [c[1:] for c in TOGETHER], ids=[c[0] for c in TOGETHER])
def test_what_has_a_tie_and_enough_beside_it_is_one_incident(news: Profile, member: Profile, why: str) -> None:
    found = match(news, member)

    assert found.joins
    assert why in found.reasons


APART: list[tuple[str, Profile, Profile]] = [
    ("two services of one namespace", WEB, an_alert("CertificateExpires", deployment="cart", severity="sev3")),
    (
        "the same alert of two services at once",
        an_alert(summary="restarts too often"),
        an_alert(deployment="cart", summary="restarts too often"),
    ),
    ("a service of the same name elsewhere", WEB, an_alert("QueueGrowing", namespace="blog", severity="sev4")),
    ("two hops", WEB, an_alert(deployment="payments")),
    ("two that need the same", an_alert(deployment="checkout"), an_alert(deployment="mail")),
    ("one hop and nothing else", WEB, an_alert("Slow", deployment="checkout", namespace="pay", severity="sev4")),
    (
        "a node and nothing else",
        an_alert("Slow", node="n1", namespace=""),
        an_alert("Full", node="n1", deployment="x", severity="sev4"),
    ),
]


@pytest.mark.parametrize(("news", "member"), [case[1:] for case in APART], ids=[case[0] for case in APART])
def test_what_many_alerts_of_a_day_share_joins_nothing(news: Profile, member: Profile) -> None:
    assert not match(news, member).joins


@pytest.mark.parametrize(
    "measured_by",
    ["kube-prometheus-stack-kube-state-metrics", "node-exporter", "kubernetes-pods", "default", "app", "unknown"],
)
def test_who_measured_is_no_service_that_two_alerts_share(measured_by: str) -> None:
    web, cart = (an_alert(deployment=name, service=measured_by) for name in ("web", "cart"))

    assert not match(web, cart, topology=Topology()).joins


@pytest.mark.parametrize(("minutes", "joins"), [(-30, True), (0.5, True), (1.5, False)])
def test_a_cause_does_not_begin_after_its_effect(minutes: float, joins: bool) -> None:
    dependency = an_alert(deployment="checkout", minutes=minutes)

    assert match(dependency, WEB).joins is joins


@pytest.mark.parametrize(("minutes", "joins"), [(4, True), (29, True), (31, False), (-1, False)])
def test_a_deploy_shortly_before_ties_an_alert_to_it(minutes: int, joins: bool) -> None:
    deployed = kubernetes("shop", "Deployment", "web")
    change = Change(at=AT - timedelta(minutes=minutes), resource=deployed, what="image", source="rollout")

    found = match(WEB, an_alert("Restarts", deployment="cart"), changes=(change,), topology=Topology())

    assert found.joins is joins
    assert any("web was changed" in reason for reason in found.reasons) is joins


def test_what_an_investigation_found_ill_ties_an_alert_to_it() -> None:
    ill = (kubernetes("shop", "Deployment", "web"),)

    found = match(WEB, an_alert("Restarts", deployment="cart"), affected=ill, topology=Topology())

    assert found.joins
    assert "web is in its blast radius" in found.reasons


def test_an_alert_joins_the_incident_it_fits_best() -> None:
    news = an_alert(deployment="checkout")
    loose = Circle(incident_id=1, alerts=(an_alert(deployment="payments"),))
    close = Circle(incident_id=2, alerts=(an_alert("Restarts", deployment="checkout"),))

    found = scoring.best(news, (loose, close), SHOP)

    assert found is not None
    assert found.incident_id == 2


def test_an_alert_that_fits_nothing_joins_nothing() -> None:
    assert scoring.best(WEB, (), SHOP) is None
    assert scoring.best(WEB, (Circle(incident_id=1, alerts=()),), SHOP) is None


def test_the_most_upstream_of_those_that_began_together_is_the_candidate() -> None:
    order = [("web", 0.2), ("payments", 0), ("checkout", 0.5), ("mail", 5)]

    found = root_candidates([an_alert(deployment=name, minutes=after) for name, after in order], SHOP)

    assert [(one.name, one.above) for one in found] == [("payments", 3), ("checkout", 1), ("web", 0)]


def test_alerts_that_name_nothing_have_no_candidate() -> None:
    assert root_candidates([an_alert(deployment="app", service="app")], SHOP) == ()


def test_a_node_that_most_of_a_storm_is_on_explains_it() -> None:
    alerts = [an_alert(deployment=f"s{n}", node="n1" if n < 4 else "n2") for n in range(6)]

    found = storm(alerts, Topology())

    assert found.explained == "4 of 6 alerts are on the node n1."
    assert [(one.name, one.alerts) for one in found.nodes] == [("n1", 4), ("n2", 2)]


def test_a_dependency_that_most_of_a_storm_rests_on_explains_it() -> None:
    alerts = [an_alert(deployment=name) for name in ("web", "checkout", "mail")]

    assert storm(alerts, SHOP).explained == "3 of the 3 services that alert are payments or rest on it."


def test_a_storm_without_anything_in_common_is_not_explained() -> None:
    alerts = [an_alert(deployment=f"s{n}", node=f"n{n}") for n in range(9)]

    assert storm(alerts, SHOP).explained is None


def test_the_same_seed_makes_the_same_storm() -> None:
    assert make(3) == make(3)
    assert make(3) != make(4)


def test_made_up_storms_are_put_together_well_enough() -> None:
    """Floors for a fixed set of seeds, a little below what is measured: they notice a change, they praise nothing."""
    measured = measure(range(60))

    assert measured.over_merged < 0.22
    assert measured.under_merged < 0.65
    assert measured.b_cubed_f1 > 0.76
    assert measured.alerts_per_incident > 3.4
    assert (measured.root_first > 0.88, measured.root_in_three > 0.97) == (True, True)
