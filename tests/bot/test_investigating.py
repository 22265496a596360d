"""`sayso investigate` as an engineer types it, over a folder that a cluster was written to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from bot.cli import sayso

BROKEN = """
apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web, namespace: shop, uid: d1, generation: 3, creationTimestamp: "2026-11-21T08:00:00Z"}
  spec:
    replicas: 2
    selector: {matchLabels: {app: web}}
    template: &pod
      metadata: {labels: {app: web}}
      spec: {containers: [{name: app, image: "registry.local/web:9.9.9"}]}
  status: {observedGeneration: 3, replicas: 2, updatedReplicas: 2}
- apiVersion: apps/v1
  kind: ReplicaSet
  metadata:
    name: web-7d9c5bf7c9
    namespace: shop
    uid: r1
    creationTimestamp: "2026-11-21T08:58:00Z"
    annotations: {deployment.kubernetes.io/revision: "3"}
    ownerReferences: [{kind: Deployment, name: web, uid: d1, controller: true}]
  spec: {replicas: 2, template: *pod}
  status: {replicas: 2}
- apiVersion: v1
  kind: Pod
  metadata:
    name: web-7d9c5bf7c9-x2x4z
    namespace: shop
    uid: p1
    labels: {app: web}
    creationTimestamp: "2026-11-21T08:58:00Z"
    ownerReferences: [{kind: ReplicaSet, name: web-7d9c5bf7c9, uid: r1, controller: true}]
  spec: {containers: [{name: app, image: "registry.local/web:9.9.9"}]}
  status:
    phase: Pending
    conditions: [{type: Ready, status: "False"}]
    containerStatuses:
    - name: app
      ready: false
      restartCount: 0
      image: registry.local/web:9.9.9
      state: {waiting: {reason: ImagePullBackOff, message: Back-off pulling image}}
- apiVersion: v1
  kind: Event
  metadata: {name: e1, namespace: shop}
  involvedObject: {kind: Pod, name: web-7d9c5bf7c9-x2x4z, namespace: shop}
  type: Warning
  reason: Failed
  message: 'Failed to pull image "registry.local/web:9.9.9": not found'
  count: 5
  lastTimestamp: "2026-11-21T09:00:00Z"
"""
NONE_OF = ("services", "endpointslices", "nodes", "statefulsets", "daemonsets")
KINDS = {
    "services": ("v1", "Service"),
    "endpointslices": ("discovery.k8s.io/v1", "EndpointSlice"),
    "nodes": ("v1", "Node"),
    "statefulsets": ("apps/v1", "StatefulSet"),
    "daemonsets": ("apps/v1", "DaemonSet"),
}


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """A shop with one Deployment whose image does not exist."""
    folder = tmp_path / "dump"
    folder.mkdir()
    (folder / "objects.yaml").write_text(BROKEN)
    for plural in NONE_OF:
        version, kind = KINDS[plural]
        empty = {"apiVersion": version, "kind": f"{kind}List", "items": []}
        (folder / f"{plural}.yaml").write_text(yaml.safe_dump(empty))
    return folder


def ask(dump: Path, *words: str) -> Result:
    return CliRunner().invoke(sayso, ["investigate", *words, "--from-dump", str(dump)])


@pytest.mark.parametrize(
    "target", ["deployment/web", "deploy/web", "deployments/web", "web", "pod/web-7d9c5bf7c9-x2x4z"]
)
def test_a_report_names_the_cause_the_evidence_and_the_moment(dump: Path, target: str) -> None:
    told = ask(dump, target, "-n", "shop")

    assert told.exit_code == 0, told.output
    assert "Likely cause" in told.output
    assert "registry.local/web:9.9.9" in told.output
    assert "k8s.image_not_found" in told.output
    assert "2026-11-21 09:00" in told.output  # the dump's own time, not ours
    assert max(len(line) for line in told.output.splitlines()) <= 110


def test_the_namespace_of_a_dump_with_one_may_be_left_out(dump: Path) -> None:
    told = ask(dump, "deployment/web")

    assert "deployment/web in shop" in told.output


def test_programs_get_json(dump: Path) -> None:
    told = json.loads(ask(dump, "deployment/web", "-n", "shop", "--json").stdout)

    assert told["conclusion"]["proposal"]["findings"][0]["code"] == "k8s.image_not_found"
    assert "picture" not in told["conclusion"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("deployment/wbe", "-n", "shop"), "There is no deployment/wbe in shop. Near: web."),
        (("web", "-n", "nowhere"), "no such namespace"),
        (("deplyment/web", "-n", "shop"), "Did you mean deployment/web?"),
        (("statefulset/db", "-n", "shop"), "There is no statefulset/db in shop."),
    ],
)
def test_a_name_nobody_knows_is_an_error_and_no_clean_bill_of_health(
    dump: Path, words: tuple[str, ...], told: str
) -> None:
    answer = ask(dump, *words)

    assert answer.exit_code == 2
    assert told in answer.output


def test_a_folder_that_is_no_dump_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")

    answer = ask(tmp_path, "web", "-n", "shop")

    assert answer.exit_code == 2
    assert "broken.json" in answer.output
