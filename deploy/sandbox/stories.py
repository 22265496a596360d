"""The stories as things that happen: a world set up, a fault, its alert, and whether the fault has gone away.

What they are is data (`scenarios/`): a folder for each Kubernetes story, a file for each AWS one.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from datetime import UTC, datetime
from pathlib import Path

import yaml

from deploy.sandbox.aws.scenarios import Scenario, scenarios
from deploy.sandbox.aws.seed import cloud
from deploy.sandbox.laptop import WEBHOOK_TOKEN, Laptop
from tools.values import JsonObject, JsonValue

FOLDER = Path(__file__).parent / "scenarios" / "kubernetes"
NOTICED_AFTER = 20.0
"""Simulated seconds after which a monitoring system would have noticed a fault."""
PLURALS = {
    "Namespace": "/api/v1/namespaces",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Service": "/api/v1/namespaces/{}/services",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
}


class Story(ABC):
    """One story: the world is broken, the alert rings, and `healed` looks whether the world is well again."""

    def __init__(self, scenario: Scenario) -> None:
        self.number = scenario.story
        self.title = scenario.title
        self.breaks = scenario.breaks
        self.expected = scenario.expected

    @property
    @abstractmethod
    def sign(self) -> str:
        """Words by which its incident's card is recognised in the channel."""

    @abstractmethod
    def prepare(self, laptop: Laptop) -> None:
        """Let the world be well first."""

    @abstractmethod
    def break_world(self, laptop: Laptop) -> None:
        """Break it."""

    @abstractmethod
    def ring(self, bot_url: str) -> None:
        """Let the alert source notice, where it does not do so by itself."""

    @abstractmethod
    def healed(self, laptop: Laptop) -> bool:
        """Whether the fault is gone from the world itself."""

    @abstractmethod
    def clear(self, bot_url: str) -> None:
        """Let the alert source say that it is over, where it does not do so by itself."""


class KubernetesStory(Story):
    """Manifests of a good release, a change that breaks it, and an Alertmanager webhook."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Scenario.model_validate({"alarm": "", **yaml.safe_load((folder / "story.yaml").read_text())}))
        self._folder = folder
        self._started = ""

    @property
    def sign(self) -> str:
        return str(json.loads((self._folder / "alert.json").read_text())["commonAnnotations"]["summary"])

    def prepare(self, laptop: Laptop) -> None:
        create(laptop, FOLDER / "world.yaml")
        create(laptop, self._folder / "before.yaml")

    def break_world(self, laptop: Laptop) -> None:
        for manifest in _manifests(self._folder / "fault.yaml"):
            change(laptop, manifest)

    def ring(self, bot_url: str) -> None:
        self._started = datetime.now(UTC).isoformat()
        post_alert(bot_url, self.alert("firing"))

    def alert(self, status: str) -> JsonObject:
        """The webhook's body, as if the alert began when the story was fired."""
        body = json.loads((self._folder / "alert.json").read_text())
        body["status"] = status
        for alert in body["alerts"]:
            alert["status"], alert["startsAt"] = status, self._started
            if status == "resolved":
                alert["endsAt"] = datetime.now(UTC).isoformat()
        return dict(body)

    def healed(self, laptop: Laptop) -> bool:
        return all(_well(laptop, manifest) for manifest in _manifests(self._folder / "before.yaml"))

    def clear(self, bot_url: str) -> None:
        post_alert(bot_url, self.alert("resolved"))


class AwsStory(Story):
    """A fault of the sandbox account; its alarm tells of the end by itself."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self._id, self._alarm = scenario.id, scenario.alarm

    @property
    def sign(self) -> str:
        return self._alarm

    def prepare(self, laptop: Laptop) -> None:
        """The account is seeded when it starts."""

    def break_world(self, laptop: Laptop) -> None:
        laptop.aws.break_(self._id)

    def ring(self, bot_url: str) -> None:
        """CloudWatch says so itself."""

    def healed(self, laptop: Laptop) -> bool:
        alarms = cloud(laptop.aws.url).cloudwatch.describe_alarms(AlarmNames=[self._alarm])["MetricAlarms"]
        return bool(alarms and alarms[0]["StateValue"] == "OK")

    def clear(self, bot_url: str) -> None:
        """CloudWatch says so itself."""


def stories() -> list[Story]:
    """Every story, in the order they are told."""
    kubernetes = [KubernetesStory(folder) for folder in FOLDER.iterdir() if folder.is_dir()]
    told: list[Story] = [*kubernetes, *(AwsStory(scenario) for scenario in scenarios().values())]
    return sorted(told, key=lambda story: story.number)


def create(laptop: Laptop, manifests: Path) -> None:
    """Create what is not there yet."""
    for manifest in _manifests(manifests):
        collection = PLURALS[str(manifest["kind"])].format(_metadata(manifest).get("namespace"))
        answer = laptop.kubernetes.post(collection, json=dict(manifest))
        if answer.status_code not in (201, 409):
            raise RuntimeError(f"{manifest['kind']}: {answer.text}")


def change(laptop: Laptop, manifest: JsonObject) -> None:
    """Change an object's spec as a release would: lists are replaced, so that what it no longer names is gone."""
    body = {"spec": manifest["spec"]}
    headers = {"Content-Type": "application/merge-patch+json"}
    answer = laptop.kubernetes.patch(_path(manifest), content=json.dumps(body), headers=headers)
    answer.raise_for_status()


def post_alert(bot_url: str, body: JsonObject) -> None:
    """Be Alertmanager: post a webhook, expecting it to be taken."""
    import httpx

    headers = {"Authorization": f"Bearer {WEBHOOK_TOKEN}"}
    answer = httpx.post(
        f"{bot_url}/webhooks/alertmanager", json=dict(body), headers=headers, timeout=10, trust_env=False
    )
    answer.raise_for_status()


def _manifests(path: Path) -> list[JsonObject]:
    return [manifest for manifest in yaml.safe_load_all(path.read_text()) if manifest]


def _metadata(manifest: JsonObject) -> dict[str, JsonValue]:
    metadata = manifest["metadata"]
    assert isinstance(metadata, dict)
    return metadata


def _path(manifest: JsonObject) -> str:
    metadata = _metadata(manifest)
    return f"{PLURALS[str(manifest['kind'])].format(metadata.get('namespace'))}/{metadata['name']}"


def _well(laptop: Laptop, manifest: JsonObject) -> bool:
    if manifest["kind"] == "Deployment":
        live = laptop.kubernetes.get(_path(manifest)).json()
        status, wanted = live.get("status", {}), live["spec"]["replicas"]
        current = status.get("observedGeneration", 0) >= live["metadata"]["generation"]
        counts = {status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")}
        return bool(current and counts == {wanted})
    if manifest["kind"] == "Service":
        metadata = _metadata(manifest)
        where = f"/apis/discovery.k8s.io/v1/namespaces/{metadata['namespace']}/endpointslices"
        found = laptop.kubernetes.get(where, params={"labelSelector": f"kubernetes.io/service-name={metadata['name']}"})
        endpoints = [one for piece in found.json()["items"] for one in piece.get("endpoints") or []]
        return any(one.get("conditions", {}).get("ready") for one in endpoints)
    return True
