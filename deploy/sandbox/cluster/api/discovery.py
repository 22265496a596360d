"""Discovery: versions, groups, resource lists, and the OpenAPI fragment kubectl looks up before it applies."""

from __future__ import annotations

import re
from collections.abc import Iterable

from deploy.sandbox.cluster.objects.resources import RESOURCES, Resource
from deploy.sandbox.cluster.objects.shapes import Object

VERSION: Object = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.2",
    "gitCommit": "sandbox",
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": "go1.26",
    "compiler": "gc",
    "platform": "linux/amd64",
}
_METRICS = "metrics.k8s.io"
_AUTHORIZATION = "authorization.k8s.io"
_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_SUBRESOURCE_KINDS = {
    "scale": ("autoscaling", "v1", "Scale"),
    "eviction": ("policy", "v1", "Eviction"),
    "binding": ("", "v1", "Binding"),
    "token": ("authentication.k8s.io", "v1", "TokenRequest"),
}
_IN_ALL = frozenset(
    {
        *("Pod", "Service", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"),
        *("Job", "CronJob", "HorizontalPodAutoscaler"),
    }
)
_PARAMETERS = ("fieldValidation", "dryRun", "fieldManager", "force")


def answer(path: str) -> Object | bytes | None:
    """What discovery says at a path, or None when the path is not discovery's."""
    groups = _groups()
    match path.rstrip("/") or "/":
        case "/healthz" | "/livez" | "/readyz":
            return b"ok"
        case "/version":
            return VERSION
        case "/api":
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case "/apis":
            listed = [_group(name, groups[name]) for name in groups if name]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}
        case "/openapi/v3":
            paths = [_path(name, version) for name, version in groups.items()]
            return {"paths": {path: {"serverRelativeURL": f"/openapi/v3/{path}"} for path in paths}}
        case "/":
            return {"paths": ["/api", "/apis", "/healthz", "/openapi/v3", "/version"]}
        case other:
            return _below(other, groups)


def _below(path: str, groups: dict[str, str]) -> Object | None:
    if found := re.fullmatch(r"/openapi/v3/(api/v1|apis/([^/]+)/[^/]+)", path):
        return _open_api(found[2] or "")
    if (found := re.fullmatch(r"/apis/([^/]+)", path)) and found[1] in groups:
        return {"kind": "APIGroup", "apiVersion": "v1", **_group(found[1], groups[found[1]])}
    found = re.fullmatch(r"/api/(v1)|/apis/([^/]+)/([^/]+)", path)
    if not found:
        return None
    group, version = found[2] or "", found[1] or found[3]
    return _resource_list(group, version) if groups.get(group) == version else None


def _groups() -> dict[str, str]:
    known = {resource.group: resource.version for resource in RESOURCES}
    return {**known, _METRICS: "v1beta1", _AUTHORIZATION: "v1"}


def _path(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"


def _group(name: str, version: str) -> Object:
    only = {"groupVersion": f"{name}/{version}", "version": version}
    return {"name": name, "versions": [only], "preferredVersion": only}


def _resource_list(group: str, version: str) -> Object:
    match group:
        case "metrics.k8s.io":
            listed = [_metrics("nodes", "NodeMetrics", False), _metrics("pods", "PodMetrics", True)]
        case "authorization.k8s.io":
            listed = [_entry("selfsubjectaccessreviews", "SelfSubjectAccessReview", False, ["create"])]
        case _:
            kinds = [resource for resource in RESOURCES if resource.group == group]
            listed = [entry for resource in kinds for entry in _entries(resource)]
    name = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": listed}


def _entries(resource: Resource) -> Iterable[Object]:
    entry = _entry(resource.plural, resource.kind, resource.namespaced, _VERBS)
    listed = {"categories": ["all"]} if resource.kind in _IN_ALL else {}
    yield entry | {"singularName": resource.kind.lower(), "shortNames": list(resource.short)} | listed
    for subresource in resource.subresources:
        verbs = ["create"] if subresource in ("eviction", "binding", "token") else ["get", "patch", "update"]
        if subresource == "log":
            verbs = ["get"]
        group, version, kind = _SUBRESOURCE_KINDS.get(subresource, ("", "", resource.kind))
        extra = {"group": group, "version": version} if version else {}
        yield _entry(f"{resource.plural}/{subresource}", kind, resource.namespaced, verbs) | extra


def _entry(name: str, kind: str, namespaced: bool, verbs: list[str]) -> Object:
    return {"name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": verbs}


def _metrics(name: str, kind: str, namespaced: bool) -> Object:
    return _entry(name, kind, namespaced, ["get", "list"])


def _open_api(group: str) -> Object:
    """Only what kubectl needs: that every kind's patch takes `fieldValidation`, else it refuses to apply."""
    paths = {
        f"/{_path(group, resource.version)}/{resource.plural}/{{name}}": {"patch": _patch_operation(resource)}
        for resource in RESOURCES
        if resource.group == group
    }
    return {"openapi": "3.0.0", "info": {"title": "sandbox", "version": VERSION["gitVersion"]}, "paths": paths}


def _patch_operation(resource: Resource) -> Object:
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in _PARAMETERS]
    return {
        "parameters": parameters,
        "responses": {},
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": kind,
    }
