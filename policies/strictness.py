"""Comparing two decisions about the same plan, part by part: one number would hide a loosening.

Asked when a vote may complete the quorum and again at the claim: what was approved must cover what is asked now.
"""

from __future__ import annotations

from policies.decisions import Decision, Effect, Obligation
from policies.durations import in_words


def stricter(now: Decision, than: Decision) -> bool:
    """Whether `now` asks for anything that `than` did not. Where it cannot be told, it does."""
    return bool(differences(now, than))


def differences(now: Decision, than: Decision) -> tuple[str, ...]:
    """What `now` asks beyond `than`, in words for people; empty when an approval under `than` covers it."""
    if than.effect is Effect.DENY:
        return ()
    if now.effect is Effect.DENY:
        return ("it is not allowed any more",)
    return (*_effect(now, than), *_obligations(now, than), *_terms(now, than), *_window(now, than))


def _effect(now: Decision, than: Decision) -> list[str]:
    if now.effect.rank <= than.effect.rank:
        return []
    return ["it waits for a veto now" if now.effect is Effect.AUTO_AFTER else "it needs approval now"]


def _obligations(now: Decision, than: Decision) -> list[str]:
    """Each stage takes as many stages of before as cover it, in order: people who served one stage serve no other."""
    found: list[str] = []
    before = list(than.stages)
    for stage in now.stages:
        had: list[Obligation] = []
        while before and _uncovered(stage, had):
            had += before.pop(0)
        found += [f"it needs {wanted} ({wanted.rule})" for wanted in _uncovered(stage, had)]
    return found


def _uncovered(stage: tuple[Obligation, ...], had: list[Obligation]) -> list[Obligation]:
    """What a stage wants that none of these already asked."""
    return [wanted for wanted in stage if not any(each.implies(wanted) for each in had)]


def _terms(now: Decision, than: Decision) -> list[str]:
    found: list[str] = []
    if now.not_requester and not than.not_requester:
        found.append("the requester may not approve")
    if now.reason and not than.reason:
        found.append("approvals need a reason")
    if now.step_up and not than.step_up:
        found.append("approvals need a fresh sign-in")
    if now.expires_s is not None and (than.expires_s is None or now.expires_s < than.expires_s):
        found.append(f"approvals lapse after {in_words(now.expires_s)}")
    return found


def _window(now: Decision, than: Decision) -> list[str]:
    """Windows compare only with windows: asking people first is stricter than any of them."""
    if not now.effect is than.effect is Effect.AUTO_AFTER:
        return []
    found: list[str] = []
    if (now.window_s or 0) > (than.window_s or 0):
        found.append(f"it waits {in_words(now.window_s or 0)}")
    if not set(now.veto_from) <= set(than.veto_from):
        found.append(f"{' or '.join(now.veto_from)} may stop it")
    return found
