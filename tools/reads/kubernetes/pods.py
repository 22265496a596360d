"""API server's JSON -> views of pods, their containers and pod templates. Parsing only; no requests are made here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from decimal import Decimal

from tools.reads.kubernetes import quantities
from tools.reads.kubernetes.raw import flag, items, member, moment, number, obj, text, texts
from tools.reads.kubernetes.views import (
    Condition,
    Container,
    ContainerPort,
    ContainerState,
    EnvEntry,
    Pod,
    Probe,
    Template,
    Terminated,
    Usage,
    VolumeRef,
)
from tools.redaction import redact
from tools.values import JsonObject

VOLUME_SOURCES = (
    ("configMap", "ConfigMap", "name"),
    ("secret", "Secret", "secretName"),
    ("persistentVolumeClaim", "PersistentVolumeClaim", "claimName"),
)
"""Field of a volume, the kind it names, and where; projected sources spell every name `name`."""

CLUSTER_CA = "kube-root-ca.crt"
"""A ConfigMap every pod mounts without anybody asking for it."""

HASH_LABEL = "pod-template-hash"
"""The label the Deployment controller adds to tell ReplicaSets apart; never part of a template people wrote."""


def pod(raw: JsonObject) -> Pod:
    """A pod. Its owner is what its ownerReference says; `workloads.adopt` resolves ReplicaSets to Deployments."""
    owner = next((found for found in items(raw, "metadata", "ownerReferences") if flag(found, "controller")), {})
    kind, name = text(owner, "kind"), text(owner, "name")
    return Pod(
        name=text(raw, "metadata", "name"),
        namespace=text(raw, "metadata", "namespace"),
        uid=text(raw, "metadata", "uid"),
        labels=texts(raw, "metadata", "labels"),
        phase=text(raw, "status", "phase"),
        reason=text(raw, "status", "reason"),
        node=text(raw, "spec", "nodeName"),
        owner_kind=kind,
        owner_name=name,
        replica_set=name if kind == "ReplicaSet" else "",
        created=moment(raw, "metadata", "creationTimestamp"),
        deleting=bool(text(raw, "metadata", "deletionTimestamp")),
        deleting_since=moment(raw, "metadata", "deletionTimestamp"),
        finalizers=_words(obj(raw, "metadata"), "finalizers"),
        gates=tuple(text(found, "name") for found in items(raw, "spec", "schedulingGates")),
        message=redact(text(raw, "status", "message")),
        qos=text(raw, "status", "qosClass"),
        conditions=conditions(raw),
        states=(*_states(raw, "initContainerStatuses", init=True), *_states(raw, "containerStatuses", init=False)),
        asked=template(raw),
    )


def template(raw: JsonObject) -> Template:
    """A pod template, of a workload, a ReplicaSet, or as a pod shows it."""
    labels = texts(raw, "metadata", "labels")
    labels.pop(HASH_LABEL, None)
    return Template(
        labels=labels,
        containers=tuple(_container(found) for found in items(raw, "spec", "containers")),
        init_containers=tuple(_container(found) for found in items(raw, "spec", "initContainers")),
        node_selector=texts(raw, "spec", "nodeSelector"),
        pull_secrets=tuple(text(found, "name") for found in items(raw, "spec", "imagePullSecrets")),
        service_account=text(raw, "spec", "serviceAccountName"),
        volumes=tuple(reference for found in items(raw, "spec", "volumes") for reference in _volumes(found)),
        tolerates=tuple(_toleration(found) for found in items(raw, "spec", "tolerations")),
        grace=number(raw, "spec", "terminationGracePeriodSeconds", default=30),
    )


def conditions(raw: JsonObject) -> tuple[Condition, ...]:
    """`status.conditions` of any object."""
    return conditions_in(raw, "status", "conditions")


def conditions_in(raw: JsonObject, *path: str) -> tuple[Condition, ...]:
    """The conditions at a path."""
    return tuple(
        Condition(
            type=text(found, "type"),
            status=text(found, "status"),
            reason=text(found, "reason"),
            message=redact(text(found, "message")),
            since=moment(found, "lastTransitionTime"),
        )
        for found in items(raw, *path)
    )


def usage(raw: JsonObject) -> tuple[Usage, ...]:
    """What the containers of one pod use, from metrics.k8s.io."""
    return tuple(
        Usage(
            pod=text(raw, "metadata", "name"),
            container=text(found, "name"),
            memory=quantities.amount(text(found, "usage", "memory")) or Decimal(0),
            cpu=quantities.amount(text(found, "usage", "cpu")) or Decimal(0),
        )
        for found in items(raw, "containers")
    )


def env_source(entry: JsonObject) -> str:
    """Where an environment entry gets its value, in words that do not show it."""
    for key, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
        reference = obj(entry, "valueFrom", key)
        if reference:
            return f"from {kind} {text(reference, 'name')}/{text(reference, 'key')}"
    field = text(entry, "valueFrom", "fieldRef", "fieldPath") or text(
        entry, "valueFrom", "resourceFieldRef", "resource"
    )
    if field:
        return f"from field {field}"
    length = len(text(entry, "value"))
    return f"value set ({length} characters)" if length else "empty"


def _container(raw: JsonObject) -> Container:
    return Container(
        name=text(raw, "name"),
        image=text(raw, "image"),
        env=tuple(_env(found) for found in items(raw, "env")),
        env_from=tuple(_env_from(found) for found in items(raw, "envFrom")),
        ports=tuple(
            ContainerPort(name=text(found, "name") or None, number=number(found, "containerPort"))
            for found in items(raw, "ports")
        ),
        requests=texts(raw, "resources", "requests"),
        limits=texts(raw, "resources", "limits"),
        liveness=_probe(obj(raw, "livenessProbe")),
        readiness=_probe(obj(raw, "readinessProbe")),
        startup=_probe(obj(raw, "startupProbe")),
        command=redact(" ".join(_words(raw, "command") + _words(raw, "args"))),
    )


def _env(entry: JsonObject) -> EnvEntry:
    # The fingerprint only tells equal from different within one picture; it is neither stored nor shown.
    seed = json.dumps(entry, sort_keys=True, default=str).encode()
    return EnvEntry(
        name=text(entry, "name"), source=env_source(entry), fingerprint=hashlib.sha256(seed).hexdigest()[:12]
    )


def _env_from(raw: JsonObject) -> str:
    secret, config_map = text(raw, "secretRef", "name"), text(raw, "configMapRef", "name")
    return f"Secret {secret}" if secret else f"ConfigMap {config_map}"


def _probe(raw: JsonObject) -> Probe | None:
    handler = next((key for key in ("httpGet", "tcpSocket", "exec", "grpc") if key in raw), None)
    if handler is None:
        return None
    return Probe(
        handler=handler,
        path=(text(raw, handler, "path") or "/") if handler == "httpGet" else None,
        port=text(raw, handler, "port") or None,
        initial_delay=number(raw, "initialDelaySeconds"),
        period=number(raw, "periodSeconds", default=10),
        timeout=number(raw, "timeoutSeconds", default=1),
        failure_threshold=number(raw, "failureThreshold", default=3),
    )


def _states(raw: JsonObject, field: str, *, init: bool) -> tuple[ContainerState, ...]:
    return tuple(
        ContainerState(
            name=text(found, "name"),
            init=init,
            ready=flag(found, "ready"),
            restarts=number(found, "restartCount"),
            waiting=text(found, "state", "waiting", "reason"),
            message=redact(text(found, "state", "waiting", "message")),
            running_since=moment(found, "state", "running", "startedAt"),
            terminated=_terminated(obj(found, "state", "terminated")),
            last=_terminated(obj(found, "lastState", "terminated")),
        )
        for found in items(raw, "status", field)
    )


def _terminated(raw: JsonObject) -> Terminated | None:
    if not raw:
        return None
    return Terminated(
        reason=text(raw, "reason"),
        exit_code=number(raw, "exitCode"),
        finished=moment(raw, "finishedAt"),
        message=redact(text(raw, "message")),
        started=moment(raw, "startedAt"),
        signal=number(raw, "signal") or None,
    )


def _volumes(raw: JsonObject) -> Iterator[VolumeRef]:
    """What one volume takes from the namespace; a projected one takes from several objects."""
    volume = text(raw, "name")
    for source in (raw, *items(raw, "projected", "sources")):
        for key, kind, field in VOLUME_SOURCES:
            found = obj(source, key)
            name = text(found, field) or text(found, "name")
            if name and name != CLUSTER_CA:
                yield VolumeRef(volume=volume, kind=kind, name=name, optional=flag(found, "optional"))


def _toleration(raw: JsonObject) -> str:
    """`key=value:Effect` with the parts that are there; `*` for one that tolerates everything."""
    key, value, effect = (text(raw, field) for field in ("key", "value", "effect"))
    named = f"{key}={value}" if value else key
    return f"{named}:{effect}" if effect else named or "*"


def _words(raw: JsonObject, field: str) -> tuple[str, ...]:
    found = member(raw, field)
    return tuple(word for word in found if isinstance(word, str)) if isinstance(found, list) else ()
