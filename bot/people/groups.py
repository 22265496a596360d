"""Which people the groups of the policy stand for, on one plan, at one moment.

A roll is called before any transaction, since it asks Slack; what follows works with the value. Groups a person was
lent by a delegation are theirs only where the lender could use them and has not spoken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.people import LookupFailed, People
from bot.people.services import NONE, Services
from bot.views.text import USERGROUP
from policies.decisions import Decision, Effect
from policies.quorum import thin_rosters
from policies.rules import Policy
from storage import delegations
from storage.tables import Delegation
from tools.values import Value

if TYPE_CHECKING:
    from bot.desk import Desk


class Fallback(Value):
    """A group that stands for nobody, and the groups that answer in its place."""

    group: str
    used: tuple[str, ...]

    def __str__(self) -> str:
        return f"fallback used: {', '.join(self.used)} for {self.group}"


class Lent(Value):
    """One delegation as far as today's policy lets it hold."""

    delegator: str
    delegate: str
    groups: frozenset[str]


@dataclass(frozen=True)
class Rota:
    """As much of a desk as it takes to see who is in the groups of some rules."""

    policy: Policy
    people: People
    services: Services = NONE


@dataclass(frozen=True)
class Roll:
    """Who is in each group by their own right, whom they lent it to, and who of those asked about may not decide."""

    members: Mapping[str, frozenset[str]]
    fallbacks: tuple[Fallback, ...] = ()
    lent: tuple[Lent, ...] = ()
    asked_about: frozenset[str] = frozenset()
    refused: Mapping[str, str] = field(default_factory=dict)

    def covers(self, people: AbstractSet[str]) -> bool:
        """Whether Slack was asked about all of them. Who was not asked about must not be counted."""
        return people <= self.asked_about

    def own(self, groups: Iterable[str]) -> frozenset[str]:
        """Everybody in these groups by their own right."""
        return frozenset(person for group in groups for person in self.members.get(group, ())) - set(self.refused)

    def people(self, excluded: AbstractSet[str], spoken: AbstractSet[str]) -> dict[str, frozenset[str]]:
        """Who may speak for each group: its people, and whom those lent it who may speak and have not."""
        return {
            group: self.own([group]) | {one.delegate for one in self._lenders(group, excluded | spoken)}
            for group in self.members
        }

    def on_behalf_of(self, person: str, decision: Decision, silent: AbstractSet[str]) -> tuple[str, ...]:
        """Whose rights this person uses here; nobody's where their own reach as far. `silent` lend nothing."""
        needed = [groups for groups in asked_groups(decision) if person not in self.own(groups)]
        lenders = {
            one.delegator
            for groups in needed
            for group in groups
            for one in self._lenders(group, silent)
            if one.delegate == person
        }
        return tuple(sorted(lenders))

    def _lenders(self, group: str, silent: AbstractSet[str]) -> list[Lent]:
        able = self.own([group]) - silent
        return [
            one
            for one in self.lent
            if group in one.groups and one.delegator in able and one.delegate not in self.refused
        ]


def call_roll(services: AbstractSet[str], policy: Policy, desk: Desk, asked_about: AbstractSet[str]) -> Roll:
    """Ask Slack who everybody is. Never inside a transaction that writes. Raises LookupFailed."""
    lent = _in_force(policy, desk)
    people = asked_about | {one.delegator for one in lent}
    refused = {person: reason for person in sorted(people) if (reason := desk.people.refusal(person))}
    members, fallbacks = {}, []
    for group in policy.file.groups:
        members[group], used = _members(group, services, policy, desk, frozenset())
        fallbacks += [Fallback(group=group, used=used)] if used else []
    return Roll(members, tuple(fallbacks), lent, frozenset(people), refused)


def behind(group: str, service: str, policy: Policy, desk: Desk | Rota) -> str | None:
    """The usergroup a group of the policy stands for on a service; None when nobody says. Asks nobody."""
    declared, people = policy.file.groups.get(group), desk.people
    if declared is None:
        return people.usergroup(group)
    kind, _, name = declared.resolve.partition(":")
    if kind == "service-owner":
        return desk.services.owners(service) or people.usergroup(group) or people.usergroup("owner")
    return people.usergroup(group) or people.usergroup(name) or (name if USERGROUP.fullmatch(name) else None)


def services_of(decision: Decision) -> frozenset[str]:
    """The services a plan touches, as policy judged them."""
    return frozenset(facts.service for facts in decision.facts) or frozenset({""})


def asked_groups(decision: Decision) -> list[tuple[str, ...]]:
    """The groups each thing that is asked is asked of."""
    asked = [obligation.groups for obligation in decision.obligations]
    return [*asked, decision.veto_from] if decision.effect is Effect.AUTO_AFTER else asked


def last_fallbacks(decision: Decision, desk: Desk) -> tuple[Fallback, ...]:
    """The fallbacks among the groups a decision asks, as Slack was last seen: for showing. Asks nobody."""
    policy, services = desk.policy, services_of(decision)
    asked = dict.fromkeys(group for groups in asked_groups(decision) for group in groups)
    empty = [group for group in asked if _seen_empty(group, services, policy, desk)]
    used = {group: policy.file.groups[group].fallback or () for group in empty if group in policy.file.groups}
    return tuple(Fallback(group=group, used=groups) for group, groups in used.items() if groups)


def mine(user_id: str, desk: Desk) -> tuple[str, ...]:
    """The groups of the policy a person is in, for at least one service. Raises LookupFailed when that cannot be told.

    A usergroup Slack cannot answer for hides only itself: a person who is known to be in another is known to be in it.
    """
    policy, services, failed = desk.policy, {"", *desk.services.services}, None
    found: list[str] = []
    for group in policy.file.groups:
        for usergroup in {behind(group, service, policy, desk) for service in services} - {None}:
            try:
                found += [group] if user_id in desk.people.members(str(usergroup)) else []
            except LookupFailed as error:
                failed = error
    if failed is not None and not found:
        raise failed
    return tuple(dict.fromkeys(found))


def thin(desk: Desk | Rota) -> tuple[str, ...]:
    """Warnings for rules too few people could meet. Raises LookupFailed."""
    policy = desk.policy
    members = {group: _members(group, {""}, policy, desk, frozenset())[0] for group in policy.file.groups}
    return thin_rosters(policy, members)


def _in_force(policy: Policy, desk: Desk) -> tuple[Lent, ...]:
    """The delegations that hold now, cut to what the policy of today allows."""
    rules = policy.file.delegation
    if rules is None:
        return ()
    with desk.database.reading() as session:
        active = delegations.active(session, desk.now())
    return tuple(
        Lent(delegator=one.delegator, delegate=one.delegate, groups=frozenset(one.groups) & frozenset(rules.groups))
        for one in active
        if _length(one) <= rules.max_duration
    )


def _length(lent: Delegation) -> float:
    return (lent.until - lent.starts_at).total_seconds()


def _members(
    group: str, services: AbstractSet[str], policy: Policy, desk: Desk | Rota, asked: frozenset[str]
) -> tuple[frozenset[str], tuple[str, ...]]:
    """Who is in a group, and the fallback groups that had to answer for it. `asked` stops groups naming each other."""
    own = _resolved(group, services, policy, desk)
    declared = policy.file.groups.get(group)
    if own or declared is None or not declared.fallback or group in asked:
        return own, ()
    others = [_members(each, services, policy, desk, asked | {group})[0] for each in declared.fallback]
    return frozenset(person for each in others for person in each), declared.fallback


def _resolved(group: str, services: AbstractSet[str], policy: Policy, desk: Desk | Rota) -> frozenset[str]:
    """Where a plan touches services of several owners, only who owns every one of them answers as their owner."""
    usergroups = {behind(group, service, policy, desk) for service in services}
    found = [desk.people.members(usergroup) if usergroup else frozenset() for usergroup in usergroups]
    return frozenset.intersection(*found) if found else frozenset()


def _seen_empty(group: str, services: AbstractSet[str], policy: Policy, desk: Desk) -> bool:
    usergroups = {behind(group, service, policy, desk) for service in services}
    return any(usergroup is None or desk.people.last_seen(usergroup) == frozenset() for usergroup in usergroups)
