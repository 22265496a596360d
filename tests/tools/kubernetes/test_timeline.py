"""What changed, in the order of time: every kind of change, its words, and the noise that is none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.tools.kubernetes.pictures import (
    NOW,
    ago,
    container,
    deployment,
    event,
    node,
    picture,
    pod,
    revision,
    service,
    template,
)
from tools.changes import around
from tools.diagnosis.kubernetes.timeline import changes
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Autoscaler, Condition, GitOpsApp, Ingress, Job, NetworkPolicy, Written

OLD = template(container(image="registry.local/web:3.0.0"))
NEW = template(container(image="registry.local/web:3.1.0"))
LONG_AGO = ago(days=30)


def seen(**parts: Any) -> Picture:
    """A namespace that has been there for a month."""
    parts["services"] = (
        service({"app": "x"}, "old").model_copy(update={"created": LONG_AGO}),
        *parts.get("services", ()),
    )
    return picture(**parts)


def told(picture: Picture) -> list[str]:
    """The changes of the last hours, without their times."""
    return [
        f"{one.resource}: {one.what}" + (f" by {one.by}" if one.by else "") for one in around(changes(picture), NOW)
    ]


def rolled_out(**changes: Any) -> Any:
    """Deployment web, whose second revision came half an hour ago."""
    first = revision(1, OLD).model_copy(update={"created": LONG_AGO})
    made = deployment(NEW, first, created=LONG_AGO)
    current = made.revisions[0].model_copy(update={"created": ago(minutes=30)})
    return made.model_copy(update={"revisions": (current, first), **changes})


def test_a_rollout_is_told_with_what_it_changed_and_who_wrote_it() -> None:
    workload = rolled_out(changed_by="kubectl-set", changed_at=ago(minutes=30, seconds=2))

    (change,) = around(changes(seen(workloads=(workload,))), NOW)

    assert change.what == "revision 2: app image: registry.local/web:3.0.0 -> registry.local/web:3.1.0"
    assert (change.at, change.by, change.source) == (ago(minutes=30), "kubectl-set", "rollout")


def test_a_restart_is_said_to_have_changed_nothing() -> None:
    workload = rolled_out()
    same = tuple(one.model_copy(update={"template": NEW}) for one in workload.revisions)

    assert told(seen(workloads=(workload.model_copy(update={"revisions": same}),))) == [
        "shop/Deployment/web: revision 2: restarted; its containers ask for the same as before"
    ]


def test_a_rollback_is_dated_by_who_wrote_it_and_not_by_its_old_replica_set() -> None:
    older = revision(2, NEW).model_copy(update={"created": ago(hours=3)})
    back = revision(3, OLD).model_copy(update={"created": LONG_AGO})
    workload = deployment(OLD, created=LONG_AGO, revision=3, changed_by="sayso", changed_at=ago(minutes=5))
    workload = workload.model_copy(update={"revisions": (back, older)})

    told_now = [change for change in changes(seen(workloads=(workload,))) if change.at == ago(minutes=5)]

    assert [(change.what[:10], change.by) for change in told_now] == [("revision 3", "sayso")]


def test_no_value_of_a_variable_is_told() -> None:
    from tests.tools.kubernetes.pictures import variable

    first = revision(1, template(container(env=(variable("MODE", "value set (3 characters)"),))))
    workload = deployment(template(container(env=(variable("MODE", "value set (5 characters)"),))), first)

    whole = " ".join(change.what for change in changes(seen(workloads=(workload,))))

    assert "app env MODE: value set (3 characters) -> value set (5 characters)" in whole


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (
            {"workloads": (rolled_out(changed_by="kubectl-edit", changed_at=ago(minutes=3)),)},
            "shop/Deployment/web: its spec was edited, without a rollout by kubectl-edit",
        ),
        (
            {
                "services": (
                    service({"app": "web"}).model_copy(
                        update={"created": LONG_AGO, "changed_at": ago(minutes=3), "changed_by": "helm"}
                    ),
                )
            },
            "shop/Service/web: its selector or ports were edited by helm",
        ),
        (
            {"ingresses": (Ingress(name="web", class_name=None, created=LONG_AGO, changed_at=ago(minutes=3)),)},
            "shop/Ingress/web: its rules were edited",
        ),
        (
            {"network_policies": (NetworkPolicy(name="deny", directions=("Egress",), created=ago(minutes=3)),)},
            "shop/NetworkPolicy/deny: created",
        ),
        (
            {"written": (Written(name="conf", by="kubectl-edit", at=ago(minutes=3)),)},
            "shop/ConfigMap/conf: its content was written by kubectl-edit",
        ),
        (
            {"nodes": (node(cordoned=True, cordoned_by="kubectl-cordon", cordoned_at=ago(minutes=3)),)},
            "Node/node-0: cordoned by kubectl-cordon",
        ),
        (
            {
                "nodes": (
                    node(
                        ready=False,
                        created=LONG_AGO,
                        conditions=(
                            Condition(type="Ready", status="Unknown", reason="NodeStatusUnknown", since=ago(minutes=3)),
                        ),
                    ),
                )
            },
            "Node/node-0: stopped being ready: NodeStatusUnknown",
        ),
        (
            {"nodes": (node(created=LONG_AGO), node("node-9", created=ago(minutes=3)))},
            "Node/node-9: joined the cluster",
        ),
        (
            {"events": (event("Evicted", "The node was low on resource: memory."),), "pods": (pod(),)},
            "shop/Deployment/web: pod web-1-aaaaa was sent away (Evicted): The node was low on resource: memory.",
        ),
        (
            {
                "apps": (
                    GitOpsApp(
                        kind="Application",
                        name="web",
                        namespace="argocd",
                        sync="Synced",
                        revision="3f2a",
                        changed=ago(minutes=3),
                    ),
                )
            },
            "argocd/Application/web: synced to 3f2a (Synced)",
        ),
        (
            {
                "jobs": (
                    Job(
                        name="sync-1",
                        cron_job="sync",
                        created=ago(minutes=3),
                        conditions=(Condition(type="Failed", status="True"),),
                    ),
                )
            },
            "shop/Job/sync-1: ran: failed by CronJob sync",
        ),
        (
            {
                "autoscalers": (
                    Autoscaler(
                        name="web", target_kind="Deployment", target="web", minimum=2, maximum=9, current=4, desired=4
                    ),
                ),
                "events": (
                    event(
                        "SuccessfulRescale",
                        "New size: 4; reason: cpu above target",
                        name="web",
                        kind="HorizontalPodAutoscaler",
                    ),
                ),
            },
            "shop/Deployment/web: scaled to 4 by its autoscaler: cpu above target",
        ),
    ],
)
def test_each_kind_of_change_is_told_in_its_own_words(parts: dict[str, Any], words: str) -> None:
    assert words in told(seen(**parts))


@pytest.mark.parametrize(
    ("message", "at", "words"),
    [
        ("Scaled up replica set web-2 from 2 to 5", NOW, ["scaled from 2 to 5"]),
        ("Scaled down replica set web-1 from 2 to 1", ago(minutes=28), []),
        ("Scaled up replica set web-2 to 2", NOW, []),
        ("scaled by somebody", NOW, []),
    ],
)
def test_a_count_that_moves_is_told_unless_a_rollout_moved_it(message: str, at: Any, words: list[str]) -> None:
    scaled = event("ScalingReplicaSet", message, name="web", kind="Deployment").model_copy(update={"last_seen": at})

    found = changes(seen(workloads=(rolled_out(),), events=(scaled,)))

    assert [change.what for change in found if change.source == "scaling"] == words


def test_what_an_autoscaler_did_is_not_told_twice() -> None:
    scaler = Autoscaler(name="web", target_kind="Deployment", target="web", minimum=2, maximum=9, current=4, desired=4)
    events = (
        event("SuccessfulRescale", "New size: 4; reason: cpu", name="web", kind="HorizontalPodAutoscaler"),
        event("ScalingReplicaSet", "Scaled up replica set web-2 from 2 to 4", name="web", kind="Deployment"),
    )

    found = changes(seen(workloads=(rolled_out(),), events=events, autoscalers=(scaler,)))

    assert len([change for change in found if change.source == "scaling"]) == 1


def test_a_namespace_that_was_just_made_has_not_changed() -> None:
    first = revision(1, OLD)
    made = deployment(OLD, created=ago(hours=1)).model_copy(update={"revisions": (first,), "revision": 1})
    beside = service({"app": "web"}).model_copy(update={"created": ago(hours=1), "changed_at": ago(hours=1)})

    assert changes(picture(workloads=(made,), services=(beside,))) == ()


def test_changes_are_told_oldest_first_and_each_once() -> None:
    late = Written(name="a", by="x", at=ago(minutes=1))
    early = Written(name="b", by="x", at=ago(minutes=9))

    found = changes(seen(written=(late, early, late)))

    times = [change.at for change in found]
    assert times == sorted(times)
    assert len([change for change in found if change.resource.kind == "ConfigMap"]) == 2


def test_only_what_is_near_the_onset_is_told() -> None:
    written = tuple(Written(name=f"{hours}", by="x", at=NOW - timedelta(hours=hours)) for hours in (1, 5, 7))

    near = around(changes(seen(written=written)), NOW)

    assert [change.resource.name for change in near] == ["5", "1"]
