"""The typed policy file: groups, calendars, limits and rules, and the `Policy` they become.

Shapes only. `policies.loading` reads and refuses files, `policies.engine` judges by them. Everything here is strict:
what the schema does not know is an error, because a misspelt restriction restricts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field

from policies import conditions
from policies.calendars import Calendar
from policies.catalogue import Catalogue
from policies.conditions import Condition, Name, Names, When
from policies.durations import Duration
from policies.governance import Approvals, BreakGlass, ChangeControl, Delegation, Step
from tools.values import Value

Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Why = Annotated[str, Field(min_length=10, max_length=300)]
"""The reason of a rule, in a sentence for the people who are asked or refused."""

DEFAULT_EXPIRY_S = 15 * 60
"""How long people have to answer where a rule does not say."""
LATER_STAGES = 3
"""How many more stages may follow the first."""
RESERVED = frozenset({"default", "breaker", "catalogue", "facts", "veto-window"})
"""Ids under which the engine gives reasons of its own."""


class _Strict(Value):
    """A part of the file: no coercion, so that `yes` is not a group and `true` is not a number."""

    model_config = ConfigDict(strict=True)


class Group(_Strict):
    """A name for people, and where to look them up: only names live in a policy. `fallback` is for an empty group."""

    resolve: Annotated[str, Field(pattern=r"^(service-owner|(oncall|usergroup):[A-Za-z0-9][A-Za-z0-9._-]*)$")]
    fallback: Names | None = None


class Stage(_Strict):
    """Who must agree next, once everything asked before is met. Whoever served an earlier stage does not count here."""

    approvals: Approvals
    from_: Names = Field(alias="from")


class Asked(_Strict):
    """What people must do before an action may run. `then` lists the later stages, in order."""

    approvals: Approvals
    from_: Names = Field(alias="from")
    must_include: Names | None = None
    then: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=LATER_STAGES)] | None = None
    not_requester: bool = True
    reason: bool = False
    step_up: bool = False
    expires: Duration = DEFAULT_EXPIRY_S
    escalate: Name | None = None


class VetoWindow(_Strict):
    """How long an action waits before it runs by itself, and who may stop it."""

    window: Duration
    veto_from: Names


class Exceeded(_Strict):
    """Who must agree once a limit is reached."""

    approvals: Approvals
    from_: Names = Field(alias="from")


class Limit(_Strict):
    """How many executions may happen in a period, counted together when they agree in every fact of `by`.

    `auto` binds only what an `auto` or `auto_after` rule grants; `any` binds every change.
    """

    id: Identifier
    applies_to: Literal["auto", "any"]
    max: Annotated[int, Field(ge=1)]
    per: Duration
    by: tuple[Literal["env", "service", "namespace", "team", "account", "region", "action"], ...]
    exceeded: Literal["deny"] | Exceeded


class Breaker(_Strict):
    """After this many rollbacks in a period nothing runs by itself. Without `from`, anyone in any group may agree."""

    rollbacks: Annotated[int, Field(ge=1)]
    per: Duration
    from_: Names | None = Field(default=None, alias="from")


class _Rule(_Strict):
    """What every rule has."""

    id: Identifier
    why: Why
    when: When


class Auto(_Rule):
    """Grants: the action may run at once."""

    effect: Literal["auto"]


class AutoAfter(_Rule):
    """Grants: the action may run after a window in which people can stop it."""

    effect: Literal["auto_after"]
    require: VetoWindow


class Approve(_Rule):
    """Grants: the action may run once people agree."""

    effect: Literal["approve"]
    require: Asked


class Restrict(_Rule):
    """Adds what people must do. Grants nothing."""

    effect: Literal["restrict"]
    require: Asked


class Deny(_Rule):
    """Forbids, whatever anyone says."""

    effect: Literal["deny"]


Rule = Annotated[Auto | AutoAfter | Approve | Restrict | Deny, Field(discriminator="effect")]
GRANTS = (Auto, AutoAfter, Approve)

Given: TypeAlias = "Mapping[str, str | int | float | bool | Mapping[str, int]]"
"""Facts as a built-in test writes them."""


class Expectation(_Strict):
    """What a built-in test expects of the decision. `because` lists some of its reasons, `asks` all obligations."""

    effect: Literal["auto", "auto_after", "approve", "deny"]
    approvals: Annotated[int, Field(ge=0)] | None = None
    asks: tuple[Name, ...] | None = None
    because: Names | None = None
    not_requester: bool | None = None
    reason: bool | None = None
    step_up: bool | None = None
    window: Duration | None = None
    expires: Duration | None = None


class BuiltInTest(_Strict):
    """A case the file promises to decide in a certain way."""

    name: Name
    given: Given
    expect: Expectation


class RuleFile(_Strict):
    """A whole policy file, shape by shape."""

    apiVersion: Literal["sayso.policy/v1"]  # noqa: N815 - the file's own spelling, as in Kubernetes
    version: Annotated[int, Field(ge=1)]
    timezone: Name
    default: Literal["deny"]
    groups: Annotated[Mapping[Identifier, Group], Field(min_length=1)]
    calendars: Mapping[Identifier, Calendar] = Field(default_factory=dict)
    limits: tuple[Limit, ...] = ()
    breaker: Breaker | None = None
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    escalation: Mapping[Identifier, Annotated[tuple[Step, ...], Field(min_length=1)]] = Field(default_factory=dict)
    delegation: Delegation | None = None
    break_glass: BreakGlass | None = None
    change_control: ChangeControl | None = None
    test_defaults: Given = Field(default_factory=dict)
    tests: Annotated[tuple[BuiltInTest, ...], Field(min_length=1)]


@dataclass(frozen=True)
class CompiledRule:
    """A rule with its conditions ready to be asked."""

    rule: Auto | AutoAfter | Approve | Restrict | Deny
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Policy:
    """A policy in force: its file, its fingerprint, and its rules in the order of their ids (order has no meaning)."""

    file: RuleFile
    sha256: str
    catalogue: Catalogue
    zone: ZoneInfo
    rules: tuple[CompiledRule, ...]
    asks: frozenset[str] = frozenset()
    """Every fact that some rule has a condition on."""

    @property
    def version(self) -> int:
        """The number that rises with every change of the file."""
        return self.file.version


def compiled(file: RuleFile, sha256: str, catalogue: Catalogue) -> Policy:
    """The policy a sound file describes. Does not check it: `policies.loading.load` does."""
    ordered = sorted(file.rules, key=lambda rule: rule.id)
    rules = tuple(CompiledRule(rule, conditions.compiled(rule.when, rule.id)) for rule in ordered)
    asks = frozenset(fact for rule in ordered for fact in rule.when.given)
    return Policy(file=file, sha256=sha256, catalogue=catalogue, zone=ZoneInfo(file.timezone), rules=rules, asks=asks)
