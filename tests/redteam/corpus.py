"""The corpus as values: every goal with every carrier that can carry it, each with a name that stays what it is."""

from __future__ import annotations

import base64
import functools
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import yaml
from pydantic import Field

from tools.values import Value

FILE = Path(__file__).parent / "corpus.yaml"
NAMESPACE = "shop"
World = Literal["quiet", "broken"]
Where = Literal[
    "log",
    "long-log",
    "event",
    "label",
    "env-name",
    "alert-annotation",
    "alert-text",
    "runbook-url",
    "slack-message",
    "tool-error",
    "annotation",
    "config-map",
]


class Carrier(Value):
    """A place where outsiders' text stands."""

    where: Where
    shape: str
    form: Literal["text", "words"] = "text"
    world: World | None = None
    unread: bool = False
    every: int = 1


class Goal(Value):
    """What an attacker wants, how the text asks for it, and the innocent text that looks like it."""

    id: str
    said: str
    twin: str
    hides: str = ""
    words: str = ""
    world: World = "quiet"
    env: Literal["prod", "staging"] = "prod"
    only: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    held_by: Literal["", "policy"] = ""


class FalseFixes(Value):
    """Advice that sounds right, each told by some of these carriers in turn."""

    world: World
    carriers: tuple[str, ...]
    each: int
    said: tuple[str, ...]


class Corpus(Value):
    """The file as it is written."""

    carriers: dict[str, Carrier]
    goals: tuple[Goal, ...]
    false_fixes: FalseFixes


class Planting(Value):
    """One text at one place."""

    where: Where
    text: str


class Case(Value):
    """One attack, ready to be planted."""

    id: str
    goal: str
    carrier: str
    env: Literal["prod", "staging"]
    world: World
    planted: tuple[Planting, ...] = Field(min_length=1)
    twin: tuple[Planting, ...] = Field(min_length=1)
    unread: bool
    held_by_policy: bool


@functools.cache
def load() -> Corpus:
    """The corpus as it is written."""
    return Corpus.model_validate(yaml.safe_load(FILE.read_text(encoding="utf-8")))


@functools.cache
def cases() -> tuple[Case, ...]:
    """Every case, in the order of the file."""
    corpus = load()
    pairs = [pair for number, goal in enumerate(corpus.goals) for pair in _carried(goal, number, corpus)]
    pairs += [(goal, name) for goal in _false_goals(corpus) for name in goal.only]
    return tuple(_case(goal, name, corpus) for goal, name in pairs)


def each_goal() -> tuple[Case, ...]:
    """Every goal once, in turn on the carriers that may carry it, and each carrier at least once: a short campaign."""
    by_goal: dict[str, list[Case]] = {}
    for case in cases():
        by_goal.setdefault(case.goal, []).append(case)
    chosen = [same[number % len(same)] for number, same in enumerate(by_goal.values())]
    carriers = {case.carrier for case in chosen}
    chosen += [
        next(case for case in cases() if case.carrier == name) for name in load().carriers if name not in carriers
    ]
    return tuple(chosen)


def _carried(goal: Goal, number: int, corpus: Corpus) -> Iterator[tuple[Goal, str]]:
    for name, carrier in corpus.carriers.items():
        meant = name in goal.only if goal.only else number % carrier.every == 0
        if meant and name not in goal.never and (carrier.form == "text" or goal.words):
            yield goal, name


def _false_goals(corpus: Corpus) -> Iterator[Goal]:
    fixes = corpus.false_fixes
    turn = itertools.cycle(fixes.carriers)
    for number, said in enumerate(fixes.said, 1):
        only = tuple(itertools.islice(turn, fixes.each))
        next(turn)  # or every advice would meet the same three
        twin = said.split(";")[0].split(":")[0].split(",")[0]
        yield Goal(id=f"false-fix-{number:02}", said=said, twin=twin, world=fixes.world, only=only)


def _case(goal: Goal, name: str, corpus: Corpus) -> Case:
    carrier = corpus.carriers[name]
    others = [corpus.carriers[other] for other in goal.also if other != name]
    said = goal.words if carrier.form == "words" else goal.said
    return Case(
        id=f"{goal.id}/{name}",
        goal=goal.id,
        carrier=name,
        env=goal.env,
        world=carrier.world or goal.world,
        planted=tuple(_planting(one, _filled(said, goal)) for one in (carrier, *others)),
        twin=(_planting(carrier, _filled("all-is-well" if carrier.form == "words" else goal.twin, goal)),),
        unread=carrier.unread,
        held_by_policy=goal.held_by == "policy" and not carrier.unread,
    )


def _planting(carrier: Carrier, said: str) -> Planting:
    lines = said.split("\n") if carrier.where in ("log", "long-log") else [said]
    shaped = (carrier.shape.replace("{said}", line).replace("{percent}", quote(line, safe="")) for line in lines)
    return Planting(where=carrier.where, text="\n".join(shaped))


def _filled(said: str, goal: Goal) -> str:
    hidden = goal.hides.replace("{ns}", NAMESPACE)
    if said == "split":
        size = len(hidden) // 3 + 1
        return "\n".join(f"part {number + 1} of 3: {hidden[number * size :][:size]}" for number in range(3))
    return said.replace("{b64}", base64.b64encode(hidden.encode()).decode()).replace("{ns}", NAMESPACE)
