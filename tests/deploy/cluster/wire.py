"""Plain HTTP to the cluster, the way curl would speak it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import requests

JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"

_ROOTS = {
    "deployments": "/apis/apps/v1",
    "replicasets": "/apis/apps/v1",
    "statefulsets": "/apis/apps/v1",
    "daemonsets": "/apis/apps/v1",
    "jobs": "/apis/batch/v1",
    "horizontalpodautoscalers": "/apis/autoscaling/v2",
    "poddisruptionbudgets": "/apis/policy/v1",
    "endpointslices": "/apis/discovery.k8s.io/v1",
    "storageclasses": "/apis/storage.k8s.io/v1",
}
_CLUSTER_WIDE = ("nodes", "namespaces", "storageclasses")


def path(plural: str, name: str = "", namespace: str = "shop") -> str:
    """The path of a kind, or of one object of it (`web`, `web/scale`)."""
    root = _ROOTS.get(plural, "/api/v1")
    space = "" if plural in _CLUSTER_WIDE else f"/namespaces/{namespace}"
    return f"{root}{space}/{plural}" + (f"/{quote(name)}" if name else "")


class Wire:
    """One keep-alive connection to one cluster, as one user."""

    def __init__(self, url: str, **headers: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update({"User-Agent": "wire/1.0", **headers})

    def send(
        self, method: str, where: str, body: Any = None, media: str = "application/json", **query: str
    ) -> requests.Response:
        """Send one request and return the response, whatever it is."""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": media} if data is not None else {}
        return self._session.request(method, self._url + where, data=data, headers=headers, params=query, timeout=20)

    def get(self, where: str, **query: str) -> Any:
        """GET something that is there."""
        response = self.send("GET", where, **query)
        assert response.status_code == 200, response.text
        return response.json()

    def items(self, plural: str, namespace: str = "shop", **query: str) -> list[dict[str, Any]]:
        """The items of a list."""
        found: list[dict[str, Any]] = self.get(path(plural, namespace=namespace), **query)["items"]
        return found

    def create(self, plural: str, body: Any, namespace: str = "shop", **query: str) -> Any:
        """Create something that must be accepted."""
        response = self.send("POST", path(plural, namespace=namespace), body, **query)
        assert response.status_code == 201, response.text
        return response.json()

    def patch(self, where: str, body: Any, media: str = STRATEGIC, **query: str) -> Any:
        """Patch something; the patch must be accepted."""
        response = self.send("PATCH", where, body, media, **query)
        assert response.status_code in (200, 201), response.text
        return response.json()

    def refused(self, method: str, where: str, body: Any = None, media: str = "application/json", **query: str) -> Any:
        """Send something that must be refused; returns the Status object."""
        response = self.send(method, where, body, media, **query)
        status = response.json()
        assert status["kind"] == "Status", response.text
        assert status["code"] == response.status_code
        return status

    def close(self) -> None:
        """Close the connection."""
        self._session.close()
