"""What a well-formed policy file may still not say: unknown names, grants that reach too far, facts used backwards.

Each check yields every problem it finds, so that one look at a refusal is enough to mend the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from policies.catalogue import Catalogue
from policies.conditions import Comparison
from policies.documents import Path, Problem
from policies.facts import UNTRUSTED, Origin
from policies.rules import GRANTS, RESERVED, Approve, Auto, AutoAfter, Exceeded, Restrict, Rule, RuleFile
from tools.evidence import Severity


def problems(file: RuleFile, catalogue: Catalogue) -> list[Problem]:
    """Everything wrong with a file that its shape does not show."""
    found = [*_timezone(file), *_identifiers(file), *_groups(file), *_escalation(file), *_counts(file)]
    for index, rule in enumerate(file.rules):
        path = ("rules", index)
        found += _names(file, catalogue, rule, (*path, "when"))
        if isinstance(rule, GRANTS):
            found += _grant(file, catalogue, rule, (*path, "when"))
        else:
            found += _directions(rule, (*path, "when"))
        if isinstance(rule, Approve | Restrict):
            found += _chain(file, rule, (*path, "require", "escalate"))
    return found


def _timezone(file: RuleFile) -> Iterator[Problem]:
    try:
        ZoneInfo(file.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield Problem(("timezone",), f"{file.timezone!r} is not an IANA time zone known here")


def _identifiers(file: RuleFile) -> Iterator[Problem]:
    """Rules and limits share one space of ids: both are named as reasons."""
    named: list[tuple[Path, str]] = [(("rules", index, "id"), rule.id) for index, rule in enumerate(file.rules)]
    named += [(("limits", index, "id"), limit.id) for index, limit in enumerate(file.limits)]
    seen: set[str] = set()
    for path, name in named:
        if name in RESERVED:
            yield Problem(path, f"the id {name!r} is reserved for the engine")
        if name in seen:
            yield Problem(path, f"the id {name!r} is used twice")
        seen.add(name)
    names: set[str] = set()
    for index, test in enumerate(file.tests):
        if test.name in names:
            yield Problem(("tests", index, "name"), f"the name {test.name!r} is used twice")
        names.add(test.name)


def _groups(file: RuleFile) -> Iterator[Problem]:
    for path, groups in _group_references(file):
        for group in groups:
            if group not in file.groups:
                yield Problem(path, f"there is no group {group!r}")
    for name in file.groups:
        if name in _fallbacks(file, name):
            yield Problem(("groups", name, "fallback"), "the group falls back to itself")


def _group_references(file: RuleFile) -> Iterator[tuple[Path, tuple[str, ...]]]:
    for name, group in file.groups.items():
        yield ("groups", name, "fallback"), group.fallback or ()
    for index, rule in enumerate(file.rules):
        if isinstance(rule, Approve | Restrict):
            yield ("rules", index, "require", "from"), rule.require.from_
            yield ("rules", index, "require", "must_include"), rule.require.must_include or ()
            for number, stage in enumerate(rule.require.then or ()):
                yield ("rules", index, "require", "then", number, "from"), stage.from_
        if isinstance(rule, AutoAfter):
            yield ("rules", index, "require", "veto_from"), rule.require.veto_from
    for index, limit in enumerate(file.limits):
        if isinstance(limit.exceeded, Exceeded):
            yield ("limits", index, "exceeded", "from"), limit.exceeded.from_
    yield from _governing_groups(file)


def _governing_groups(file: RuleFile) -> Iterator[tuple[Path, tuple[str, ...]]]:
    for name, steps in file.escalation.items():
        for index, step in enumerate(steps):
            yield ("escalation", name, index), step.groups
    if file.breaker is not None:
        yield ("breaker", "from"), file.breaker.from_ or ()
    if file.delegation is not None:
        yield ("delegation", "groups"), file.delegation.groups
    if file.break_glass is not None:
        yield ("break_glass", "eligible"), file.break_glass.eligible
    if file.change_control is not None:
        yield ("change_control", "loosening", "from"), file.change_control.loosening.from_


def _fallbacks(file: RuleFile, name: str) -> set[str]:
    """Every group reached by falling back from one, however often."""
    reached: set[str] = set()
    ahead = [name]
    while ahead:
        group = file.groups.get(ahead.pop())
        new = set(group.fallback or ()) - reached if group else set()
        reached |= new
        ahead += new
    return reached


def _escalation(file: RuleFile) -> Iterator[Problem]:
    for name, steps in file.escalation.items():
        for index, (earlier, later) in enumerate(pairwise(steps), start=1):
            if later.after <= earlier.after:
                yield Problem(("escalation", name, index, "after"), "steps must come one after the other")


def _chain(file: RuleFile, rule: Approve | Restrict, path: Path) -> Iterator[Problem]:
    chain = rule.require.escalate
    if chain is None:
        return
    if chain not in file.escalation:
        yield Problem(path, f"there is no escalation chain {chain!r}")
    elif file.escalation[chain][-1].after >= rule.require.expires:
        yield Problem(path, f"the last step of {chain!r} is not before the rule's `expires`")


def _counts(file: RuleFile) -> Iterator[Problem]:
    """A count under a limit, or for a rule, that does not exist would test nothing."""
    known = {
        "recent": ({limit.id for limit in file.limits}, "limit"),
        "earned": ({rule.id for rule in file.rules if rule.when.unearned}, "rule that asks for a record"),
    }
    for index, test in enumerate(file.tests):
        for fact, (names, noun) in known.items():
            counted = test.given.get(fact, {})
            for name in counted if isinstance(counted, Mapping) else ():
                if name not in names:
                    yield Problem(("tests", index, "given", fact, name), f"there is no {noun} {name!r}")


def _names(file: RuleFile, catalogue: Catalogue, rule: Rule, path: Path) -> Iterator[Problem]:
    known = {
        "action": (catalogue.kinds, "kind of action"),
        "env": (catalogue.environments, "environment"),
        "origin": (frozenset(Origin), "origin"),
        "severity": (frozenset(Severity), "severity"),
        "during": (file.calendars, "calendar"),
    }
    for condition, (names, noun) in known.items():
        wanted = rule.when.given.get(condition, ())
        for name in wanted if isinstance(wanted, tuple) else ():
            if name not in names:
                yield Problem((*path, condition), f"there is no {noun} {name!r}")


def _grant(file: RuleFile, catalogue: Catalogue, rule: Rule, path: Path) -> Iterator[Problem]:
    """What a rule that allows something must and must not depend on."""
    for fact in sorted((UNTRUSTED | {"rollbacks", "unearned"}) & rule.when.given.keys()):
        yield Problem((*path, fact), f"`{fact}` may only tighten: use it in a restrict or deny rule")
    for name in rule.when.during or ():
        if name in file.calendars and file.calendars[name].freeze:
            yield Problem((*path, "during"), f"the freeze {name!r} may not be what allows an action")
    if rule.when.mutating is False:
        return
    if not rule.when.env or not (rule.when.action or rule.when.destructive):
        yield Problem(path, "a rule that allows changes must name `env`, and `action` or `destructive: true`")
    if isinstance(rule, Auto | AutoAfter):
        yield from _automatic(catalogue, rule, path)


def _automatic(catalogue: Catalogue, rule: Auto | AutoAfter, path: Path) -> Iterator[Problem]:
    """Nothing destructive runs by itself, and a window is only for what is everyday and can be undone."""
    if rule.when.destructive:
        yield Problem((*path, "destructive"), "nothing destructive may run by itself")
    if isinstance(rule, AutoAfter) and not rule.when.action:
        yield Problem(path, "a veto window must name its actions")
    for name in rule.when.action or ():
        traits = catalogue.kinds.get(name)
        if traits is None:
            continue
        if traits.destructive:
            yield Problem((*path, "action"), f"{name} is destructive and may not run by itself")
        if isinstance(rule, AutoAfter) and not (traits.reversible and traits.routine):
            yield Problem((*path, "action"), f"{name} is not both reversible and routine, so it may not run by itself")


def _directions(rule: Rule, path: Path) -> Iterator[Problem]:
    """In a restriction these facts must point the way that worse facts tighten; else worse facts would loosen."""
    given = rule.when.given
    for fact, worse in (("tainted_args", True), ("tainted_sensitive", True), ("corroborated", False)):
        if given.get(fact, worse) is not worse:
            yield Problem((*path, fact), f"a restriction may only ask for `{fact}: {str(worse).lower()}`")
    for fact, allowed in (("confidence", {"lt", "le"}), ("rollbacks", {"gt", "ge"})):
        comparison = given.get(fact)
        if isinstance(comparison, Comparison) and not {operator for operator, _ in comparison.bounds} <= allowed:
            operators = " or ".join(sorted(allowed))
            yield Problem((*path, fact), f"a restriction may only compare `{fact}` with {operators}")
