"""What one look asks for, and how honest it is about the rest: reasons, gaps, partial answers, order."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deploy.sandbox.cluster import Identity
from tests.tools.kubernetes.line import Line
from tests.tools.kubernetes.objects import cluster, condition, event, node, pod, thing, wrote
from tests.tools.kubernetes.shop import AT, Shop
from tools.clients import Readers
from tools.clients.dump import Dump
from tools.clients.dump_files import LogKey
from tools.clients.kubernetes import KubernetesReader
from tools.errors import PermanentError, Unreachable
from tools.reads.kubernetes import asking, kinds
from tools.reads.kubernetes.asking import Question, list_all, surveying
from tools.reads.kubernetes.looking import look
from tools.reads.kubernetes.table import READS
from tools.subjects import KubernetesSubject
from tools.values import JsonObject

WEBHOOK_DOWN = 'Internal error occurred: failed calling webhook "judge.guard.local": no endpoints available'
WAITS: dict[str, Any] = {"name": "app", "ready": False, "restartCount": 0}


def waiting(reason: str, message: str) -> dict[str, Any]:
    """The status of a pod whose container waits."""
    states = [WAITS | {"state": {"waiting": {"reason": reason, "message": message}}}]
    return {"phase": "Pending", "conditions": [condition("Ready", "False")], "containerStatuses": states}


@dataclass
class Listener:
    """A dump that remembers what it was asked."""

    dump: Dump
    asked: list[str] = field(default_factory=list)
    whole: list[str] = field(default_factory=list)
    """What it was asked for with all that is in it, and not by name only."""
    server: str = "a dump"

    def get(self, path: str, query: Any = None, accept: str = "application/json") -> JsonObject:
        """As the dump does."""
        self.asked.append(path.rpartition("/")[2])
        if "PartialObjectMetadata" not in accept:
            self.whole.append(path.rpartition("/")[2])
        return self.dump.get(path, query, accept)

    def text(self, path: str, query: Any = None) -> str:
        """As the dump does."""
        return self.dump.text(path, query)


def asked_for(*objects: dict[str, Any], subject: KubernetesSubject | str = "shop") -> set[str]:
    """The kinds a look lists beside those every look lists."""
    listener = Listener(cluster(*objects))
    look(subject, AT, listener)
    return set(listener.asked) - {kind.resource for kind in kinds.ALWAYS} - {"apis"}


def test_a_namespace_in_which_all_is_well_costs_no_second_question() -> None:
    assert asked_for(pod(), node(), thing("apps/v1", "Deployment", "web")) == set()


@pytest.mark.parametrize(
    ("reason", "kinds_asked"),
    [
        (event("FailedCreate", "exceeded quota: small", "web-1", "ReplicaSet"), {"resourcequotas", "limitranges"}),
        (node("node-0", condition("Ready"), unschedulable=True), {"poddisruptionbudgets"}),
        (thing("networking.k8s.io/v1", "Ingress", "web"), {"ingressclasses"}),
        (
            thing("v1", "PersistentVolumeClaim", "data", status={"phase": "Pending"}),
            {"persistentvolumes", "storageclasses"},
        ),
        (
            event("FailedCreate", WEBHOOK_DOWN, "web-1", "ReplicaSet"),
            {"resourcequotas", "limitranges", "validatingwebhookconfigurations", "mutatingwebhookconfigurations"},
        ),
        (pod("b", status=waiting("CreateContainerConfigError", 'configmap "conf" not found')), {"configmaps"}),
        (pod("b", status=waiting("CreateContainerConfigError", 'secret "db" not found')), {"secrets"}),
        (thing("gateway.networking.k8s.io/v1", "Gateway", "edge"), {"gateways", "httproutes"}),
        (thing("argoproj.io/v1alpha1", "Application", "web", "argocd"), {"applications"}),
    ],
)
def test_a_reason_asks_for_the_kinds_it_needs(reason: dict[str, Any], kinds_asked: set[str]) -> None:
    assert asked_for(reason) == kinds_asked


def test_the_service_behind_a_failing_webhook_is_looked_at() -> None:
    service = {"clientConfig": {"service": {"namespace": "guard", "name": "judge"}}}
    hooks = [{"name": "judge.guard.local", **service}, {"name": "other.local", **service}]
    behind = pod("judge-1", metadata={"namespace": "guard", "labels": {"app": "judge"}})
    dump = cluster(
        event("FailedCreate", WEBHOOK_DOWN, "web-1", "ReplicaSet"),
        thing("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "guard", "", webhooks=hooks),
        thing("v1", "Service", "judge", "guard", spec={"selector": {"app": "judge"}}),
        behind,
    )

    seen = look("shop", AT, dump)

    assert [(one.name, one.exists, one.ready) for one in seen.webhooks] == [("judge.guard.local", True, 0)]
    assert [(one.namespace, one.name) for one in seen.elsewhere] == [("guard", "judge-1")]


def test_a_webhook_whose_service_is_gone_is_said_to_have_none() -> None:
    hook = {"name": "judge.guard.local", "clientConfig": {"service": {"namespace": "guard", "name": "judge"}}}
    configuration = thing(
        "admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "guard", "", webhooks=[hook]
    )

    seen = look("shop", AT, cluster(configuration, event("FailedCreate", WEBHOOK_DOWN)))

    assert [(one.exists, one.ready, one.mutating) for one in seen.webhooks] == [(False, 0, True)]


def test_pods_of_other_namespaces_are_seen_on_a_node_under_pressure() -> None:
    ill = node("node-0", condition("Ready"), condition("MemoryPressure"))
    other = pod("hog", metadata={"namespace": "batch"})

    seen = look("shop", AT, cluster(ill, pod(), other))

    assert [(one.namespace, one.name) for one in seen.elsewhere] == [("batch", "hog")]


def test_the_cluster_s_dns_is_seen_when_a_log_complains_about_it() -> None:
    crashed = {"name": "app", "restartCount": 1, "lastState": {"terminated": {"exitCode": 1}}}
    dns = pod("coredns-1", metadata={"namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}})
    told = {LogKey("shop", "web-1", "app", previous=True): "dial: lookup db: i/o timeout"}

    seen = look("shop", AT, cluster(pod(status={"containerStatuses": [crashed]}), dns, logs=told))

    assert [one.name for one in seen.elsewhere] == ["coredns-1"]


def test_the_keys_of_a_missed_config_map_are_seen_and_no_value() -> None:
    missed = waiting("CreateContainerConfigError", "couldn't find key LEVL in ConfigMap shop/conf")
    dumped = thing("v1", "ConfigMap", "conf", data={"LEVEL": "do-not-show"})

    seen = look("shop", AT, cluster(pod("b", status=missed), dumped))

    assert seen.config_keys == {"conf": ("LEVEL",)}
    assert "do-not-show" not in seen.model_dump_json()


def test_who_wrote_a_config_map_that_an_ill_pod_reads_is_seen() -> None:
    entries = [wrote("kubectl-edit", {"f:data": {"f:MODE": {}}})]
    volumes = [{"name": "conf", "configMap": {"name": "conf"}}]
    ill = pod("b", spec={"volumes": volumes}, status=waiting("CrashLoopBackOff", ""))
    maps = [thing("v1", "ConfigMap", name, metadata={"managedFields": entries}) for name in ("conf", "other")]

    seen = look("shop", AT, cluster(ill, *maps, logs={LogKey("", "b", "app", previous=False): "x"}))

    assert [(one.name, one.by) for one in seen.written] == [("conf", "kubectl-edit")]


@pytest.mark.parametrize(
    ("kind", "reason", "gap"),
    [
        ("resourcequotas", event("FailedCreate", "exceeded quota"), "whether a quota is exhausted is unknown"),
        ("resourcequotas", pod(), None),
        ("networkpolicies", pod(), None),
        ("jobs", pod(), None),
        (
            "storageclasses",
            thing("v1", "PersistentVolumeClaim", "data", status={"phase": "Pending"}),
            "whether the storage class exists is unknown",
        ),
    ],
)
def test_what_may_not_be_read_is_a_gap_only_where_a_question_needed_it(
    kind: str, reason: dict[str, Any], gap: str | None
) -> None:
    seen = look("shop", AT, cluster(reason, pod("other"), refused=(kind,)))

    assert [one.rpartition(": ")[2] for one in seen.gaps] == ([gap] if gap else [])
    assert (kind in seen.unread) == (gap is not None or kind in {one.name for one in kinds.ALWAYS})


def test_secrets_nobody_may_list_leave_open_whether_the_pull_secret_exists() -> None:
    ill = pod("b", spec={"imagePullSecrets": [{"name": "regcred"}]}, status=waiting("ImagePullBackOff", "unauthorized"))

    hidden = look("shop", AT, cluster(ill, refused=("secrets",)))
    shown = look("shop", AT, cluster(ill, thing("v1", "Secret", "other")))

    assert (hidden.secrets, hidden.gaps) == (
        None,
        ("secrets could not be read: secrets may not be listed: whether the pull secret exists is unknown",),
    )
    assert (shown.secrets, shown.gaps) == (("other",), ())


def test_gaps_come_in_the_same_order_whichever_answer_comes_first() -> None:
    refused = ("persistentvolumeclaims", "services", "events", "nodes")

    seen = [look("shop", AT, cluster(pod(), refused=refused)).unread for _ in range(5)]

    assert set(seen) == {("events", "services", "nodes", "persistentvolumeclaims")}


def test_secrets_and_config_maps_are_only_asked_for_by_name() -> None:
    missed = (waiting("CreateContainerConfigError", f'{kind} "x" not found') for kind in ("secret", "configmap"))
    listener = Listener(cluster(*(pod(f"web-{number}", status=status) for number, status in enumerate(missed))))
    configs = next(read for read in READS if read.name == "k8s_list_configs")

    look("shop", AT, listener)
    configs.run(configs.arguments(namespace="shop"), AT, Readers(kubernetes=listener, aws=None))

    assert {"secrets", "configmaps"} <= set(listener.asked)
    assert not {"secrets", "configmaps"} & set(listener.whole)


def test_a_group_the_cluster_does_not_serve_is_no_gap(untouched: Shop, tmp_path: Path) -> None:
    with Line(untouched.cluster.url) as line:
        line.troubles.refused = {"/ingresses": 404, "/networkpolicies": 403}
        reader = KubernetesReader.from_kubeconfig(line.kubeconfig(tmp_path / "line", Identity.READER))
        seen = look("shop", AT, reader)
        reader.close()

    assert seen.gaps == ()
    assert seen.unread == ("networkpolicies",)


@dataclass(frozen=True)
class Endless:
    """A server whose lists never end."""

    server: str = "endless"

    def get(self, path: str, query: Any = None, accept: str = "application/json") -> JsonObject:
        """Another page, and the promise of one more."""
        return {"metadata": {"continue": "more"}, "items": [{"metadata": {"name": f"{query.get('continue', '')}x"}}]}

    def text(self, path: str, query: Any = None) -> str:
        """Nothing."""
        return ""


def test_a_list_too_long_is_answered_in_part_and_says_so() -> None:
    with surveying(Endless(), "shop") as survey:
        found = survey.list(kinds.PODS)["pods"]

    assert len(found) == asking.MOST_PAGES
    assert survey.gaps == ["only the first 5,000 pods, by name, were looked at"]
    assert survey.unread == ["pods"]
    with pytest.raises(PermanentError, match="more than 5000"):
        list_all("/api/v1/pods", Endless())


def silent() -> str:
    """A question nothing answers."""
    raise Unreachable("no answer")


def test_a_server_that_answers_nothing_is_not_asked_for_ever() -> None:
    asked: list[int] = []

    def ask(number: int) -> str:
        asked.append(number)
        return silent()

    with surveying(Endless(), "shop") as survey, pytest.raises(Unreachable):
        survey.ask([Question(f"{number}", lambda number=number: ask(number)) for number in range(40)])  # type: ignore[misc]

    assert len(asked) <= 2 * asking.AT_ONCE


def test_one_silent_kind_is_a_gap_when_others_answer() -> None:
    with surveying(Endless(), "shop") as survey:
        answers = survey.ask([Question("nodes", silent), Question("pods", lambda: "two")])

    assert answers == (None, "two")
    assert survey.gaps == ["nodes could not be read: no answer"]


def test_the_subject_s_own_log_is_read_although_it_looks_well() -> None:
    owner = {"ownerReferences": [{"kind": "StatefulSet", "name": "db", "controller": True}]}
    dump = cluster(
        pod("db-0", metadata=owner),
        pod("web-1"),
        logs={LogKey("", name, "app", False): name for name in ("db-0", "web-1")},
    )

    asked = look(KubernetesSubject(namespace="shop", kind="StatefulSet", name="db"), AT, dump)
    whole = look("shop", AT, dump)

    assert [log.lines for log in asked.logs] == [("db-0",)]
    assert whole.logs == ()
