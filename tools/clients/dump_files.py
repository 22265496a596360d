"""Reading the files of a dump: which objects and logs each holds. Layout and answers are in `tools.clients.dump`.

Nothing secret gets past here: the values of Secrets and ConfigMaps are dropped, only their keys stay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.errors import PermanentError
from tools.values import JsonObject, JsonValue

OBJECT_FILES = frozenset({".json", ".yaml", ".yml"})
MOST_BYTES = 512 * 1024 * 1024
"""Of one file; a larger one is no dump a laptop can read."""

CLUSTER_WIDE = frozenset(
    {
        *("nodes", "namespaces", "persistentvolumes", "storageclasses", "priorityclasses", "customresourcedefinitions"),
        *("ingressclasses", "gatewayclasses", "clusterroles", "clusterrolebindings"),
        *("validatingwebhookconfigurations", "mutatingwebhookconfigurations"),
    }
)
VALUES = ("data", "binaryData", "stringData")
"""Where Secrets and ConfigMaps keep what nobody may see; only the keys stay."""

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""The annotation that repeats a whole object, Secret values included."""

_PLURALS = {"endpoints": "endpoints", "podmetrics": "pods", "nodemetrics": "nodes"}
_START = re.compile(
    r"^==== START logs for container (?P<container>\S+) of pod (?P<namespace>[^/\s]+)/(?P<pod>\S+) ====$"
)
_END = re.compile(r"^==== END logs for container \S+ of pod \S+ ====$")

Kind = tuple[str, str]
"""API group (empty for the core) and plural."""


@dataclass(frozen=True)
class LogKey:
    """Whose log a file holds; `namespace` is empty where the folder does not tell."""

    namespace: str
    pod: str
    container: str
    previous: bool


def objects_of(path: Path) -> Iterator[tuple[Kind, JsonObject | None]]:
    """The objects of a file with their kinds; a kind alone stands for an empty list of it."""
    for document in _documents(path):
        kind = _text(document, "kind")
        listed = document.get("items")
        if kind.endswith("List") or (not kind and isinstance(listed, list)):
            yield from _listed(document, kind.removesuffix("List"), path)
        elif kind and isinstance(document.get("metadata"), dict):
            yield kind_of(document, kind), _clean(document, kind_of(document, kind))
        else:
            raise PermanentError(f"{path} holds something that is no Kubernetes object (no kind, or no metadata)")


def _listed(document: JsonObject, kind: str, path: Path) -> Iterator[tuple[Kind, JsonObject | None]]:
    items = document.get("items") or []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise PermanentError(f"{path} holds a list whose items are no objects")
    named_after = (_group(document), plural_of(kind) if kind else path.stem.replace("-", ""))
    if kind or not items:
        yield named_after, None
    for item in items:
        assert isinstance(item, dict)
        own = _text(item, "kind")
        its_kind = kind_of(item, own) if own else named_after
        yield its_kind, _clean(item, its_kind)


def _documents(path: Path) -> Iterator[JsonObject]:
    if path.stat().st_size > MOST_BYTES:
        raise PermanentError(f"{path} is larger than {MOST_BYTES} bytes")
    try:
        written = path.read_text(encoding="utf-8")
        found = [json.loads(written)] if path.suffix == ".json" else _yaml(written, path)
    except (ValueError, OSError) as error:
        raise PermanentError(f"{path} cannot be read: {str(error)[:200]}") from error
    for document in found:
        if document is None:
            continue
        if not isinstance(document, dict):
            raise PermanentError(f"{path} holds something that is no Kubernetes object")
        yield document


def _yaml(written: str, path: Path) -> list[JsonValue]:
    import yaml

    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where libyaml is installed

    class Loader(base):  # type: ignore[misc, valid-type]
        """Times stay text, as they are in JSON."""

        yaml_implicit_resolvers = {  # noqa: RUF012  # PyYAML's own attribute
            first: [(tag, form) for tag, form in forms if tag != "tag:yaml.org,2002:timestamp"]
            for first, forms in base.yaml_implicit_resolvers.items()
        }

    try:
        return list(yaml.load_all(written, Loader))
    except yaml.YAMLError as error:
        raise PermanentError(f"{path} is not YAML: {str(error)[:200]}") from error


def plural_of(kind: str) -> str:
    """How the API spells many of a kind: `Ingress` -> `ingresses`."""
    word = kind.lower()
    if word in _PLURALS:
        return _PLURALS[word]
    if word.endswith(("s", "x", "ch")):
        return f"{word}es"
    return f"{word[:-1]}ies" if re.search(r"[^aeiou]y$", word) else f"{word}s"


def kind_of(item: JsonObject, kind: str) -> Kind:
    """The API group and plural of an object of that kind."""
    return _group(item), plural_of(kind)


def _group(item: JsonObject) -> str:
    written = _text(item, "apiVersion")
    return written.partition("/")[0] if "/" in written else ""


def _placed(item: JsonObject, kind: Kind) -> JsonObject:
    metadata = item.get("metadata")
    meta = dict(metadata) if isinstance(metadata, dict) else {}
    if kind[1] not in CLUSTER_WIDE and not (kind[0] == "metrics.k8s.io" and kind[1] == "nodes"):
        meta["namespace"] = meta.get("namespace") or "default"
    return {**item, "metadata": meta}


def _clean(item: JsonObject, kind: Kind) -> JsonObject:
    return _without_values(_placed(item, kind), kind)


def _without_values(item: JsonObject, kind: Kind) -> JsonObject:
    meta = item["metadata"]
    assert isinstance(meta, dict)
    annotations = meta.get("annotations")
    if isinstance(annotations, dict) and LAST_APPLIED in annotations:
        kept = {name: value for name, value in annotations.items() if name != LAST_APPLIED}
        item = {**item, "metadata": {**meta, "annotations": kept}}
    if kind not in (("", "secrets"), ("", "configmaps")):
        return item
    return {name: _keys(value) if name in VALUES else value for name, value in item.items()}


def _keys(value: JsonValue) -> JsonValue:
    return dict.fromkeys(value, "") if isinstance(value, dict) else None


def logs_of(path: Path, inside: Path) -> Iterator[tuple[LogKey, str]]:
    """The logs of a file; nothing for a file that is none."""
    parts = inside.parts
    if path.name == "logs.txt":
        yield from _cluster_info(path)
    elif path.suffix == ".log" and len(parts) > 2 and parts[-3] == "logs":
        container = path.name.removesuffix(".log")
        previous = container.endswith(".previous")
        namespace = parts[-4] if len(parts) > 3 else ""
        key = LogKey(namespace, parts[-2], container.removesuffix(".previous"), previous)
        yield key, path.read_text(encoding="utf-8", errors="replace")


def _cluster_info(path: Path) -> Iterator[tuple[LogKey, str]]:
    """The containers' logs between the headers that `kubectl cluster-info dump` writes."""
    key: LogKey | None = None
    lines: list[str] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if start := _START.match(line):
            key, lines = LogKey(start["namespace"], start["pod"], start["container"], previous=False), []
        elif key is not None and _END.match(line):
            yield key, "\n".join(lines)
            key = None
        else:
            lines.append(line)
    if key is not None:
        yield key, "\n".join(lines)


def _text(item: JsonObject, field: str) -> str:
    found = item.get(field)
    return found if isinstance(found, str) else ""
