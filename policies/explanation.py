"""Decisions in English: the card's one line, and the full answer to "why?".

Everything is told from the stored decision; nothing is judged again, so the answer stays true after the policy changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from policies.decisions import Decision, Effect, Obligation
from policies.durations import in_words


def summary(decision: Decision) -> str:
    """One line: what happens next, who is asked, and the main reason."""
    first, *more = decision.because
    others = f" (and {len(more)} more)" if more else ""
    return f"{demand(decision)}: {first.why}{others}"


def explain(decision: Decision) -> str:
    """The whole reasoning: effect, reasons, then for each rule that did not match its first failing condition."""
    version = f"policy v{decision.policy_version}@{decision.policy_sha256[:12]}"
    lines = [f"{decision.effect.upper()}: {demand(decision)}  [{version}]"]
    lines += [f"  because {reason.rule}: {reason.why}" for reason in decision.because]
    lines += [f"  asks {obligation} ({obligation.rule})" for obligation in decision.obligations]
    for step, facts in enumerate(decision.facts, start=1):
        if len(decision.facts) > 1:
            lines.append(f"  action {step}, {facts.action}:")
        lines += [f"  not {each.rule}: {each.failed}" for each in decision.trace if each.step == step and each.failed]
    return "\n".join(lines)


def demand(decision: Decision) -> str:
    """What has to happen before it runs, without the reasons: `Needs 1 approval from owner, within 15 min`."""
    match decision.effect:
        case Effect.AUTO:
            return "Runs without asking"
        case Effect.AUTO_AFTER:
            window = in_words(decision.window_s or 0)
            return f"Runs in {window} unless {_either(decision.veto_from)} stops it"
        case Effect.APPROVE:
            return f"Needs {_who(decision)}{_terms(decision)}"
        case Effect.DENY:
            return "Not allowed"
        case _ as never:
            assert_never(never)


def _who(decision: Decision) -> str:
    """`2 approvals from owner or sre-oncall and 1 from owner, then 1 from sre-leads`."""
    binding = decision.binding
    stages = (_together([each for each in stage if each in binding]) for stage in decision.stages)
    first, *later = stages
    noun = "approvals from" if binding[0].approvals > 1 else "approval from"
    return ", then ".join([first.replace("from", noun, 1), *later])


def _together(obligations: Sequence[Obligation]) -> str:
    *others, last = (f"{each.approvals} from {_either(each.groups)}" for each in obligations)
    return f"{', '.join(others)} and {last}" if others else last


def _terms(decision: Decision) -> str:
    """How the approvals must be given."""
    terms = [", not from the requester"] if decision.not_requester else []
    terms += [", with a reason"] if decision.reason else []
    terms += [", with a fresh sign-in"] if decision.step_up else []
    if decision.expires_s is not None:
        terms.append(f", within {in_words(decision.expires_s)}")
    return "".join(terms)


def _either(groups: tuple[str, ...]) -> str:
    return " or ".join(groups)
