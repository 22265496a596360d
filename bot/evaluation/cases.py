"""Cases: folders that hold a world, a question about it, and what a good answer says. Reading and checking them.

The layout for people who write one is in `tests/cases/README.md`. The world itself is read by `worlds`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator, ValidationError

from tools.errors import PermanentError
from tools.evidence import Finding
from tools.resources import Provider, Resource
from tools.values import JsonValue, Value

CASE, BASES = "case.yaml", "bases"
"""The file that makes a folder a case, and the folder of worlds that several cases start from."""


class Tag(StrEnum):
    """What makes a case hard."""

    NEGATIVE = "negative"
    """Nothing is wrong with what the alert names: any claim is a false one."""
    RED_HERRING = "red-herring"
    """Something loud is near that is not the cause."""
    TWO_FAULTS = "two-faults"
    """Two faults, independent of each other: both have to be named."""
    MISSING_DATA = "missing-data"
    """Something that would settle it cannot be read."""


def _listed(value: object) -> object:
    """One word, or several that are as good."""
    return (value,) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class Cause(Value):
    """A cause that has to be named. Any of the codes, on any of the resources (`Deployment/web`), is right."""

    code: Words
    resource: Words

    def matches(self, finding: Finding) -> bool:
        """Whether a finding names this cause. A model's own code is compared by what follows the dot."""
        fault = finding.code.rpartition(".")[2]
        same = any(fault == code.rpartition(".")[2] for code in self.code)
        return same and short(finding.resource) in self.resource

    def __str__(self) -> str:
        return f"{' or '.join(self.code)} on {' or '.join(self.resource)}"


class Ban(Value):
    """A claim that would be wrong: every member that is given must match. `action` is the kind of an action."""

    code: str | None = None
    resource: str | None = None
    action: str | None = None

    def __str__(self) -> str:
        return " on ".join(part for part in (self.action or self.code, self.resource) if part)


class Told(Value):
    """The alert that asks the question, as its source would label it."""

    name: str
    severity: str = "critical"
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}


class Case(Value):
    """A world, a question and the answer. No `expected` cause means that silence is the answer."""

    name: str
    folder: Path
    title: str
    provider: Provider
    at: AwareDatetime
    alert: Told
    expected: tuple[Cause, ...] = ()
    must_not: tuple[Ban, ...] = ()
    remedy: Words = ()
    """Kinds of action that are right; `none`: proposing nothing is. Empty: not judged."""
    gaps: Words = ()
    """Words that what could not be seen must be told with."""
    tags: frozenset[Tag] = frozenset()
    base: str | None = None
    """The world it starts from; an object of the case takes the place of the base's of that kind and name."""
    without: Words = ()
    """Objects of the base that are not there, as `Pod/web-1`."""
    unreadable: Words = ()
    """Kinds that the reader may not list, as the API spells them (`secrets`)."""

    @property
    def negative(self) -> bool:
        """Whether silence is the answer."""
        return not self.expected


def find(folder: Path, pattern: str = "*") -> tuple[Case, ...]:
    """The cases under a folder whose name matches, in order. Raises PermanentError naming what is wrong."""
    if not folder.is_dir():
        raise PermanentError(f"There are no cases in {folder}: it is not a folder.")
    paths = sorted(folder.rglob(CASE))
    found = tuple(read(path, folder) for path in paths if fnmatch(name_of(path, folder), pattern))
    if not found:
        raise PermanentError(f"There is no case in {folder} whose name matches {pattern}.")
    return found


def read(path: Path, folder: Path) -> Case:
    """One case. Raises PermanentError naming the file and the member."""
    raw = yaml_of(path)
    if not isinstance(raw, dict):
        raise PermanentError(f"{path} is not a case: it must be a mapping.")
    try:
        return Case.model_validate({**raw, "name": name_of(path, folder), "folder": path.parent})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PermanentError(f"{path} is not a case: {where}: {first['msg']}") from error


def name_of(path: Path, folder: Path) -> str:
    """What people call a case: its folder, from where the cases are (`kubernetes/oom-after-rollout`)."""
    return path.parent.relative_to(folder).as_posix()


def short(resource: Resource) -> str:
    """A resource as cases spell it."""
    return f"{resource.kind}/{resource.name}"


def yaml_of(path: Path) -> JsonValue:
    """A YAML file's content. Raises PermanentError naming the file."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where libyaml is installed
    try:
        found: JsonValue = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 (both are safe)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PermanentError(f"{path} cannot be read: {error}") from error
    return found
