"""Each rule about surroundings names its fault, on the object people would fix, with evidence and nothing else."""

from __future__ import annotations

import pytest

from bot.evaluation.claims import unfounded
from tests.tools.kubernetes.around import (
    CONFIG,
    DATA,
    LATE,
    STANDARD,
    away,
    budget,
    claim,
    creating,
    felt,
    healthy,
    ingress,
    leads,
    mounting,
    policy,
    said,
    unready,
    well,
)
from tests.tools.kubernetes.around_faults import CASES, CNI, CUT
from tests.tools.kubernetes.pictures import (
    ago,
    container,
    deployment,
    endpoints,
    log,
    node,
    revision,
    service,
    template,
)
from tools.diagnosis.kubernetes import around
from tools.diagnosis.kubernetes.catalogue.around import AROUND
from tools.diagnosis.kubernetes.citing import Found
from tools.diagnosis.kubernetes.diagnosing import diagnose
from tools.evidence import Proposal, Severity
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import NodeUsage, Probe, Usage
from tools.subjects import KubernetesSubject


def found(seen: Picture) -> list[Found]:
    """What the rules about surroundings find on their own."""
    return list(around.findings(seen, ()))


def only(seen: Picture) -> Found:
    """The one finding."""
    (one,) = found(seen)
    return one


@pytest.mark.parametrize("case", CASES, ids=list(CASES))
def test_each_fault_around_workloads_is_named_where_people_would_fix_it(case: str) -> None:
    code, resource, seen = CASES[case]

    told = found(seen)

    assert [(one.finding.code, str(one.finding.resource)) for one in told] == [(code, resource)]
    assert set(told[0].finding.evidence_ids) == {piece.id for piece in told[0].evidence}
    assert told[0].evidence


def test_every_rule_about_surroundings_is_in_the_catalogue_and_has_a_case() -> None:
    assert {code for code, _, _ in CASES.values()} == {rule.code for rule in AROUND}


def test_the_role_of_a_finding_is_the_catalogues() -> None:
    roles = {rule.code: rule.role for rule in AROUND}

    assert {code: found(seen)[0].finding.role for code, _, seen in CASES.values()} == roles


@pytest.mark.parametrize("case", CASES, ids=list(CASES))
def test_every_name_and_number_told_stands_in_the_evidence(case: str) -> None:
    one = only(CASES[case][2])

    assert unfounded(Proposal(hypothesis="", findings=(one.finding,), confidence=1), one.evidence) == ()


def test_each_fault_is_the_one_cause_of_an_alert_on_the_workload_it_hurts() -> None:
    about = KubernetesSubject(namespace="shop", deployment="web")
    diagnoses = {case: diagnose(seen.model_copy(update={"subject": about})) for case, (_, _, seen) in CASES.items()}

    leading = {case: [cause.finding.code for cause in one.about_it.causes] for case, one in diagnoses.items()}

    assert leading == {case: [code] for case, (code, _, _) in CASES.items()}


def test_a_node_that_went_away_is_told_with_its_pods_its_reason_and_since_when() -> None:
    finding = only(CASES["a node that went away"][2]).finding

    assert finding.statement == (
        "Node node-1 has not been ready since 2026-11-20 08:50 UTC (NodeStatusUnknown: Kubelet stopped posting node "
        "status.); on it is web (1)."
    )
    assert finding.since == ago(minutes=10)
    assert finding.confidence == 10


def test_a_node_short_of_memory_is_told_with_who_uses_most() -> None:
    usage = tuple(
        Usage(pod=name, container="app", memory=size * 2**20, cpu=0)
        for name, size in (("web-1-aaaaa", 700), ("api-x", 90))
    )
    seen = healthy(
        nodes=(node(pressures=("MemoryPressure",), conditions=(felt("MemoryPressure", "True"),)),),
        pods=(well(), well("api-x", owner_name="api")),
        usage=usage,
        node_usage=(NodeUsage(node="node-0", memory=7 * 2**30, cpu=1),),
    )

    one = only(seen)

    assert unfounded(Proposal(hypothesis="", findings=(one.finding,), confidence=1), one.evidence) == ()
    assert "most memory of ours: web-1-aaaaa 700Mi, api-x 90Mi" in one.finding.statement
    assert any("7Gi of 8Gi memory" in piece.excerpt for piece in one.evidence)


def test_evictions_are_told_by_node_with_what_ran_out() -> None:
    finding = only(CASES["a node that has just evicted pods"][2]).finding

    assert finding.title == "Node node-0 is short of ephemeral-storage"
    assert "it evicted web (1) for lack of ephemeral-storage" in finding.statement
    assert finding.severity is Severity.SEV2


def test_whoever_cordoned_a_node_is_named() -> None:
    finding = only(CASES["a cordoned node somebody waits for"][2]).finding

    assert "node-1, cordoned by kubectl since 2026-11-20 08:40 UTC" in finding.statement


def test_a_missing_mount_names_the_object_and_the_revision_that_began_to_want_it() -> None:
    now, before = mounting(CONFIG), mounting()
    seen = healthy(
        workloads=(deployment(now, revision(1, before, available=2)),),
        pods=(creating(asked=now, replica_set="web-2"),),
        endpoints=(),
        events=(said("Pod", "web-1-aaaaa", "FailedMount", 'configmap "web-config" not found'),),
        config_maps=("web-configs",),
    )

    finding = only(seen).finding

    assert finding.statement == (
        "A pod of web cannot start: ConfigMap web-config, which it mounts, does not exist; web-configs exists. "
        "Revision 2 began to mount it."
    )
    assert finding.confidence == 10


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("secret \"tls\" not found", "Secret tls, which it mounts, does not exist"),
        ("references non-existent config key: app.yaml", "what it mounts has no key app.yaml"),
        ("driver name efs.csi.aws.com not found in the list of registered CSI drivers", "the volume's CSI driver"),
        ("mount.nfs: access denied by server while mounting 10.0.0.4:/data", "access is denied"),
        ("mount.nfs: Connection timed out", "the storage server cannot be reached"),
        ("exit status 32", "the kubelet says: exit status 32"),
    ],
)  # fmt: skip
def test_a_mount_that_fails_is_told_in_words_a_person_knows(message: str, words: str) -> None:
    seen = healthy(
        pods=(creating(asked=mounting(DATA)),),
        endpoints=(),
        events=(said("Pod", "web-1-aaaaa", "FailedMount", message),),
    )

    assert words in only(seen).finding.statement


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (CNI, "the network has run out of pod addresses"),
        ("failed to allocate for range 0: no IP addresses available in range set", "run out of pod addresses"),
        ("networkPlugin cni failed: cni plugin not initialized", "network plugin is not working"),
        ("open /run/containerd/x: no space left on device", "the node's disk is full"),
        ("rpc error: code = Unknown", "the runtime says: rpc error: code = Unknown"),
    ],
)
def test_a_sandbox_that_fails_is_told_in_words_a_person_knows(message: str, words: str) -> None:
    seen = healthy(
        pods=(creating(),), endpoints=(), events=(said("Pod", "web-1-aaaaa", "FailedCreatePodSandBox", message),)
    )

    assert words in only(seen).finding.statement


@pytest.mark.parametrize(
    ("selector", "hint"),
    [
        ({"app": "web", "tier": "front"}, "app=web would match web (those pods have no label tier)"),
        ({"app": "wbe"}, "app=web would match web"),
        ({"ap": "web"}, "app=web would match web (those pods have no label ap)"),
        ({"app": "green"}, None),
        ({"app": "web", "color": "green"}, None),
    ],
)
def test_only_a_near_miss_of_a_selector_is_said_to_be_one(selector: dict[str, str], hint: str | None) -> None:
    blue = template(labels={"app": "web", "color": "blue"}) if "color" in selector else template()
    seen = healthy(
        workloads=(deployment(blue),),
        pods=(well(labels=dict(blue.labels)),),
        services=(service(selector, name="front"),),
        endpoints=(endpoints(0, name="front"),),
        ingresses=(),
    )

    finding = only(seen).finding

    assert finding.confidence == (9 if hint else 7)
    assert finding.statement.endswith(f"; {hint}." if hint else "which no pod has.")


@pytest.mark.parametrize(("kinds", "told"), [(("statefulsets", "endpointslices"), True), (("pods",), False)])
def test_a_near_miss_of_a_selector_needs_the_pods_and_no_more(kinds: tuple[str, ...], told: bool) -> None:
    seen = healthy(services=(service({"app": "wbe"}),), endpoints=(), unread=kinds)

    codes = {one.finding.code for one in around.findings(seen, ())}

    assert ("k8s.selector_matches_nothing" in codes) is told


def test_a_label_that_tells_two_services_apart_is_not_called_a_slip() -> None:
    seen = healthy(
        services=(service({"app": "web"}), service({"app": "web", "track": "canary"}, name="canary")),
        endpoints=(endpoints(2), endpoints(0, name="canary")),
    )

    assert "would match" not in only(seen).finding.statement


def test_a_rollout_that_took_a_port_name_away_is_named_as_the_reason() -> None:
    renamed = template(container(ports=({"name": "web", "number": 8080},)))
    seen = healthy(
        workloads=(deployment(renamed, revision(1, template(), available=0)),),
        pods=(well(asked=renamed, replica_set="web-2"),),
    )

    finding = only(seen).finding

    assert finding.code == "k8s.target_port_unnamed"
    assert finding.statement.endswith("; the nearest is web. Revision 2 of web took that name away.")
    assert finding.since == ago(hours=1)


def test_a_probe_on_the_port_says_that_something_listens_there() -> None:
    asked = template(container(readiness=Probe(handler="tcpSocket", port="9090")))

    assert found(healthy(pods=(well(asked=asked),), services=(leads("9090"),))) == []


def test_one_broken_path_of_an_ingress_is_less_than_all_of_them() -> None:
    good, bad = ingress().rules[0], ingress("gone").rules[0]

    some = only(healthy(ingresses=(ingress(rules=(good, bad)),))).finding
    every = only(healthy(ingresses=(ingress(rules=(bad,)),))).finding

    assert (some.severity, every.severity) == (Severity.SEV2, Severity.SEV1)


def test_the_pods_a_budget_waits_for_are_named() -> None:
    seen = healthy(
        pods=(well(), unready("web-1-bbbbb", node="node-1")),
        nodes=(node("node-0", cordoned=True), node("node-1")),
        budgets=(budget(healthy=1),),
    )

    finding = only(seen).finding

    assert "1 of 2 pods are healthy and it wants 2; not ready: web-1-bbbbb" in finding.statement


def test_a_pod_stuck_on_a_node_that_is_away_is_told_with_the_node() -> None:
    seen = healthy(
        pods=(well(), well("web-1-old", node="node-1", deleting=True, deleting_since=ago(minutes=20))),
        nodes=(node(), away()),
    )

    statements = {one.finding.code: one.finding.statement for one in found(seen)}

    assert set(statements) == {"k8s.node_not_ready", "k8s.stuck_terminating"}
    assert "its node node-1 is not ready" in statements["k8s.stuck_terminating"]


def test_a_policy_made_long_after_the_trouble_or_long_before_is_less_sure_or_silent() -> None:
    def blaming(**age: float) -> list[int]:
        seen = healthy(
            pods=(unready(),), endpoints=(), logs=(log(CUT),), network_policies=(policy("Egress", created=ago(**age)),)
        )
        return [one.finding.confidence for one in found(seen)]

    assert blaming(minutes=12) == [7]
    assert blaming(minutes=40) == [5]
    assert blaming(hours=3) == []
    assert blaming(minutes=1) == []


def test_late_binding_with_a_consumer_and_a_refusal_is_told() -> None:
    seen = healthy(
        claims=(claim(storage_class="late"),),
        storage_classes=(STANDARD, LATE),
        events=(said("PersistentVolumeClaim", "data", "ProvisioningFailed", "no topology key found"),),
    )

    finding = only(seen).finding

    assert "no topology key found; web (2) cannot do without it" in finding.statement
    assert finding.since == ago(hours=1)


def test_what_strangers_wrote_is_redacted_before_it_is_told() -> None:
    secret = "postgres://app:hunter2hunter2@db:5432/shop"
    seen = healthy(
        pods=(creating(asked=mounting(DATA)),),
        endpoints=(),
        events=(said("Pod", "web-1-aaaaa", "FailedMount", f"mount of {secret} failed"),),
    )

    one = only(seen)

    assert "hunter2" not in one.finding.statement
    assert all("hunter2" not in piece.excerpt for piece in one.evidence)
