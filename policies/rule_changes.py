"""What the rules of a new policy file allow that the old one's did not, read from the two files alone.

Certain is only what is compared part by part here; whatever else changed in a rule counts as looser.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from policies.catalogue import Catalogue
from policies.conditions import When
from policies.coverage import covers, may_meet
from policies.durations import in_words
from policies.rules import GRANTS, Approve, Asked, Auto, AutoAfter, Deny, Policy, Restrict, Rule, RuleFile, VetoWindow

RANKS: Mapping[type[Rule], int] = {Auto: 0, AutoAfter: 1, Approve: 2}
"""Grants, least restrictive first."""
COMPARED = frozenset(
    {"approvals", "from_", "must_include", "not_requester", "reason", "step_up", "expires", "escalate", "then"}
)
"""The parts of `Asked` that are compared one by one. A part that is not here is looser whenever it changes."""


@dataclass(frozen=True)
class Found:
    """One way in which a file became looser, in a sentence, and the id of the rule or limit it is about."""

    what: str
    about: str | None = None


def rule_changes(old: Policy, new: Policy) -> Iterator[Found]:
    """Every way in which the rules became looser."""
    before = {rule.id: rule for rule in old.file.rules}
    after = {rule.id: rule for rule in new.file.rules}
    names = renamed(old.file, new.file)
    for rule in old.file.rules:
        stands = after.get(names.get(rule.id, rule.id))
        granted = _still_granted(rule.when, (one for one in new.file.rules if one is not stands), new.catalogue)
        if stands is None:
            yield from _removed(rule, granted)
        else:
            yield from _changed(rule, stands, granted, old.file, new.file)
    for rule in new.file.rules:
        if rule.id not in before and rule.id not in names.values() and isinstance(rule, GRANTS):
            yield Found(f"Rule {rule.id} is new and allows what it describes ({in_short(rule.when)}).", rule.id)


def in_short(when: When) -> str:
    """Conditions in one line: `env prod; scale_factor > 2`."""
    return "; ".join(f"{name} {_value(value)}" for name, value in when.given.items())


def renamed(old: RuleFile, new: RuleFile) -> dict[str, str]:
    """Rules that only got another id or another sentence, old id by new: whatever they said, they say still."""
    kept = {rule.id for rule in old.rules} & {rule.id for rule in new.rules}
    free = [rule for rule in new.rules if rule.id not in kept]
    names: dict[str, str] = {}
    for rule in old.rules:
        twin = next((one for one in free if rule.id not in kept and _content(one) == _content(rule)), None)
        if twin is not None:
            free.remove(twin)
            names[rule.id] = twin.id
    return names


def _content(rule: Rule) -> object:
    return type(rule), rule.model_copy(update={"id": "x", "why": "x"})


def _removed(rule: Rule, granted: bool) -> Iterator[Found]:
    """A grant that goes takes its demands along, which loosens only where another grant is left."""
    if not isinstance(rule, GRANTS):
        yield Found(f"Rule {rule.id} is gone: {rule.why}", rule.id)
    elif granted:
        yield Found(f"Rule {rule.id} is gone with what it asked, and another rule still allows such actions.", rule.id)


def _changed(old: Rule, new: Rule, granted: bool, before: RuleFile, after: RuleFile) -> Iterator[Found]:
    if isinstance(new, GRANTS) and not isinstance(old, GRANTS):
        yield Found(f"Rule {new.id} was `{old.effect}` and now allows ({in_short(new.when)}).", new.id)
    elif RANKS.get(type(new), 3) < RANKS.get(type(old), 0):
        yield Found(f"Rule {new.id} is `{new.effect}` where it was `{old.effect}`.", new.id)
    elif isinstance(old, Deny) and not isinstance(new, Deny):
        yield Found(f"Rule {new.id} is `{new.effect}` where it forbade.", new.id)
    yield from _reach(old, new, granted)
    if isinstance(old, Approve | Restrict) and isinstance(new, Approve | Restrict):
        yield from (Found(f"Rule {new.id} {what}", new.id) for what in _asked(old.require, new.require))
        yield from _widening(old, new, before, after)
    if isinstance(old, AutoAfter) and isinstance(new, AutoAfter):
        yield from (Found(f"Rule {new.id} {what}", new.id) for what in _window(old.require, new.require))


def _reach(old: Rule, new: Rule, granted: bool) -> Iterator[Found]:
    """A grant may not reach further than before; a restriction, or a grant's demands, may not reach less far."""
    told = f"({in_short(old.when)} became {in_short(new.when)})"
    if isinstance(old, GRANTS) and isinstance(new, GRANTS) and not covers(old.when, new.when):
        yield Found(f"Rule {new.id} allows more cases than before {told}.", new.id)
    if not covers(new.when, old.when) and (granted or not isinstance(old, GRANTS)):
        yield Found(f"Rule {new.id} restricts fewer cases than before {told}.", new.id)


def _still_granted(when: When, others: Iterable[Rule], catalogue: Catalogue) -> bool:
    """Whether another rule may allow what these conditions describe."""
    return any(isinstance(one, GRANTS) and may_meet(one.when, when, catalogue) for one in others)


def _asked(old: Asked, new: Asked) -> Iterator[str]:
    if new.approvals < old.approvals:
        yield f"asks {new.approvals} instead of {old.approvals} to approve."
    if not set(new.from_) <= set(old.from_):
        yield f"lets {_or(new.from_)} approve where it asked {_or(old.from_)}."
    if missing := set(old.must_include or ()) - set(new.must_include or ()):
        yield f"no longer insists on somebody of {_or(sorted(missing))}."
    if old.not_requester and not new.not_requester:
        yield "lets whoever asked for a plan approve it."
    if old.reason and not new.reason:
        yield "no longer wants a reason with each approval."
    if old.step_up and not new.step_up:
        yield "no longer wants a fresh sign-in."
    if new.expires > old.expires:
        yield f"lets people answer for {in_words(new.expires)} instead of {in_words(old.expires)}."
    yield from _stages(old, new)
    for name in sorted({*type(old).model_fields} - COMPARED):
        if getattr(old, name) != getattr(new, name):
            yield f"changed in `{name}`, which may ask less."


def _stages(old: Asked, new: Asked) -> Iterator[str]:
    """Later stages: as many as before, each asking at least as much."""
    had, has = getattr(old, "then", None) or (), getattr(new, "then", None) or ()
    if len(has) < len(had):
        yield f"asks {len(has) + 1} instead of {len(had) + 1} stages of people."
    for number, (before, after) in enumerate(zip(had, has, strict=False), start=2):
        weaker = after.approvals < before.approvals or not set(after.from_) <= set(before.from_)
        known = {"approvals", "from_"}
        same = all(getattr(before, one) == getattr(after, one) for one in {*type(before).model_fields} - known)
        if weaker or not same:
            yield f"asks less, or other people, in its stage {number}."


def _window(old: VetoWindow, new: VetoWindow) -> Iterator[str]:
    if new.window < old.window:
        yield f"waits {in_words(new.window)} instead of {in_words(old.window)} before it runs."
    if set(new.veto_from) != set(old.veto_from):  # they stop it, but where a window is no window they also approve it
        yield f"lets {_or(new.veto_from)} stop or start it where it was {_or(old.veto_from)}."


def _widening(old: Approve | Restrict, new: Approve | Restrict, before: RuleFile, after: RuleFile) -> Iterator[Found]:
    """Who may approve once nobody has answered for a while."""
    had, has = _widened(old.require.escalate, before), _widened(new.require.escalate, after)
    sooner = sorted(group for group, delay in has.items() if delay < had.get(group, delay + 1))
    if sooner:
        yield Found(f"Rule {new.id} adds {_or(sooner)} to those who may approve, or adds them sooner.", new.id)


def _widened(chain: str | None, file: RuleFile) -> dict[str, int]:
    """Each group a chain adds, and the earliest moment it does."""
    added: dict[str, int] = {}
    for step in file.escalation.get(chain, ()) if chain is not None else ():
        for group in step.widen or ():
            added[group] = min(step.after, added.get(group, step.after))
    return added


def _or(groups: Iterable[str]) -> str:
    return " or ".join(groups)


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return _or(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
