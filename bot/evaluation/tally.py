"""Scores added up by mind, in the words a table has. Pure; printing is the command's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.evaluation.scoring import Score
from tools.values import Value

MOST_CERTAIN = 10


class Tally(Value):
    """What one mind made of all its cases. Counts are pairs: how many, of how many."""

    mind: str
    cases: int
    right: tuple[int, int]
    """The right cause was named first, over cases that have one."""
    wrong: int
    """A wrong cause was named first, over cases that have one."""
    silent: tuple[int, int]
    """Nothing was claimed, over cases where nothing is wrong."""
    both: tuple[int, int]
    """Both causes were named, over cases that have two."""
    claims: int
    """Findings and actions claimed on cases where nothing is wrong."""
    banned: int
    quoted: tuple[int, int]
    """Answers whose every claim stands in its evidence."""
    remedy: tuple[int, int]
    """The remedy was of the right kind, over cases that say which."""
    sure_right: float | None
    """Mean confidence (1 to 10) where the named cause was right."""
    sure_wrong: float | None
    """And where it was wrong."""
    brier: tuple[float, int] | None
    """Mean squared distance of confidence / 10 from being right (0 best, 0.25 what a coin says), and over how many."""
    failures: int
    """Cases in which the model did not answer, so that the rules did."""
    tokens: int
    dollars: float | None
    seconds: tuple[float, float]
    """Median, and the 95th of 100."""
    processor: float

    @property
    def share(self) -> float:
        """Answers that are right, silence where it is due among them, of all answers."""
        return (self.right[0] + self.silent[0]) / self.cases if self.cases else 0.0


def tallied(scores: Iterable[Score]) -> tuple[Tally, ...]:
    """One tally a mind, in the order in which they answered."""
    by_mind: dict[str, list[Score]] = {}
    for one in scores:
        by_mind.setdefault(one.mind, []).append(one)
    return tuple(_tally(mind, ours) for mind, ours in by_mind.items())


def _tally(mind: str, scores: Sequence[Score]) -> Tally:
    positive = [one for one in scores if not one.negative]
    negative = [one for one in scores if one.negative]
    twofold = [one for one in scores if one.both is not None]
    remedied = [one for one in scores if one.remedy is not None]
    priced = [one.dollars for one in scores if one.dollars is not None]
    times = sorted(one.seconds for one in scores)
    return Tally(
        mind=mind,
        cases=len(scores),
        right=(sum(one.right for one in positive), len(positive)),
        wrong=sum(one.wrong for one in positive),
        silent=(sum(one.right for one in negative), len(negative)),
        both=(sum(one.both is True for one in twofold), len(twofold)),
        claims=sum(len(one.claims) for one in negative),
        banned=sum(len(one.banned) for one in scores),
        quoted=(sum(not one.unfounded for one in scores), len(scores)),
        remedy=(sum(one.remedy is True for one in remedied), len(remedied)),
        **_calibration(scores),
        failures=sum(one.failure is not None for one in scores),
        tokens=sum(one.tokens for one in scores),
        dollars=sum(priced) if priced else None,
        seconds=(_at(times, 0.5), _at(times, 0.95)),
        processor=sum(one.processor for one in scores),
    )


def _calibration(scores: Sequence[Score]) -> dict[str, float | tuple[float, int] | None]:
    """How far confidence goes with being right, over the answers that name a cause."""
    said = [(one.confidence, one.right) for one in scores if one.confidence is not None]
    distances = [(confidence / MOST_CERTAIN - right) ** 2 for confidence, right in said]
    return {
        "sure_right": _mean([confidence for confidence, right in said if right]),
        "sure_wrong": _mean([confidence for confidence, right in said if not right]),
        "brier": (sum(distances) / len(distances), len(distances)) if distances else None,
    }


def _mean(values: Sequence[int]) -> float | None:
    return sum(values) / len(values) if values else None


def _at(ordered: Sequence[float], share: float) -> float:
    """The smallest value that this share of all does not exceed (nearest rank)."""
    return ordered[max(0, -int(-len(ordered) * share // 1) - 1)] if ordered else 0.0


def flaws(score: Score) -> str:
    """What is wrong with one answer, in one line."""
    parts = [] if score.right else [f"expected {score.expected}; got {score.got}"]
    if score.right and score.remedy is False:
        parts.append(f"remedy: expected {score.expected}; got {score.got}")
    parts += [f"must not claim {one}" for one in score.banned]
    parts += list(score.unfounded)
    parts += [f"never said {one!r} among what could not be seen" for one in score.untold]
    if score.failure:
        parts.append(f"the model failed: {score.failure}")
    return "; ".join(parts)
