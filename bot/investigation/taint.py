"""Where an action's arguments come from: from what the provider's API showed, or from text an outsider could have
written.

Judged value by value, for one marked plan among many is a warning and a mark on every plan is none. A mark can only
make policy stricter. Quoting is not judged here (`quotes`), nor whether sources agree (`bot.facts`).

An argument is vouched for when code can derive it without believing anybody's words: the target is one that the rules
looked at by themselves, a path or an image stands in object status, a number follows from the live count. A model that
is told a name, looks it up and then aims at it has not made it trustworthy, so its own look-ups vouch for no target.
Text is compared decoded as well: a number in base64 was still read in text. What the rehearsal has resolved already
(a container, a variable or a revision of the live object) needs no further word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import assert_never

from bot.investigation.decoding import readings
from tools.actions import (
    CleanUpLogs,
    ForceNewDeployment,
    RestartDeployment,
    ScaleDeployment,
    SetDesiredCapacity,
    SetEnv,
    SetImage,
    SetProbe,
    SetResources,
    SetServiceSelector,
    UndoRollout,
)
from tools.evidence import Evidence, Proposal, Trust
from tools.previews import RehearsedStep
from tools.reads.kubernetes import quantities
from tools.resources import Provider, Resource
from tools.values import Value

MOST_GROWTH = 2
"""The known remedies at most double a count or a limit in one step (`tools.remedies`)."""
RULES_LOOK = "kubernetes."
"""How the tools of the rules' own look at a cluster begin; the reads a model may call are named otherwise."""
_HASH_LETTER = "[bcdfghjklmnpqrstvwxz2456789]"
"""The letters Kubernetes makes the names of ReplicaSets and pods from (`k8s.io/apimachinery/pkg/util/rand`)."""
_QUANTITY = re.compile(r"(?<![\w.])[0-9]{1,12}(?:\.[0-9]{1,3})?(?:m|k|[KMGT]i|[MGT])?(?![\w])")
_WORD = r"[\w./:@~-]"


class Taint(Value):
    """What is doubtful about one step: an argument nobody vouches for, and one of those that can do harm by itself."""

    args: bool
    """An argument does not follow from trusted state."""
    sensitive: bool
    """An image, URL path or command stands in text an outsider could have written, and nowhere else."""


CLEAN = Taint(args=False, sensitive=False)


def of_step(step: RehearsedStep, proposal: Proposal, evidence: Sequence[Evidence]) -> Taint:
    """Whether the arguments of one rehearsed step may be believed. Without evidence nothing was read, so nothing was
    copied: a model's action always quotes some, and so does the rules'.
    """
    if not evidence:
        return CLEAN
    known = _Known(step, tuple(evidence))
    doubts = (*_target_doubts(step, known), *_argument_doubts(step, known))
    return Taint(args=bool(doubts), sensitive=any(doubt.sensitive for doubt in doubts))


@dataclass(frozen=True)
class _Doubt:
    """An argument that is not vouched for."""

    sensitive: bool = False


@dataclass(frozen=True)
class _Known:
    """What was read about a step, apart by who could have written it."""

    step: RehearsedStep
    evidence: tuple[Evidence, ...]

    @cached_property
    def status(self) -> str:
        """What providers' APIs said."""
        return "\n".join(piece.excerpt for piece in self.evidence if piece.trust is Trust.STATUS)

    @cached_property
    def text(self) -> str:
        """What outsiders could have written, in every reading of it."""
        pieces = (piece.excerpt for piece in self.evidence if piece.trust is not Trust.STATUS)
        return "\n".join(reading for piece in pieces for reading in readings(piece))

    def shows(self, value: str) -> bool:
        """Whether object status holds exactly this value."""
        return _stands(value, self.status)

    def is_told(self, value: str) -> bool:
        """Whether text holds this value, alone or at the end of a longer one (`http://host/path` holds `/path`)."""
        return re.search(rf"{re.escape(value)}(?![\w/~-])", self.text) is not None

    def tells_amount(self, amount: Decimal) -> bool:
        """Whether text holds this number, however it is spelled."""
        return amount in _amounts(self.text)


def _target_doubts(step: RehearsedStep, known: _Known) -> Iterator[_Doubt]:
    target = step.observed.target
    vouched = _alarm_names if target.provider is Provider.AWS else _rules_looked_at
    if not any(vouched(piece, target) for piece in known.evidence if piece.trust is Trust.STATUS):
        yield _Doubt()


def _rules_looked_at(piece: Evidence, target: Resource) -> bool:
    """Whether the rules' look shows the object itself, or for a Deployment one of its pods."""
    if not piece.tool.startswith(RULES_LOOK):
        return False
    scope, name = re.escape(target.scope), re.escape(target.name)
    itself = rf"{scope}/{target.kind.lower()}s/{name}"
    pod = rf"{scope}/pods/{name}-{_HASH_LETTER}{{5,10}}-{_HASH_LETTER}{{5}}"
    return re.match(rf"(?:{itself}|{pod})(?:\s|$)", piece.query) is not None


def _alarm_names(piece: Evidence, target: Resource) -> bool:
    """Whether an alarm's own dimensions name the resource."""
    if piece.tool != "aws_alarm" or not piece.query.startswith(f"{target.scope} "):
        return False
    dimensions = re.search(r"^dimensions: (.*)$", piece.excerpt, re.MULTILINE)
    named = {pair.partition("=")[2] for pair in dimensions[1].split(", ")} if dimensions else set()
    return {target.name, *target.name.split("/")} & named >= set(target.name.split("/"))


def _argument_doubts(step: RehearsedStep, known: _Known) -> Iterator[_Doubt]:
    """Every argument beside the target that nobody vouches for."""
    action = step.action
    match action:
        case SetImage():
            yield from _sensitive(action.image, known)
        case SetProbe():
            yield from _sensitive(action.path, known) if action.path is not None else ()
            # A port's name is resolved against the container; a number is not.
            if action.port is not None and action.port.isdecimal() and not known.shows(action.port):
                yield _Doubt()
        case SetResources():
            yield from _quantities(action, known)
        case ScaleDeployment():
            yield from _count(action.replicas, known)
        case SetDesiredCapacity():
            yield from _count(action.desired, known)
        case SetServiceSelector():
            labels = (f"{key}={value}" for key, value in action.selector.items())
            yield from (_Doubt() for label in labels if not known.shows(label))
        case CleanUpLogs():
            if action.older_than_days != CleanUpLogs.model_fields["older_than_days"].default:
                yield _Doubt()
        case SetEnv() | RestartDeployment() | UndoRollout() | ForceNewDeployment():
            return  # the rehearsal found the container, the variable and the revision in the live object
        case _:
            assert_never(action)


def _sensitive(value: str, known: _Known) -> Iterator[_Doubt]:
    """A value that does harm by itself, unless object status shows it."""
    if not known.shows(value):
        yield _Doubt(sensitive=known.is_told(value))


def _count(wanted: int, known: _Known) -> Iterator[_Doubt]:
    """A count is derived when it is one more than now or twice it, or between the two and no text asks for it."""
    now = known.step.observed.replicas_before
    if now is None:
        yield _Doubt()
        return
    derived = wanted in (now + 1, now * MOST_GROWTH)
    modest = now < wanted <= now * MOST_GROWTH and not known.tells_amount(Decimal(wanted))
    if not (derived or modest):
        yield _Doubt()


def _quantities(action: SetResources, known: _Known) -> Iterator[_Doubt]:
    """An amount is derived when status shows it or it is twice the present one; else no text may ask for it."""
    present = _amounts(known.step.observed.before)
    derived = _amounts(known.status) | present | {amount * MOST_GROWTH for amount in present}
    for quantity in (action.memory_request, action.memory_limit, action.cpu_request, action.cpu_limit):
        amount = quantities.amount(quantity) if quantity is not None else None
        if amount is not None and amount not in derived and known.tells_amount(amount):
            yield _Doubt()


def _amounts(text: str) -> frozenset[Decimal]:
    """Every number in a text, in its base unit."""
    found = (quantities.amount(match[0]) for match in _QUANTITY.finditer(text))
    return frozenset(amount for amount in found if amount is not None)


def _stands(value: str, text: str) -> bool:
    """Whether a text holds a value as a whole word."""
    return re.search(rf"(?<!{_WORD}){re.escape(value)}(?!{_WORD})", text) is not None
