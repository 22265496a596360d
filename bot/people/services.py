"""The service catalogue: which team a service belongs to, which Slack user group answers for it, and what is where.

Written by people in services.yaml (SAYSO_SERVICES) and read strictly, once, at start. Who is in a group right now is
not known here, and neither is what a policy asks of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import ConfigDict, Field, ValidationError, model_validator

from policies import documents
from policies.documents import PolicyError, Problem
from tools.correlation import profile
from tools.errors import PermanentError
from tools.topology import Link, Relation, Topology
from tools.values import Value

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

ServiceName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
"""A service as alerts and Deployments spell it. Matched exactly: a pattern would hand one team another's service."""


EnvironmentName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
Place = Annotated[str, Field(pattern=r"^[a-z0-9*?\[\]-]{1,63}$")]
"""A namespace or a region, or a pattern of them (`*-staging`)."""


class Service(Value):
    """One service: its team, the user group that owns it, its AWS account if it has one, what it needs to work, and
    what else it is called.
    """

    model_config = ConfigDict(strict=True)

    team: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    owners: Annotated[str, Field(pattern=r"^S[A-Z0-9]{5,20}$")]
    account: Annotated[str, Field(pattern=r"^[0-9]{12}$")] | None = None
    depends_on: tuple[ServiceName, ...] = ()
    """Services it cannot do without; they need not be written down themselves."""
    aliases: tuple[ServiceName, ...] = ()
    """Other names that alerts have for it."""


class Services(Value):
    """Every service people have written down. One that is not here has no team and no owners of its own."""

    model_config = ConfigDict(strict=True)

    apiVersion: Literal["sayso.services/v1"] = "sayso.services/v1"  # noqa: N815 - the file's own spelling
    services: Mapping[ServiceName, Service] = Field(default_factory=dict)
    environments: Mapping[EnvironmentName, tuple[Place, ...]] = Field(default_factory=dict)
    """The namespaces and AWS regions of each environment, as patterns. No alert's label changes what stands here."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        """An alias that two services share, or that is a service itself, would hand one team another's alerts."""
        taken = set(self.services)
        for name, service in self.services.items():
            for alias in service.aliases:
                if alias in taken:
                    raise ValueError(f"services.{name}.aliases: {alias} is the name of another service")
                taken.add(alias)
        return self

    def known_as(self, reported: str | None) -> str | None:
        """The service's name as written down, where the reported one is an alias of it; else as reported."""
        return self._aliases.get(reported, reported) if reported is not None else None

    @cached_property
    def topology(self) -> Topology:
        """Which service depends on which, as people wrote it down."""
        pairs = [(name, needed) for name, service in self.services.items() for needed in service.depends_on]
        named = [(profile.service(name), profile.service(self._aliases.get(needed, needed))) for name, needed in pairs]
        return Topology(links=tuple(Link(source=s, relation=Relation.DEPENDS_ON, target=t) for s, t in named))

    @cached_property
    def _aliases(self) -> Mapping[str, str]:
        return {alias: name for name, service in self.services.items() for alias in service.aliases}

    def environment(self, place: str, reported: str) -> str:
        """The environment of a namespace or region: as written down, else as reported.

        A place that was written down twice, differently, is in none: nothing is granted there until people decide.
        """
        found = {name for name, places in self.environments.items() if any(fnmatchcase(place, each) for each in places)}
        if not found:
            return reported
        return found.pop() if len(found) == 1 else ""

    def owners(self, service: str) -> str | None:
        """The user group that owns the service; None when nobody wrote it down."""
        known = self.services.get(service)
        return known.owners if known is not None else None

    def team(self, service: str) -> str:
        """The team the service belongs to; empty when nobody wrote it down."""
        known = self.services.get(service)
        return known.team if known is not None else ""

    def account(self, service: str) -> str:
        """The AWS account the service runs in; empty when nobody wrote it down."""
        known = self.services.get(service)
        return (known.account or "") if known is not None else ""

    def behind(self, target: str, reported: str | None) -> str:
        """The service an action is about: the target's own name where it is written down, else what was reported.

        An alert may name another service than the one that would be changed; the owners of what changes are asked.
        """
        return target if reported is None or target in self.services else reported


NONE = Services()
"""For an installation without a service catalogue."""


class ServicesError(PermanentError):
    """The service catalogue was refused. The message lists everything wrong, each as `services.yaml:3: ...`."""


def read(path: Path | None) -> Services:
    """The catalogue of a file, and of no file an empty one. Raises ServicesError, also when it cannot be read."""
    if path is None:
        return NONE
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ServicesError(f"the service catalogue cannot be read (SAYSO_SERVICES): {error}") from error
    return load(text, path.name)


def load(text: str, name: str = "services.yaml") -> Services:
    """The catalogue in a text. Raises ServicesError with the line of each fault."""
    try:
        document = documents.parse(text, name)
    except PolicyError as error:
        raise ServicesError(str(error)) from error
    try:
        return Services.model_validate(document.value)
    except ValidationError as error:
        raise ServicesError(str(document.error(_problem(each) for each in error.errors()))) from error


def _problem(error: ErrorDetails) -> Problem:
    """A fault in the words of someone who writes the file; pydantic marks a faulty key with `[key]`."""
    path = tuple(part for part in error["loc"] if part != "[key]")
    match error["type"], path[-1] if path else "":
        case "extra_forbidden", _:
            return Problem(path, "unknown key")
        case "missing", _:
            return Problem(path, f"{path[-1]} is missing")
        case "value_error", _:
            return Problem(path, str(error["ctx"]["error"]))
        case "string_pattern_mismatch", "owners":
            return Problem(path, "must be the id of a Slack user group, such as S0PAYMENTS1, and not its name")
        case "string_pattern_mismatch", "team":
            return Problem(path, "must be lower-case letters, digits and hyphens")
        case "string_pattern_mismatch", "account":
            return Problem(path, "must be the twelve digits of an AWS account, in quotes")
        case "string_pattern_mismatch", _ if path[0] == "environments":
            return Problem(path, "is no environment, namespace or region: lower-case letters, digits, hyphens")
        case "string_pattern_mismatch", _:
            return Problem(path, "is not the name of a service: no spaces and no patterns")
    return Problem(path, error["msg"])
