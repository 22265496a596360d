"""ConfigMaps and Secrets in a look: names, keys and when they were written. Never a value, and Secrets by name only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial

from tools.clients.kubernetes import path_to
from tools.reads.kubernetes import kinds
from tools.reads.kubernetes.asking import Kind, Question, Survey, names
from tools.reads.kubernetes.authorship import keys_of, last_written
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.raw import member, text
from tools.reads.kubernetes.views import Template, Written
from tools.values import JsonObject

MISSED_KEY = re.compile(r"couldn't find key \S+ in ConfigMap (?:[^/\s]+/)?(?P<name>[a-z0-9][-a-z0-9.]*)")
CONTENT = ("data", "binaryData")


def wanted(first: Picture) -> Iterator[Kind]:
    """ConfigMaps when one is missed or an ill workload reads some; Secrets when a name of one is in question."""
    if _complaints(first, "configmap") or _read_by_the_ill(first):
        yield kinds.CONFIG_MAPS
    if _complaints(first, "secret") or _pull_refused(first) or any(one.tls_secrets for one in first.ingresses):
        yield kinds.SECRETS


def seen(first: Picture, found: Mapping[str, tuple[JsonObject, ...]], survey: Survey) -> dict[str, object]:
    """Names, the keys of ConfigMaps of which one is missed, and who wrote those that ill workloads read."""
    listed = found.get(kinds.CONFIG_MAPS.name, ())
    if _complaints(first, "configmap"):
        survey.need("configmaps", "which names are near the missing one is unknown")
    if _pull_refused(first):
        survey.need("secrets", "whether the pull secret exists is unknown")
    if first.subject.kind == "Ingress":
        survey.need("secrets", "whether its TLS Secret exists is unknown")
    looked = kinds.SECRETS.name in found and kinds.SECRETS.name not in survey.unread
    return {
        "config_maps": names(listed),
        "secrets": names(found[kinds.SECRETS.name]) if looked else None,
        "config_keys": _keys(first, listed, survey),
        "written": tuple(_written(listed, _read_by_the_ill(first))),
    }


def _complaints(first: Picture, kind: str) -> bool:
    """Whether a container waits, or a volume is not mounted, for want of an object of that kind."""
    messages = [state.message for pod in first.pods for state in pod.states if state.waiting]
    messages += [found.message for found in first.events if found.reason == "FailedMount"]
    return any(kind in message.lower() for message in messages)


def _pull_refused(first: Picture) -> bool:
    """Whether an image is not pulled although its pod names a secret to pull it with."""
    waits = ("ErrImagePull", "ImagePullBackOff")
    return any(
        state.waiting in waits
        for pod in first.pods
        if pod.asked.pull_secrets and not pod.deleting
        for state in pod.states
    )


def _read_by_the_ill(first: Picture) -> frozenset[str]:
    """ConfigMaps that pods which are not well take something from."""
    ill = (pod for pod in first.pods if not (pod.ready or pod.deleting or pod.phase == "Succeeded"))
    return frozenset(name for pod in ill for name in config_maps_of(pod.asked))


def config_maps_of(asked: Template) -> Iterator[str]:
    """The ConfigMaps a pod template reads: volumes, whole environments, single variables."""
    yield from (volume.name for volume in asked.volumes if volume.kind == "ConfigMap")
    for container in (*asked.containers, *asked.init_containers):
        yield from (one.removeprefix("ConfigMap ") for one in container.env_from if one.startswith("ConfigMap "))
        sources = (entry.source for entry in container.env)
        yield from (
            one.removeprefix("from ConfigMap ").partition("/")[0]
            for one in sources
            if one.startswith("from ConfigMap ")
        )


def _keys(first: Picture, listed: tuple[JsonObject, ...], survey: Survey) -> dict[str, tuple[str, ...]]:
    """The keys of each ConfigMap of which some container misses one."""
    messages = (state.message for pod in first.pods for state in pod.states if state.waiting)
    missed = sorted({match["name"] for message in messages for match in MISSED_KEY.finditer(message)})
    owned = {
        text(raw, "metadata", "name"): tuple(key for field in CONTENT for key in keys_of(raw, field)) for raw in listed
    }
    unknown = [name for name in missed if not owned.get(name)]
    asked = survey.ask(
        [Question(f"the keys of ConfigMap {name}", partial(_read_keys, survey, name)) for name in unknown]
    )
    read = {name: keys for name, keys in zip(unknown, asked, strict=True) if keys is not None}
    return {name: owned.get(name) or read[name] for name in missed if owned.get(name) or name in read}


def _read_keys(survey: Survey, name: str) -> tuple[str, ...]:
    """The keys alone; for a ConfigMap whose managedFields do not tell them. Its values are dropped right here."""
    raw = survey.reader.get(path_to("v1", "configmaps", survey.namespace, name))
    found = (member(raw, field) for field in CONTENT)
    return tuple(sorted(key for content in found if isinstance(content, dict) for key in content))


def _written(listed: tuple[JsonObject, ...], of_interest: frozenset[str]) -> Iterator[Written]:
    for raw in listed:
        name = text(raw, "metadata", "name")
        wrote = max(
            (last_written(raw, field) for field in CONTENT), key=lambda one: one.at.timestamp() if one.at else 0.0
        )
        if name in of_interest and wrote.at is not None:
            yield Written(name=name, by=wrote.by, at=wrote.at)
