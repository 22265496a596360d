"""API server's JSON -> views of what keeps a namespace in step with git: Argo CD Applications, Flux's objects.

Their next sync puts their own values back, so a fix by hand does not last. Parsing only.
"""

from __future__ import annotations

from tools.reads.kubernetes.raw import flag, items, moment, text
from tools.reads.kubernetes.views import GitOpsApp
from tools.redaction import redact
from tools.values import JsonObject


def application(raw: JsonObject) -> GitOpsApp:
    """An Argo CD Application."""
    return GitOpsApp(
        kind="Application",
        name=text(raw, "metadata", "name"),
        namespace=text(raw, "metadata", "namespace"),
        sync=text(raw, "status", "sync", "status"),
        health=text(raw, "status", "health", "status"),
        revision=redact(text(raw, "status", "sync", "revision"))[:80],
        message=redact(text(raw, "status", "operationState", "message"))[:500],
        changed=moment(raw, "status", "operationState", "finishedAt") or moment(raw, "status", "reconciledAt"),
    )


def flux(raw: JsonObject, kind: str) -> GitOpsApp:
    """A Flux Kustomization or HelmRelease."""
    ready = next((found for found in items(raw, "status", "conditions") if text(found, "type") == "Ready"), {})
    return GitOpsApp(
        kind=kind,
        name=text(raw, "metadata", "name"),
        namespace=text(raw, "metadata", "namespace"),
        sync=text(ready, "status"),
        health=text(ready, "reason"),
        revision=redact(text(raw, "status", "lastAppliedRevision"))[:80],
        message=redact(text(ready, "message"))[:500],
        changed=moment(ready, "lastTransitionTime"),
        suspended=flag(raw, "spec", "suspend"),
    )


def serves(raw: JsonObject, namespace: str) -> bool:
    """Whether it keeps objects of that namespace: as its destination, or among what it says it applied."""
    named = text(raw, "spec", "destination", "namespace") or text(raw, "spec", "targetNamespace")
    if named:
        return named == namespace
    applied = {text(found, "namespace") for found in items(raw, "status", "resources")}
    # An inventory entry reads `<namespace>_<name>_<group>_<kind>`.
    applied |= {text(found, "id").partition("_")[0] for found in items(raw, "status", "inventory", "entries")}
    return namespace in applied or (not applied and text(raw, "metadata", "namespace") == namespace)
