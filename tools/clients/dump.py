"""A cluster that was written to a folder, answering as an API server would: for `--from-dump`, cases and replays.

The folder holds, at any depth:

* `*.json`, `*.yaml`, `*.yml`: Kubernetes objects or lists of them (`kubectl get ... -o json`; YAML may hold several
  documents). A list without a `kind`, as some exporters write it, takes the kind its file is named after
  (`pods.json`, `replication-controllers.json`). A namespaced object that names no namespace is in `default`.
* `logs/<pod>/<container>.log` and `<container>.previous.log`; a folder in front of `logs` is the pod's namespace.
* `<namespace>/<pod>/logs.txt`, as `kubectl cluster-info dump --output-directory` writes it.

A kind that is in no file was not dumped, which proves nothing: asking for it fails. An empty list says that there is
none. Values of Secrets and ConfigMaps are dropped as the files are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote

from tools.clients.dump_files import OBJECT_FILES, Kind, LogKey, logs_of, objects_of
from tools.clients.kubernetes import NotFound
from tools.errors import Forbidden, PermanentError
from tools.values import JsonObject, JsonValue

_TIMES = frozenset({"creationTimestamp", "firstTimestamp", "lastTimestamp", "eventTime", "time", "timestamp"})
_TIME_ENDINGS = ("TransitionTime", "UpdateTime", "startedAt", "finishedAt", "HeartbeatTime", "ObservedTime")
_PATH = re.compile(
    r"^/(?:api/v1|apis/(?P<group>[^/]+)/[^/]+)(?:/namespaces/(?P<namespace>[^/]+)(?=/[^/]))?"
    r"/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<part>[^/]+))?$"
)


class Dump:
    """A folder of objects and logs that answers `get` and `text` as `KubernetesReader` does."""

    def __init__(
        self,
        objects: Mapping[Kind, tuple[JsonObject, ...]],
        logs: Mapping[LogKey, str],
        *,
        folder: str = "a dump",
        complete: bool = False,
        refused: Iterable[str] = (),
    ) -> None:
        self._folder = folder
        self._objects = objects
        self._logs = logs
        self._complete = complete
        self._refused = frozenset(refused)

    @classmethod
    def open(cls, folder: Path, *, complete: bool = False, refused: Iterable[str] = ()) -> Dump:
        """Read a folder. Raises PermanentError that names the file which is not what it should be.

        `complete` means that what is in no file does not exist. `refused` are plurals (`secrets`) to answer with
        Forbidden, for pictures with something missing.
        """
        if not folder.is_dir():
            raise PermanentError(f"{folder} is not a folder")
        objects: dict[Kind, list[JsonObject]] = {}
        logs: dict[LogKey, str] = {}
        for path in sorted(found for found in folder.rglob("*") if found.is_file()):
            if path.suffix in OBJECT_FILES:
                for kind, item in objects_of(path):
                    objects.setdefault(kind, []).extend([] if item is None else [item])
            else:
                logs |= logs_of(path, path.relative_to(folder))
        if not objects:
            raise PermanentError(f"{folder} holds no Kubernetes object: expected .json or .yaml files")
        found = {kind: tuple(items) for kind, items in objects.items()}
        return cls(found, logs, folder=str(folder), complete=complete, refused=refused)

    @property
    def at(self) -> datetime:
        """When the dump was taken, as far as it tells: the newest time any object mentions."""
        times = [time for items in self._objects.values() for item in items for time in _times_in(item)]
        if not times:
            raise PermanentError("The dump mentions no time at all; say when it was taken")
        return max(times)

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces it has objects of, in order."""
        named = (_meta(item, "namespace") for (_, plural), items in self._objects.items() for item in items)
        return tuple(sorted({name for name in named if name}))

    @property
    def server(self) -> str:
        """The folder, where a reader names its API server."""
        return self._folder

    def get(self, path: str, query: Mapping[str, str] | None = None, accept: str = "application/json") -> JsonObject:
        """An object, a list, or the groups under `/apis`. Raises NotFound, Forbidden or PermanentError."""
        if path == "/apis":
            names = sorted({group for group, _ in self._objects if group})
            return {"kind": "APIGroupList", "groups": [{"name": name} for name in names]}
        target = _PATH.match(path)
        if target is None:
            raise PermanentError(f"a dump does not answer {path}")
        found = self._kept(target["group"] or "", unquote(target["plural"]))
        namespace, name = unquote(target["namespace"] or ""), unquote(target["name"] or "")
        found = tuple(item for item in found if not namespace or _meta(item, "namespace") == namespace)
        dressed = _metadata_only if "PartialObjectMetadata" in accept else _itself
        if name:
            return dressed(self._named(found, target["plural"], name))
        chosen: list[JsonValue] = [dict(dressed(item)) for item in found if _selected(item, query or {})]
        return {"kind": "List", "apiVersion": "v1", "metadata": {}, "items": chosen}

    def text(self, path: str, query: Mapping[str, str] | None = None) -> str:
        """The end of a container's log. Raises PermanentError when the dump does not hold it."""
        target, asked = _PATH.match(path), query or {}
        if target is None or target["part"] != "log":
            raise PermanentError(f"a dump does not answer {path}")
        pod, previous = unquote(target["name"] or ""), asked.get("previous") == "true"
        for namespace in (unquote(target["namespace"] or ""), ""):
            written = self._logs.get(LogKey(namespace, pod, asked.get("container", ""), previous))
            if written is not None:
                return _end_of(written, asked)
        if self._complete and not previous:
            return ""
        run = "previous" if previous else "current"
        raise PermanentError(f"the dump holds no log of the {run} run of {pod}/{asked.get('container', '')}")

    def _kept(self, group: str, plural: str) -> tuple[JsonObject, ...]:
        if plural in self._refused:
            raise Forbidden(f"{plural} may not be listed")
        found = self._objects.get((group, plural))
        if found is None and not self._complete:
            raise PermanentError(f"the dump holds no {plural}.{group}" if group else f"the dump holds no {plural}")
        return found or ()

    def _named(self, found: tuple[JsonObject, ...], plural: str, name: str) -> JsonObject:
        for item in found:
            if _meta(item, "name") == name:
                return item
        raise NotFound(f'{plural} "{name}" not found')


def _end_of(written: str, asked: Mapping[str, str]) -> str:
    lines = written.splitlines()
    if asked.get("tailLines", "").isdecimal():
        lines = lines[-int(asked["tailLines"]) :]
    ended = "\n".join(lines)
    return ended[: int(asked["limitBytes"])] if asked.get("limitBytes", "").isdecimal() else ended


def _selected(item: JsonObject, query: Mapping[str, str]) -> bool:
    """Equality selectors only: no read asks for others."""
    labels = _inside(item, "metadata", "labels")
    for part in filter(None, query.get("labelSelector", "").split(",")):
        name, _, wanted = part.partition("=")
        if _text(labels, name) != wanted.lstrip("="):
            return False
    for part in filter(None, query.get("fieldSelector", "").split(",")):
        path, _, wanted = part.partition("=")
        *above, last = path.split(".")
        if _text(_inside(item, *above), last) != wanted.lstrip("="):
            return False
    return True


def _times_in(value: JsonValue | JsonObject) -> Iterator[datetime]:
    """Every time that says when something was: not when something will end or expire."""
    if isinstance(value, dict):
        for name, found in value.items():
            if isinstance(found, str) and (name in _TIMES or name.endswith(_TIME_ENDINGS)):
                yield from _moment(found)
            else:
                yield from _times_in(found)
    elif isinstance(value, list):
        for found in value:
            yield from _times_in(found)


def _moment(written: str) -> Iterator[datetime]:
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        return
    if found.tzinfo is not None:
        yield found


def _metadata_only(item: JsonObject) -> JsonObject:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"]}


def _itself(item: JsonObject) -> JsonObject:
    return item


def _meta(item: JsonObject, field: str) -> str:
    return _text(_inside(item, "metadata"), field)


def _inside(item: JsonObject, *path: str) -> JsonObject:
    for name in path:
        found = item.get(name)
        item = found if isinstance(found, dict) else {}
    return item


def _text(item: JsonObject, field: str) -> str:
    found = item.get(field)
    return found if isinstance(found, str) else ""
