"""The world of a case, read by the code that reads a live one: a cluster out of a folder, an AWS picture as kept.

A base is a folder under `bases`, laid out as a case is: several cases start from the same healthy world.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from bot.evaluation.cases import BASES, CASE, Case, yaml_of
from tools.clients.dump import Dump
from tools.clients.dump_files import OBJECT_FILES, Kind, LogKey, logs_of, objects_of
from tools.errors import PermanentError
from tools.reads.aws.views import Picture
from tools.values import JsonObject, JsonValue

OBJECTS, LOGS, AWS = "objects", "logs", "aws.yaml"

Object = tuple[Kind, JsonObject]
Name = tuple[Kind, str, str]


def cluster(case: Case, cases: Path) -> Dump:
    """The cluster of a case. What is in no file does not exist, and `unreadable` kinds may not be listed.

    An object of the case that its base has too says only what differs (JSON merge patch, RFC 7396).
    """
    base = _base(case, cases) if case.base else None
    found = {_named(one): one for one in (_objects(base) if base else ())}
    for short in case.without:
        _leave_out(short, found, case)
    for one in _objects(case.folder):
        kind, item = one
        below = found.get(_named(one))
        found[_named(one)] = (kind, _merged(below[1], item)) if below else one
    grouped: dict[Kind, list[JsonObject]] = {}
    for kind, item in found.values():
        grouped.setdefault(kind, []).append(item)
    logs = (_logs(base) if base else {}) | _logs(case.folder)
    objects = {kind: tuple(items) for kind, items in grouped.items()}
    return Dump(objects, logs, complete=True, refused=case.unreadable)


def account(case: Case) -> Picture:
    """The AWS picture of a case, seen when the case asks. Raises PermanentError naming the member that is wrong.

    A series is of the subject's region, and may say `values` instead of `points`: oldest first, the last of them of
    the period that just ended.
    """
    path = case.folder / AWS
    raw = yaml_of(path)
    if not isinstance(raw, dict):
        raise PermanentError(f"{path} is not a picture of AWS: it must be a mapping.")
    subject = raw.get("subject")
    region = subject.get("region") if isinstance(subject, dict) else None
    series = {
        name: [{"region": region, **_dated(one, case)} for one in _dicts(raw.get(name))]
        for name in ("series", "baselines")
    }
    try:
        return Picture.model_validate({**raw, **series, "at": case.at})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PermanentError(f"{path} is not a picture of AWS: {where}: {first['msg']}") from error


def _dated(series: dict[str, JsonValue], case: Case) -> dict[str, object]:
    values, period = series.get("values"), series.get("period")
    if not isinstance(values, list) or not isinstance(period, int):
        return dict(series)
    step, count = timedelta(seconds=period), len(values)
    points = [{"at": case.at - step * (count - number), "value": value} for number, value in enumerate(values)]
    return {**{name: value for name, value in series.items() if name != "values"}, "points": points}


def _dicts(value: JsonValue) -> list[dict[str, JsonValue]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _base(case: Case, cases: Path) -> Path:
    folder = cases / BASES / str(case.base)
    if not folder.is_dir():
        raise PermanentError(f"{case.folder / CASE} starts from {case.base}, and there is no {folder}.")
    return folder


@cache  # a base is read once for all the cases that start from it
def _objects(folder: Path) -> tuple[Object, ...]:
    found = ((kind, item) for path in _files(folder / OBJECTS) for kind, item in objects_of(path))
    return tuple((kind, item) for kind, item in found if item is not None)


@cache
def _logs(folder: Path) -> dict[LogKey, str]:
    found: dict[LogKey, str] = {}
    for path in sorted((folder / LOGS).rglob("*.log")):
        found |= logs_of(path, path.relative_to(folder))
    return found


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.suffix in OBJECT_FILES)


def _leave_out(short: str, found: dict[Name, Object], case: Case) -> None:
    """Take `Pod/web-1` out. A misspelled name would leave the object there."""
    names = [name for name, one in found.items() if _short(one) == short]
    if not names:
        raise PermanentError(f"{case.folder / CASE} leaves out {short}, which its base does not have.")
    for name in names:
        del found[name]


def _merged(below: JsonObject, patch: JsonObject) -> dict[str, JsonValue]:
    """RFC 7396: objects are merged member by member, null removes one, anything else takes the place of what was."""
    merged = dict(below)
    for key, value in patch.items():
        former = merged.get(key)
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            merged[key] = _merged(former if isinstance(former, dict) else {}, value)
        else:
            merged[key] = value
    return merged


def _named(one: Object) -> Name:
    kind, item = one
    metadata = item["metadata"]
    assert isinstance(metadata, dict)
    return kind, str(metadata.get("namespace", "")), str(metadata.get("name", ""))


def _short(one: Object) -> str:
    return f"{one[1].get('kind')}/{_named(one)[2]}"
