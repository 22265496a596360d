"""The shop in a sandbox cluster: the stories' manifests applied over HTTP, and both of sayso's identities in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
import yaml

from deploy.sandbox.cluster import Cluster, Identity
from tools.actions import Action
from tools.clients import Writers
from tools.clients.kubernetes import KubernetesReader, KubernetesWriter
from tools.criteria import Measurement
from tools.diagnosis.kubernetes.diagnosing import diagnose
from tools.evidence import Finding
from tools.reads.kubernetes.criteria import measure
from tools.reads.kubernetes.looking import look
from tools.reads.kubernetes.picture import Picture
from tools.remedies import Remedy
from tools.remedies.kubernetes import remedy
from tools.writes.kubernetes import WRITES
from tools.writes.write import Observed, Write

SCENARIOS = Path("deploy/sandbox/scenarios/kubernetes")
AT = datetime(2026, 1, 1, tzinfo=UTC)
"""Our clock. It is far behind the cluster's on purpose: nothing may depend on it."""

SETTLED = 40.0
"""Simulated seconds after which a rollout is done, or visibly is not."""

_COLLECTIONS = {
    "Namespace": "/api/v1/namespaces",
    "Secret": "/api/v1/namespaces/{namespace}/secrets",
    "Service": "/api/v1/namespaces/{namespace}/services",
    "Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments",
    "HorizontalPodAutoscaler": "/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers",
}


@dataclass(frozen=True)
class Shop:
    """A running cluster, seen by the reader and changed by the writer and nobody else but the administrator's curl."""

    cluster: Cluster
    reader: KubernetesReader
    writers: Writers

    @classmethod
    def open(cls, cluster: Cluster, directory: Path) -> Shop:
        """The namespace and its healthy web, with both identities under their real permissions."""
        reader = KubernetesReader.from_kubeconfig(cluster.kubeconfig(directory / "reader", Identity.READER))
        writer = KubernetesWriter.from_kubeconfig(cluster.kubeconfig(directory / "writer", Identity.WRITER))
        shop = cls(cluster, reader, Writers(kubernetes=writer, aws=None))
        shop.apply(SCENARIOS / "world.yaml")
        return shop

    def close(self) -> None:
        """Drop both identities' connections."""
        self.reader.close()
        if self.writers.kubernetes is not None:
            self.writers.kubernetes.close()

    def break_down(self, story: str) -> None:
        """The story up to the alert: a good first revision, then the change that broke it."""
        self.apply(SCENARIOS / story / "before.yaml")
        self.apply(SCENARIOS / story / "fault.yaml")

    def apply(self, path: Path) -> None:
        """Create each manifest of a file, or replace what is there, and let the cluster settle."""
        for manifest in yaml.safe_load_all(path.read_text()):
            self.put(manifest)
        self.settle()

    def put(self, manifest: dict[str, Any]) -> None:
        """Create one object, or replace it."""
        namespace, name = manifest["metadata"].get("namespace", ""), manifest["metadata"]["name"]
        collection = self.cluster.url + _COLLECTIONS[manifest["kind"]].format(namespace=namespace)
        answer = requests.post(collection, json=manifest, headers=self._admin, timeout=10)
        if answer.status_code == 409:
            answer = requests.put(f"{collection}/{name}", json=manifest, headers=self._admin, timeout=10)
        answer.raise_for_status()

    def patch(self, path: str, body: dict[str, Any]) -> None:
        """What a colleague does with kubectl in the meantime: a merge patch."""
        headers = self._admin | {"Content-Type": "application/merge-patch+json"}
        requests.patch(self.cluster.url + path, json=body, headers=headers, timeout=10).raise_for_status()

    def raw(self, path: str) -> dict[str, Any]:
        """An object as it is."""
        answer = requests.get(self.cluster.url + path, headers=self._admin, timeout=10)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def deployment(self, name: str) -> dict[str, Any]:
        """A Deployment of the shop as it is."""
        return self.raw(f"/apis/apps/v1/namespaces/shop/deployments/{name}")

    def specs(self) -> list[dict[str, Any]]:
        """What every Deployment and Service of the shop asks for."""
        kinds = ("/apis/apps/v1/namespaces/shop/deployments", "/api/v1/namespaces/shop/services")
        return [found["spec"] for kind in kinds for found in self.raw(kind)["items"]]

    def container(self, name: str) -> dict[str, Any]:
        """The container of a Deployment of the shop."""
        found: dict[str, Any] = self.deployment(name)["spec"]["template"]["spec"]["containers"][0]
        return found

    def delete(self, path: str) -> None:
        """Delete an object."""
        requests.delete(self.cluster.url + path, headers=self._admin, timeout=10).raise_for_status()

    def settle(self, seconds: float = SETTLED) -> None:
        """Let simulated time pass."""
        self.cluster.advance(seconds)

    def picture(self) -> Picture:
        """The shop as the reader sees it."""
        return look("shop", AT, self.reader)

    def findings(self) -> tuple[Finding, ...]:
        """What the rules make of it."""
        return diagnose(self.picture()).findings

    def remedy(self) -> Remedy:
        """The known fix of the first finding."""
        seen = self.picture()
        return remedy(diagnose(seen).findings[0], seen)

    def write(self, action: Action) -> Write[Any]:
        """How that action is done."""
        return WRITES[type(action)]

    def observe(self, action: Action) -> Observed:
        """The target as people would see it."""
        observed = self.write(action).observe(action, self.writers)
        assert isinstance(observed, Observed), observed
        return observed

    def measured(self, fix: Remedy) -> tuple[Measurement, ...]:
        """Every criterion of a fix, measured now."""
        measurements = []
        for criterion in fix.success_criteria:
            assert criterion.kind in ("rollout_done", "endpoints_ready", "finding_gone")
            measurements.append(measure(criterion, AT, self.reader))
        return tuple(measurements)

    def effects(self) -> list[str]:
        """What sayso has changed for good so far, as `verb kind name`."""
        done = self.cluster.effects("sayso", dry_run=False)
        return [f"{effect.verb} {effect.name}" for effect in done]

    @property
    def _admin(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {Identity.ADMIN.token}"}


Broken = Callable[[str], Shop]
"""A story's name -> a shop it has happened to; shared, so only to be looked at."""
