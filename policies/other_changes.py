"""What a new policy file allows, beside its rules, that the old one did not: groups, times, limits, exceptions, tests.

As with rules: a change that is not certain to tighten counts as looser.
"""

from __future__ import annotations

from collections.abc import Iterator

from policies.calendars import Calendar, Weekly
from policies.durations import in_words
from policies.governance import BreakGlass, Delegation
from policies.rule_changes import Found
from policies.rules import Breaker, Exceeded, Group, Limit, RuleFile

WEEK = 7 * 1440
"""Minutes."""
GRANTING = frozenset({"auto", "auto_after", "approve"})


def other_changes(old: RuleFile, new: RuleFile) -> Iterator[Found]:
    """Every way in which the rest of the file became looser."""
    yield from _groups(old, new)
    yield from _calendars(old, new)
    yield from _limits(old, new)
    yield from _breaker(old.breaker, new.breaker)
    yield from _delegation(old.delegation, new.delegation)
    yield from _break_glass(old.break_glass, new.break_glass)
    if old.change_control != new.change_control:
        yield Found("How the policy itself may be changed (`change_control`) is not as it was.")


def _groups(old: RuleFile, new: RuleFile) -> Iterator[Found]:
    for name, group in new.groups.items():
        yield from _group(name, old.groups.get(name), group)
    added = sorted(set(new.groups) - set(old.groups))
    open_to_all = (new.breaker is not None and new.breaker.from_ is None) or new.change_control is None
    if added and open_to_all:
        yield Found(f"The people of {', '.join(added)} join those of whom “anyone in any group” is asked.")


def _group(name: str, old: Group | None, new: Group) -> Iterator[Found]:
    if old is None:
        return
    if old.resolve != new.resolve:
        yield Found(f"Group {name} means {new.resolve} where it meant {old.resolve}.")
    if not set(new.fallback or ()) <= set(old.fallback or ()):
        yield Found(f"Group {name} falls back to {', '.join(new.fallback or ())} when it is empty.")
    for part in sorted({*Group.model_fields} - {"resolve", "fallback"}):
        if getattr(old, part) != getattr(new, part):
            yield Found(f"Group {name} changed in `{part}`.")


def _calendars(old: RuleFile, new: RuleFile) -> Iterator[Found]:
    if old.timezone != new.timezone and old.calendars:
        yield Found(f"All calendars are read in {new.timezone} instead of {old.timezone}.")
    granting = {name for rule in new.rules if rule.effect in GRANTING for name in rule.when.during or ()}
    for name, calendar in old.calendars.items():
        stands = new.calendars.get(name)
        if stands is None:
            if calendar.freeze:
                yield Found(f"The freeze {name} is gone.")
        elif calendar != stands and (name in granting or not _contains(stands, calendar)):
            yield Found(f"The calendar {name} no longer has all the time it had.")


def _contains(wide: Calendar, narrow: Calendar) -> bool:
    """Whether every moment of one calendar is in the other, and a freeze is still one."""
    if narrow.freeze and not wide.freeze:
        return False
    if wide.once is not None and narrow.once is not None:
        return wide.once.from_ <= narrow.once.from_ and narrow.once.to <= wide.once.to
    if wide.weekly is not None and narrow.weekly is not None:
        begins = (narrow.weekly.from_ - wide.weekly.from_) % WEEK
        return begins + _length(narrow.weekly) <= _length(wide.weekly)
    return False


def _length(weekly: Weekly) -> int:
    return (weekly.to - weekly.from_) % WEEK


def _limits(old: RuleFile, new: RuleFile) -> Iterator[Found]:
    after = {limit.id: limit for limit in new.limits}
    for limit in old.limits:
        stands = after.get(limit.id)
        if stands is None:
            yield Found(f"The limit {limit.id} ({limit.max} within {in_words(limit.per)}) is gone.", limit.id)
        else:
            yield from (Found(f"The limit {limit.id} {what}", limit.id) for what in _limit(limit, stands))


def _limit(old: Limit, new: Limit) -> Iterator[str]:
    if new.max > old.max:
        yield f"is {new.max} instead of {old.max}."
    if new.per < old.per:
        yield f"counts {in_words(new.per)} instead of {in_words(old.per)}."
    if not set(new.by) <= set(old.by):
        yield f"is counted apart for each {' and '.join(new.by)}, so more may happen in all."
    if old.applies_to == "any" and new.applies_to == "auto":
        yield "no longer binds what people approved."
    if isinstance(new.exceeded, Exceeded):
        if old.exceeded == "deny":
            yield "may be passed with an approval; it was final."
        elif new.exceeded.approvals < old.exceeded.approvals or not set(new.exceeded.from_) <= set(old.exceeded.from_):
            yield "may be passed with fewer, or with other people's, approvals."


def _breaker(old: Breaker | None, new: Breaker | None) -> Iterator[Found]:
    if old is None:
        return
    if new is None:
        yield Found("The breaker is gone: rollbacks no longer stop what runs by itself.", "breaker")
        return
    if new.rollbacks > old.rollbacks or new.per < old.per:
        was, now = (f"{one.rollbacks} rollbacks within {in_words(one.per)}" for one in (old, new))
        yield Found(f"The breaker opens after {now} instead of {was}.", "breaker")
    if old.from_ is not None and not set(new.from_ or ("anyone",)) <= set(old.from_):
        yield Found(
            f"With the breaker open, {', '.join(new.from_ or ('anyone in any group',))} may approve.", "breaker"
        )


def _delegation(old: Delegation | None, new: Delegation | None) -> Iterator[Found]:
    if new is None:
        return
    if old is None:
        yield Found("People may hand their vote to others (`delegation`).")
        return
    if new.max_duration > old.max_duration:
        yield Found(
            f"A vote may be handed over for {in_words(new.max_duration)} instead of {in_words(old.max_duration)}."
        )
    if old.reason and not new.reason:
        yield Found("Handing a vote over no longer needs a reason.")
    if not set(new.groups) <= set(old.groups):
        yield Found(f"Votes of {', '.join(new.groups)} may be handed over; it was {', '.join(old.groups)}.")


def _break_glass(old: BreakGlass | None, new: BreakGlass | None) -> Iterator[Found]:
    if new is None:
        return
    if old is None:
        yield Found("One person may run a plan without the quorum (`break_glass`).")
        return
    weaker = {
        "eligible": not set(new.eligible) <= set(old.eligible),
        "approvals": new.approvals < old.approvals,
        "step_up": old.step_up and not new.step_up,
        "reason": old.reason and not new.reason,
        "incident": old.incident and not new.incident,
        "ttl": new.ttl > old.ttl,
        "block_next_until_reviewed": old.block_next_until_reviewed and not new.block_next_until_reviewed,
    }
    for part in BreakGlass.model_fields:
        if weaker.get(part, getattr(old, part) != getattr(new, part)):
            yield Found(f"Breaking the glass became easier, or is told to others (`{part}`).")
