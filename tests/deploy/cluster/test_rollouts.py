"""Deployments rolling, pausing, undoing; scheduling, eviction, nodes; what the controllers report on the way."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.sandbox.cluster import Cluster, NodePool
from deploy.sandbox.cluster.controllers.rollouts import Room, Size, new_size, old_sizes
from tests.deploy.cluster.manifests import Manifest, budget, deployment, in_container, probe, service
from tests.deploy.cluster.wire import JSON_PATCH, MERGE, Wire, path

DEPLOYMENT = path("deployments", "web")
READY: dict[str, Any] = {"readinessProbe": probe("/readyz")}


def conditions(item: Manifest) -> dict[str, tuple[str, str]]:
    return {entry["type"]: (entry["status"], entry["reason"]) for entry in item["status"]["conditions"]}


def ready(pods: list[dict[str, Any]]) -> int:
    found = [entry for pod in pods for entry in pod["status"].get("conditions", []) if entry["type"] == "Ready"]
    return sum(entry["status"] == "True" for entry in found)


def test_a_rolling_update_never_has_too_few_ready_nor_too_many_pods(cluster: Cluster, api: Wire) -> None:
    api.create("deployments", deployment(replicas=4, **READY))
    cluster.advance(10)
    api.patch(DEPLOYMENT, in_container(image="registry.local/web:3.0.0"))
    seen: list[tuple[int, int]] = []

    for _ in range(60):
        cluster.advance(0.25)
        pods = [pod for pod in api.items("pods") if "deletionTimestamp" not in pod["metadata"]]
        seen.append((ready(pods), len(pods)))

    assert min(count for count, _ in seen) >= 3
    assert max(total for _, total in seen) <= 5
    images = {pod["spec"]["containers"][0]["image"] for pod in api.items("pods")}
    assert images == {"registry.local/web:3.0.0"}


def test_a_bad_update_stops_with_the_old_pods_serving(cluster: Cluster, api: Wire, web: Manifest) -> None:
    api.patch(DEPLOYMENT, in_container(image="registry.local/web:9.9.9"))

    cluster.advance(120)

    status = api.get(DEPLOYMENT)["status"]
    assert (status["replicas"], status["updatedReplicas"], status["availableReplicas"]) == (3, 1, 2)
    assert conditions(api.get(DEPLOYMENT))["Available"] == ("True", "MinimumReplicasAvailable")


def test_a_stuck_rollout_exceeds_its_deadline(cluster: Cluster, api: Wire, web: Manifest) -> None:
    api.patch(
        DEPLOYMENT, {"spec": {"progressDeadlineSeconds": 60, **in_container(image="registry.local/web:9.9.9")["spec"]}}
    )

    cluster.advance(50)
    before = conditions(api.get(DEPLOYMENT))["Progressing"]
    cluster.advance(20)

    assert before == ("True", "ReplicaSetUpdated")
    assert conditions(api.get(DEPLOYMENT))["Progressing"] == ("False", "ProgressDeadlineExceeded")


def test_undo_by_putting_the_old_template_back_reuses_its_replica_set(
    cluster: Cluster, api: Wire, web: Manifest
) -> None:
    api.patch(DEPLOYMENT, in_container(image="registry.local/web:9.9.9"))
    cluster.advance(20)

    api.patch(DEPLOYMENT, [{"op": "replace", "path": "/spec/template", "value": web["spec"]["template"]}], JSON_PATCH)
    cluster.advance(15)

    revisions = {
        item["metadata"]["annotations"]["deployment.kubernetes.io/revision"]: item["spec"]["replicas"]
        for item in api.items("replicasets")
    }
    assert revisions == {"3": 2, "2": 0}
    assert api.get(DEPLOYMENT)["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"


def test_writing_the_revision_does_not_move_the_generation(cluster: Cluster, api: Wire, web: Manifest) -> None:
    assert web["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"
    assert web["metadata"]["generation"] == 1
    assert web["status"]["observedGeneration"] == 1


def test_a_restart_annotation_replaces_every_pod(cluster: Cluster, api: Wire, web: Manifest) -> None:
    before = {pod["metadata"]["uid"] for pod in api.items("pods")}
    annotations = {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}

    api.patch(DEPLOYMENT, {"spec": {"template": {"metadata": {"annotations": annotations}}}})
    cluster.advance(15)

    after = {pod["metadata"]["uid"] for pod in api.items("pods")}
    assert len(after) == 2
    assert not before & after


def test_a_paused_deployment_rolls_nothing_and_says_so(cluster: Cluster, api: Wire, web: Manifest) -> None:
    api.patch(DEPLOYMENT, {"spec": {"paused": True, **in_container(image="registry.local/web:3.0.0")["spec"]}})
    cluster.advance(15)

    assert conditions(api.get(DEPLOYMENT))["Progressing"] == ("Unknown", "DeploymentPaused")
    assert len(api.items("replicasets")) == 1
    api.patch(DEPLOYMENT, {"spec": {"paused": None}})
    cluster.advance(15)
    assert conditions(api.get(DEPLOYMENT))["Progressing"] == ("True", "NewReplicaSetAvailable")
    assert len(api.items("replicasets")) == 2


def test_recreate_lets_the_old_pods_go_before_the_new_ones_come(cluster: Cluster, api: Wire) -> None:
    body = deployment()
    body["spec"]["strategy"] = {"type": "Recreate"}
    api.create("deployments", body)
    cluster.advance(5)
    api.patch(DEPLOYMENT, in_container(image="registry.local/web:3.0.0"))

    images = []
    for _ in range(20):
        cluster.advance(0.25)
        images.append({pod["spec"]["containers"][0]["image"] for pod in api.items("pods")})

    assert all(len(seen) <= 1 for seen in images)
    assert images[-1] == {"registry.local/web:3.0.0"}


def test_history_is_kept_no_longer_than_asked(cluster: Cluster, api: Wire) -> None:
    body = deployment()
    body["spec"]["revisionHistoryLimit"] = 1
    api.create("deployments", body)
    for number in range(4):
        cluster.advance(15)
        api.patch(DEPLOYMENT, in_container(env=[{"name": "N", "value": str(number)}]))

    cluster.advance(15)

    assert len(api.items("replicasets")) == 2


def test_scaling_through_the_subresource_is_guarded_by_the_old_count(
    cluster: Cluster, api: Wire, web: Manifest
) -> None:
    where = f"{DEPLOYMENT}/scale"
    guarded = [
        {"op": "test", "path": "/spec/replicas", "value": 2},
        {"op": "replace", "path": "/spec/replicas", "value": 4},
    ]

    api.patch(where, guarded, JSON_PATCH)
    again = api.refused("PATCH", where, guarded, JSON_PATCH)
    cluster.advance(10)

    assert again["code"] == 422
    assert api.get(DEPLOYMENT)["status"]["availableReplicas"] == 4
    assert "generation" not in api.get(where)["metadata"]


def test_a_scale_of_zero_is_left_out_as_the_real_server_does(cluster: Cluster, api: Wire, web: Manifest) -> None:
    api.patch(f"{DEPLOYMENT}/scale", {"spec": {"replicas": 0}}, MERGE)
    cluster.advance(5)

    assert api.get(f"{DEPLOYMENT}/scale")["spec"] == {}
    assert api.items("pods") == []


def test_a_crashed_deployment_backs_off_longer_each_time(cluster: Cluster, api: Wire) -> None:
    api.create("deployments", deployment(image="registry.local/checkout:1.4.2", replicas=1))

    restarts = []
    for seconds in (5, 10, 20, 40, 80, 160):
        cluster.advance(seconds)
        restarts.append(api.items("pods")[0]["status"]["containerStatuses"][0]["restartCount"])

    assert restarts == [1, 2, 3, 4, 5, 6]


SIZES = st.builds(lambda w, a, v: Size(w, min(a, w), min(v, a, w)), *[st.integers(0, 6)] * 3)
ROOMS = st.builds(Room, st.integers(0, 6), st.integers(0, 3), st.integers(0, 3)).filter(
    lambda r: r.surge or r.unavailable
)


@given(ROOMS, SIZES, st.lists(SIZES, max_size=3))
def test_no_step_of_a_rollout_goes_above_the_surge_or_takes_what_is_needed(
    room: Room, new: Size, olds: list[Size]
) -> None:
    total = new.wanted + sum(old.wanted for old in olds)

    grown = new_size(room, new, olds)
    shrunk = old_sizes(room, Size(grown, new.actual, new.available), olds)

    if new.wanted < grown < room.replicas or (new.wanted < grown and total < room.replicas + room.surge):
        assert grown + sum(old.wanted for old in olds) <= max(total, room.replicas + room.surge)
    assert all(0 <= size <= old.wanted for size, old in zip(shrunk, olds, strict=True))
    taken = sum(max(0, old.available - size) for size, old in zip(shrunk, olds, strict=True))
    available = new.available + sum(old.available for old in olds)
    assert taken <= max(0, available - (room.replicas - room.unavailable))


# Scheduling and nodes


UNSCHEDULABLE: list[tuple[str, Manifest, str]] = [
    (
        "memory",
        {"containers": [{"name": "a", "image": "nginx:1.27", "resources": {"requests": {"memory": "64Gi"}}}]},
        "3 Insufficient memory",
    ),
    (
        "cpu",
        {"containers": [{"name": "a", "image": "nginx:1.27", "resources": {"requests": {"cpu": "64"}}}]},
        "3 Insufficient cpu",
    ),
    (
        "selector",
        {"containers": [{"name": "a", "image": "nginx:1.27"}], "nodeSelector": {"disk": "ssd"}},
        "3 node(s) didn't match Pod's node affinity/selector",
    ),
    (
        "claim",
        {
            "containers": [{"name": "a", "image": "nginx:1.27"}],
            "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "none"}}],
        },
        'persistentvolumeclaim "none" not found',
    ),
]


@pytest.mark.parametrize(("spec", "words"), [case[1:] for case in UNSCHEDULABLE], ids=[c[0] for c in UNSCHEDULABLE])
def test_a_pod_that_fits_nowhere_says_why_in_the_schedulers_words(
    cluster: Cluster, api: Wire, spec: Manifest, words: str
) -> None:
    api.create("pods", {"metadata": {"name": "p"}, "spec": spec})

    cluster.advance(1)

    found = next(
        entry for entry in api.get(path("pods", "p"))["status"]["conditions"] if entry["type"] == "PodScheduled"
    )
    assert (found["status"], found["reason"]) == ("False", "Unschedulable")
    assert found["message"].startswith("0/3 nodes are available: ")
    assert words in found["message"]


def test_cordoned_nodes_take_no_pods_until_one_is_uncordoned(cluster: Cluster, api: Wire) -> None:
    for number in range(3):
        api.patch(path("nodes", f"node-{number}"), {"spec": {"unschedulable": True}}, MERGE)
    api.create("pods", {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "image": "nginx:1.27"}]}})
    cluster.advance(1)
    waiting = api.get(path("pods", "p"))["status"]["conditions"][0]["message"]

    for number in range(3):
        api.patch(path("nodes", f"node-{number}"), {"spec": {"unschedulable": None}}, MERGE)
    cluster.advance(5)

    assert "3 node(s) were unschedulable" in waiting
    assert api.get(path("pods", "p"))["status"]["phase"] == "Running"


def evict(api: Wire, pod: str, **options: Any) -> Any:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}, "deleteOptions": options}
    return api.send("POST", path("pods", pod) + "/eviction", body)


def test_a_budget_blocks_the_eviction_that_would_break_it_in_dry_run_too(
    cluster: Cluster, api: Wire, web: Manifest
) -> None:
    api.create("poddisruptionbudgets", budget("web", minAvailable=2))
    cluster.advance(1)
    pod = api.items("pods")[0]["metadata"]["name"]

    for options in ({}, {"dryRun": ["All"]}):
        status = evict(api, pod, **options).json()

        assert (status["code"], status["reason"]) == (429, "TooManyRequests")
        assert status["details"]["causes"][0]["reason"] == "DisruptionBudget"
    assert api.get(path("poddisruptionbudgets", "web"))["status"]["disruptionsAllowed"] == 0


def test_an_eviction_the_budget_allows_replaces_the_pod_and_the_next_one_waits(
    cluster: Cluster, api: Wire, web: Manifest
) -> None:
    api.create("poddisruptionbudgets", budget("web", maxUnavailable=1))
    first, second = (pod["metadata"]["name"] for pod in api.items("pods"))

    answers = [evict(api, first).status_code, evict(api, second).status_code]
    cluster.advance(10)

    assert answers == [201, 429]
    assert evict(api, second, dryRun=["All"]).status_code == 201
    assert ready(api.items("pods")) == 2


def test_evicting_with_another_uid_is_a_conflict_and_a_gone_pod_is_not_found(api: Wire, web: Manifest) -> None:
    pod = api.items("pods")[0]["metadata"]["name"]

    assert evict(api, pod, preconditions={"uid": "other"}).status_code == 409
    assert evict(api, "gone").status_code == 404


def test_a_silent_node_becomes_unknown_loses_its_endpoints_and_comes_back() -> None:
    with Cluster(speed=0, nodes=NodePool(2)) as two:
        wire = Wire(two.url)
        wire.create("deployments", deployment(), namespace="default")
        wire.create("services", service(), namespace="default")
        two.advance(5)

        two.power("node-0", on=False)
        two.advance(60)
        lost = wire.get(path("nodes", "node-0"))
        slices = wire.items("endpointslices", namespace="default")
        two.power("node-0", on=True)
        two.advance(10)
        back = wire.get(path("nodes", "node-0"))
        wire.close()

    ready_condition = next(entry for entry in lost["status"]["conditions"] if entry["type"] == "Ready")
    assert (ready_condition["status"], ready_condition["reason"]) == ("Unknown", "NodeStatusUnknown")
    assert {taint["key"] for taint in lost["spec"]["taints"]} == {"node.kubernetes.io/unreachable"}
    assert sorted(entry["conditions"]["ready"] for entry in slices[0]["endpoints"]) == [False, True]
    assert "taints" not in back["spec"]
    assert next(entry for entry in back["status"]["conditions"] if entry["type"] == "Ready")["status"] == "True"


# Services


def test_a_selector_without_pods_leaves_the_slice_without_endpoints(cluster: Cluster, api: Wire, web: Manifest) -> None:
    api.patch(path("services", "web"), {"spec": {"selector": {"app": "wbe"}}}, MERGE)
    cluster.advance(1)

    assert api.items("endpointslices")[0]["endpoints"] is None


def test_a_target_port_nobody_names_leaves_the_slice_without_ports(cluster: Cluster, api: Wire, web: Manifest) -> None:
    patch = [{"op": "replace", "path": "/spec/ports/0/targetPort", "value": "grpc"}]

    api.patch(path("services", "web"), patch, JSON_PATCH)
    cluster.advance(1)

    found = api.items("endpointslices")[0]
    assert found["ports"] is None
    assert [entry["conditions"]["ready"] for entry in found["endpoints"]] == [True, True]


def test_a_program_whose_dependency_is_down_is_not_ready_until_it_is_up(cluster: Cluster, api: Wire) -> None:
    api.create("deployments", deployment("orders", image="registry.local/orders:1.0.0", **READY))
    cluster.advance(15)
    waiting = ready(api.items("pods"))

    api.create("deployments", deployment("database", replicas=1, image="registry.local/database:16"))
    api.create("services", service("database", target=5432))
    cluster.advance(15)

    assert waiting == 0
    assert ready(api.items("pods", labelSelector="app=orders")) == 2


# Size


def test_a_thousand_pods_come_up_in_seconds_and_cost_nothing_when_idle() -> None:
    import time

    with Cluster(speed=0, nodes=NodePool(12, cpu="8", memory="64Gi")) as big:
        big.load([deployment(replicas=1000, **READY)])
        began = time.process_time()
        big.advance(15)
        took = time.process_time() - began

        began = time.process_time()
        big.advance(1)
        idle = time.process_time() - began

        wire = Wire(big.url)
        pods = wire.items("pods", namespace="default")
        wire.close()

    assert ready(pods) == 1000
    assert took < 6.0  # 1.8 s on an idle machine; the target is 3 s
    assert idle < 0.005
