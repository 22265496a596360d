"""Which of a policy file's built-in tests promise less than they did: a promise that is gone may be broken next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policies.decisions import Effect, Obligation
from policies.rule_changes import Found, renamed
from policies.rules import BuiltInTest, Expectation, RuleFile

FLAGS = ("not_requester", "reason", "step_up")


def broken_promises(old: RuleFile, new: RuleFile) -> Iterator[Found]:
    """Every test that was removed, is about something else now, or expects less."""
    names = renamed(old, new)
    about = [_about(new, test) for test in new.tests]
    for test in old.tests:
        same = [one for given, one in zip(about, new.tests, strict=True) if given == _about(old, test)]
        if not same:
            yield Found(f"The test “{test.name}” is gone, or is about another case.")
        elif not any(_promises(one.expect, test.expect, names) for one in same):
            yield Found(f"The test “{test.name}” expects less than it did.")


def _about(file: RuleFile, test: BuiltInTest) -> Mapping[str, object]:
    """The case of a test, its file's defaults included."""
    return {**file.test_defaults, **test.given}


def _promises(now: Expectation, before: Expectation, names: Mapping[str, str]) -> bool:
    """Whether everything that was expected is, or something stricter. `names` are what rules are called now."""
    because = {names.get(rule, rule) for rule in before.because or ()} <= set(now.because or ())
    if now.effect == "deny":
        return before.effect != "deny" or because
    return (
        Effect(now.effect).rank >= Effect(before.effect).rank
        and _at_least(now.approvals, before.approvals)
        and all(getattr(before, flag) is not True or getattr(now, flag) is True for flag in FLAGS)
        and (before.expires is None or (now.expires is not None and now.expires <= before.expires))
        and (now.effect != "auto_after" or _at_least(now.window, before.window))
        and _asks(now.asks, before.asks)
        and (now.effect != before.effect or because)
    )


def _at_least(now: int | None, before: int | None) -> bool:
    return before is None or (now is not None and now >= before)


def _asks(now: tuple[str, ...] | None, before: tuple[str, ...] | None) -> bool:
    """Whether each demand that was expected is still implied by one that is."""
    if before is None:
        return True
    return all(any(new.implies(old) for new in _demands(now or ())) for old in _demands(before))


def _demands(asks: tuple[str, ...]) -> Iterator[Obligation]:
    """`2 of owner, sre-oncall`, as a test writes it; anything else is compared whole."""
    for text in asks:
        number, _, groups = text.partition(" of ")
        known = number.isascii() and number.isdigit()
        yield Obligation(
            rule="",
            approvals=int(number) if known else 0,
            groups=tuple(groups.split(", ")) if known else (text,),
        )
