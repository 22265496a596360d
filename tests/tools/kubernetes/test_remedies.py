"""Fixes are narrow, bounded, and taken from the cluster. Where nothing is known for certain, a person is told so."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.kubernetes.pictures import (
    container,
    deployment,
    ended,
    endpoints,
    event,
    log,
    node,
    picture,
    pod,
    revision,
    service,
    state,
    template,
    unplaced,
    variable,
    waiting,
)
from tools.actions import Action, SetEnv, SetImage, SetProbe, SetResources, SetServiceSelector, UndoRollout
from tools.criteria import EndpointsReady, RolloutDone
from tools.diagnosis.kubernetes.diagnosing import diagnose
from tools.reads.kubernetes import quantities
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Container, Probe, Revision, Usage
from tools.remedies import Remedy
from tools.remedies.kubernetes import remedy

CRASHING = waiting("CrashLoopBackOff", last=ended(1), restarts=4)
MEBIBYTE = Decimal(1024**2)


def fix_of(seen: Picture) -> Remedy:
    """The remedy of the first finding."""
    return remedy(diagnose(seen).findings[0], seen)


def actions(seen: Picture) -> list[Action]:
    """Its actions."""
    return list(fix_of(seen).actions)


def rolled_out(now: Container, *older: Revision, **seen: Any) -> Picture:
    """A Deployment whose newest revision, with one ill pod, runs that container."""
    asked = template(now)
    states = seen.pop("states", (CRASHING,))
    ill = pod(asked=asked, replica_set=f"web-{len(older) + 1}").model_copy(update={"states": states})
    return picture(workloads=(deployment(asked, *older),), pods=(ill,), **seen)


def killed(limit: str, *older: Revision, used: int = 0, nodes: int = 8) -> Picture:
    """A container killed for memory under a limit, on nodes of so many GiB."""
    usage = (Usage(pod="web-1-aaaaa", container="app", memory=used * MEBIBYTE, cpu=Decimal(0)),) if used else ()
    states = (waiting("CrashLoopBackOff", last=ended(137, "OOMKilled"), restarts=3),)
    return rolled_out(
        container(limits={"memory": limit}), *older, states=states, usage=usage, nodes=(node(memory=nodes),)
    )


def memory(number: int, limit: str) -> Revision:
    """A revision with that limit."""
    return revision(number, template(container(limits={"memory": limit})))


def missing_image(*older: Revision) -> Picture:
    """A container whose image is not there."""
    broken = container(image="registry.local/web:9.9.9")
    said = event("Failed", 'Failed to pull image "registry.local/web:9.9.9": not found')
    return rolled_out(broken, *older, states=(waiting("ImagePullBackOff"),), events=(said,))


def test_a_variable_is_restored_from_the_newest_revision_that_had_it() -> None:
    having = template(container(env=(variable("DATABASE_URL"),)))
    without = template(container(env=(variable("MODE"),)))
    seen = rolled_out(
        container(),
        revision(3, without),
        revision(2, having),
        revision(1, having),
        logs=(log("DATABASE_URL is not set"),),
    )

    (action,) = actions(seen)

    assert action == SetEnv(namespace="shop", deployment="web", container="app", variable="DATABASE_URL", revision=2)


def test_a_variable_nobody_ever_set_is_not_made_up() -> None:
    fix = fix_of(rolled_out(container(), revision(1, template()), logs=(log("DATABASE_URL is not set"),)))

    assert fix.actions == ()
    assert "No earlier revision sets DATABASE_URL" in fix.advice


@pytest.mark.parametrize(
    ("limit", "earlier", "used", "nodes", "wanted"),
    [
        pytest.param("128Mi", "512Mi", 0, 8, "512Mi", id="what the previous revision had"),
        pytest.param("128Mi", "2Gi", 0, 8, "512Mi", id="never more than four times"),
        pytest.param("128Mi", "64Mi", 0, 8, "256Mi", id="twice, where the past knows no better"),
        pytest.param("128Mi", "64Mi", 300, 8, "450Mi", id="measured use and half as much again"),
        pytest.param("128Mi", "64Mi", 3000, 8, "512Mi", id="measured use is bounded too"),
        pytest.param("6Gi", "64Mi", 0, 8, "8Gi", id="never more than the largest node"),
    ],
)
def test_a_memory_limit_is_raised_within_bounds(limit: str, earlier: str, used: int, nodes: int, wanted: str) -> None:
    (action,) = actions(killed(limit, memory(1, earlier), used=used, nodes=nodes))

    assert action == SetResources(namespace="shop", deployment="web", container="app", memory_limit=wanted)


@given(limit=st.integers(1, 10_000), earlier=st.integers(1, 100_000), used=st.integers(0, 100_000))
def test_no_raise_ever_leaves_its_bounds(limit: int, earlier: int, used: int) -> None:
    found = actions(killed(f"{limit}Mi", memory(1, f"{earlier}Mi"), used=used))

    for action in found:
        assert isinstance(action, SetResources)
        raised = quantities.amount(action.memory_limit or "")
        assert raised is not None
        assert limit * MEBIBYTE < raised <= min(limit * MEBIBYTE * 4, 8 * 1024 * MEBIBYTE)


def test_a_limit_no_node_can_raise_is_left_to_a_person() -> None:
    fix = fix_of(killed("8Gi", memory(1, "8Gi"), nodes=8))

    assert fix.actions == ()
    assert "no node offers more" in fix.advice


def test_an_image_goes_back_to_the_revision_that_still_serves() -> None:
    good = revision(1, template(container(image="registry.local/web:3.0.0")), available=2)
    newer = revision(2, template(container(image="registry.local/web:3.1.0")))

    (action,) = actions(missing_image(newer, good))

    assert action == SetImage(namespace="shop", deployment="web", container="app", image="registry.local/web:3.0.0")


def test_an_image_without_a_past_is_left_to_a_person() -> None:
    assert actions(missing_image()) == []


def test_refused_credentials_are_never_answered_by_going_back() -> None:
    said = event("Failed", 'Failed to pull image "registry.local/web:3.1.0": 401 Unauthorized')
    good = revision(1, template(container(image="registry.local/web:3.0.0")), available=2)

    fix = fix_of(rolled_out(container(), good, states=(waiting("ImagePullBackOff"),), events=(said,)))

    assert fix.actions == ()
    assert "pull secret" in fix.advice


LIVENESS_EVENTS = (
    event("Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 404"),
    event("Killing", "Container app failed liveness probe, will be restarted"),
)
KILLED = (state(last=ended(137), restarts=5, ready=False),)


def asking(path: str, port: str = "http") -> Probe:
    """An HTTP probe."""
    return Probe(handler="httpGet", path=path, port=port)


def test_a_liveness_probe_asks_again_what_the_previous_revision_asked() -> None:
    before = revision(1, template(container(liveness=asking("/healthz"))))

    (action,) = actions(rolled_out(container(liveness=asking("/nope")), before, states=KILLED, events=LIVENESS_EVENTS))

    assert action == SetProbe(namespace="shop", deployment="web", container="app", probe="liveness", path="/healthz")


def test_without_a_past_a_liveness_probe_asks_what_the_contented_readiness_probe_asks() -> None:
    (action,) = actions(rolled_out(container(liveness=asking("/nope")), states=KILLED, events=LIVENESS_EVENTS))

    assert action == SetProbe(namespace="shop", deployment="web", container="app", probe="liveness", path="/readyz")


def test_a_liveness_probe_that_is_answered_too_late_is_not_sent_elsewhere() -> None:
    late = event("Unhealthy", "Liveness probe failed: context deadline exceeded (Client.Timeout exceeded)")

    fix = fix_of(rolled_out(container(liveness=asking("/healthz")), states=KILLED, events=(late, LIVENESS_EVENTS[1])))

    assert fix.actions == ()


def test_a_secret_that_never_was_is_not_looked_for_in_a_log() -> None:
    fix = fix_of(rolled_out(container(), states=(waiting("CreateContainerConfigError", 'secret "db" not found'),)))

    assert fix.actions == ()
    assert fix.advice.startswith("web never ran, so there is no log to read: create or correct")


def test_a_probe_that_only_lost_its_patience_is_undone_with_its_rollout() -> None:
    patient = asking("/healthz").model_copy(update={"failure_threshold": 30})
    before = revision(1, template(container(startup=patient)), available=2)
    kill = event("Killing", "Container app failed startup probe, will be restarted")
    seen = rolled_out(
        container(startup=asking("/healthz")),
        before,
        states=KILLED,
        events=(event("Unhealthy", "Startup probe failed: connection refused"), kill),
    )

    assert actions(seen) == [UndoRollout(namespace="shop", deployment="web", to_revision=1)]


def test_an_application_that_answers_nobody_is_not_given_another_probe() -> None:
    same = asking("/readyz")

    fix = fix_of(rolled_out(container(liveness=same, readiness=same), states=KILLED, events=LIVENESS_EVENTS))

    assert fix.actions == ()
    assert "really be unwell" in fix.advice


def test_a_readiness_probe_asks_the_only_port_there_is() -> None:
    failed = event("Unhealthy", "Readiness probe failed: dial tcp: connection refused")
    unready = (state(ready=False),)

    (action,) = actions(rolled_out(container(readiness=asking("/readyz", "9999")), states=unready, events=(failed,)))

    assert action == SetProbe(namespace="shop", deployment="web", container="app", probe="readiness", port="http")


@pytest.mark.parametrize(
    "answer", ["HTTP probe failed with statuscode: 503", "context deadline exceeded (Client.Timeout exceeded)"]
)
def test_a_probe_that_is_answered_is_not_sent_to_the_declared_port(answer: str) -> None:
    failed = event("Unhealthy", f"Readiness probe failed: {answer}")
    seen = rolled_out(container(readiness=asking("/ready", "15021")), states=(state(ready=False),), events=(failed,))

    assert actions(seen) == []
    assert "declares no such port" not in fix_of(seen).advice


def test_a_revision_that_never_came_up_goes_back_while_the_one_before_serves() -> None:
    failed = event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 404")
    now = container(readiness=asking("/readyz"), image="registry.local/web:4.0.0")
    before = template(container(readiness=asking("/readyz")))
    seen = rolled_out(now, revision(1, before, available=5), states=(state(ready=False),), events=(failed,))
    stuck, gone = (
        seen.workloads[0].model_copy(
            update={"revisions": (revision(2, template(now)), revision(1, before, available=n))}
        )
        for n in (5, 0)
    )

    back = actions(seen.model_copy(update={"workloads": (stuck,)}))
    stays = actions(seen.model_copy(update={"workloads": (gone,)}))

    assert back == [UndoRollout(namespace="shop", deployment="web", to_revision=1)]
    assert stays == []


def test_a_probe_that_rightly_says_no_is_left_alone() -> None:
    failed = event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")
    waits = (log('ERROR connection to server at "db", port 5432 failed: Connection refused'),)
    now, before = (template(container(image=f"registry.local/web:{n}", readiness=asking("/readyz"))) for n in (4, 3))
    rollout = (revision(2, now), revision(1, before, available=2))
    web = deployment(now, rollout[1]).model_copy(update={"revisions": rollout})
    ill = pod(state(ready=False), asked=now, replica_set="web-2")
    seen = picture(workloads=(web,), pods=(ill,), events=(failed,))

    assert len(actions(seen)) == 1
    fix = fix_of(seen.model_copy(update={"logs": waits}))
    assert fix.actions == ()
    assert "db:5432" in fix.advice


def stuck(*older: Revision, used: int = 0) -> Picture:
    """A pod that requests 64Gi where the largest node has 8."""
    asked = template(container(requests={"memory": "64Gi"}))
    pending = unplaced(
        "0/1 nodes are available: 1 Insufficient memory.", asked, replica_set=f"web-{len(older) + 1}", name="web-new"
    )
    running = pod(state(), ready=True, replica_set="web-1")
    usage = (Usage(pod="web-1-aaaaa", container="app", memory=used * MEBIBYTE, cpu=Decimal(0)),) if used else ()
    return picture(workloads=(deployment(asked, *older),), pods=(pending, running), usage=usage)


def test_a_request_goes_back_to_what_the_previous_revision_asked() -> None:
    before = revision(1, template(container(requests={"memory": "64Mi"})), available=2)

    (action,) = actions(stuck(before))

    assert action == SetResources(namespace="shop", deployment="web", container="app", memory_request="64Mi")


def test_without_a_past_a_request_follows_measured_use() -> None:
    (action,) = actions(stuck(revision(1, template(container(requests={"memory": "64Gi"}))), used=100))

    assert action == SetResources(namespace="shop", deployment="web", container="app", memory_request="150Mi")


def test_a_request_nobody_can_judge_is_left_to_a_person() -> None:
    assert actions(stuck()) == []


def test_full_nodes_are_not_answered_by_asking_for_less() -> None:
    before = revision(1, template(), available=2)
    pending = unplaced("0/1 nodes are available: 1 Insufficient cpu.", replica_set="web-2")

    fix = fix_of(picture(workloads=(deployment(template(), before),), pods=(pending,)))

    assert fix.actions == ()
    assert "capacity" in fix.advice


def typo(*names: str, selector: str = "wbe") -> Picture:
    """A Service whose selector matches no Deployment of these names."""
    return picture(
        workloads=tuple(deployment(template(labels={"app": name}), name=name) for name in names),
        services=(service({"app": selector}, name="front"),),
        endpoints=(endpoints(0, name="front"),),
    )


def test_a_selector_is_pointed_at_the_nearest_labels() -> None:
    fix = fix_of(
        picture(
            workloads=(deployment(template()), deployment(template(labels={"app": "orders"}), name="orders")),
            services=(service({"app": "wbe"}),),
            endpoints=(endpoints(0),),
        )
    )

    assert fix.actions == (SetServiceSelector(namespace="shop", service="web", selector={"app": "web"}),)
    assert isinstance(fix.success_criteria[0], EndpointsReady)


@pytest.mark.parametrize(
    "names", [("web", "wba"), ("orders",), ()], ids=["two equally near", "nothing near", "nothing"]
)
def test_a_selector_that_could_mean_anything_is_left_to_a_person(names: tuple[str, ...]) -> None:
    assert actions(typo(*names, selector="wb")) == []


def test_an_unexplained_crash_goes_back_only_to_a_revision_that_serves() -> None:
    serving = revision(1, template(container(image="registry.local/web:3.0.0")), available=2)
    unproven = serving.model_copy(update={"available": 0})

    assert actions(rolled_out(container(), serving)) == [UndoRollout(namespace="shop", deployment="web", to_revision=1)]
    assert actions(rolled_out(container(), unproven)) == []


def test_only_deployments_are_changed() -> None:
    seen = picture(pods=(pod(CRASHING, owner_kind="StatefulSet", owner_name="db", replica_set=""),))

    fix = fix_of(seen)

    assert fix.actions == ()
    assert fix.advice


def test_a_deployment_is_healed_when_it_rolled_out_and_the_finding_is_gone() -> None:
    fix = fix_of(rolled_out(container(), revision(1, template(), available=2)))

    rollout, gone = fix.success_criteria
    assert rollout == RolloutDone(namespace="shop", deployment="web")
    assert gone.kind == "finding_gone"
