"""The model first asked, the one asked when it fails, the rules when both do; and the card can say which it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.investigation.budget import Budget
from bot.investigation.minds import Minds, consider
from bot.investigation.permission import SPENT, Permission
from bot.investigation.prices import Price
from bot.investigation.rules import Conclusion
from bot.investigation.values import ModelAccess, Stage, Thinking
from bot.views.incident import Mind as CardMind
from bot.views.incident import mind_words
from deploy.sandbox.model import KEY, ScriptedModel, faults
from deploy.sandbox.model.engineer import engineer
from deploy.sandbox.model.wire import ChatRequest, Outcome, Script
from storage.tables import Mind
from tests.bot.investigation.conftest import CHANGES, FINDING, LOG, WORKLOAD
from tools.actions import SetEnv, UndoRollout
from tools.clients import Readers
from tools.evidence import Proposal
from tools.subjects import KubernetesSubject

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SUBJECT = KubernetesSubject(namespace="shop", deployment="checkout")
BACK = UndoRollout(namespace="shop", deployment="checkout", to_revision=1)
FIX = SetEnv(namespace="shop", deployment="checkout", container="app", variable="DATABASE_URL", revision=1)
BY_RULES = Conclusion(
    proposal=Proposal(hypothesis="by rule", findings=(FINDING,), actions=(BACK,), confidence=8),
    evidence=(WORKLOAD, CHANGES.model_copy(update={"query": "shop/deployments/checkout revision 1 to 2"}), LOG),
)


class Moods:
    """A model that behaves as `script` says at the moment."""

    script: Script = staticmethod(engineer)
    asked = 0

    def __call__(self, request: ChatRequest) -> Outcome:
        self.asked += 1
        return self.script(request)


class Pair:
    """Two models and the rules."""

    def __init__(self, stack: ExitStack) -> None:
        self.first, self.second = Moods(), Moods()
        self._urls = [stack.enter_context(ScriptedModel(mood)).url for mood in (self.first, self.second)]
        self.stages: list[Stage] = []

    def __call__(self, first: Script, second: Script | None, permitted: Permission | None = None, **limits: Any) -> Any:
        self.first.script, self.second.script = first, second or engineer
        self.first.asked = self.second.asked = 0
        minds = Minds(
            model=self.access(0),
            budget=Budget(**limits),
            fallback=self.access(1) if second is not None else None,
        )
        nothing = Readers(kubernetes=None, aws=None)
        return consider(BY_RULES, SUBJECT, (), minds, nothing, lambda: AT, permitted=permitted, tell=self.stages.append)

    def access(self, number: int) -> ModelAccess:
        price = Price(tokens_in=1, tokens_out=2)
        return ModelAccess(self._urls[number], KEY, ("one", "two")[number], price if number == 0 else None)


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """The pair, on real ports."""
    with ExitStack() as stack:
        yield Pair(stack)


def test_the_second_is_not_asked_while_the_first_answers_and_the_cost_is_counted(pair: Pair) -> None:
    mind, concluded = pair(engineer, engineer)

    assert (mind.model, mind.answered_by, mind.failure) == ("one", None, None)
    assert 0 < mind.dollars < 0.05
    assert concluded.proposal.actions == (FIX,)
    assert pair.second.asked == 0
    assert Thinking(model="one", calls=1, tokens=0) in pair.stages


@pytest.mark.parametrize(
    ("first", "why"),
    [
        (faults.http_error(500, retry_after=0), "http 500"),
        (faults.http_error(429), "http 429"),
        (faults.http_error(404), "http 404"),
        (faults.slow(30), "timeout"),
        (faults.nonsense, "nonsense"),
        (faults.refuses, "refused"),
    ],
    ids=["500", "429", "404", "slow", "nonsense", "refuses"],
)
def test_the_second_answers_where_the_first_cannot_and_both_are_named(first: Script, why: str, pair: Pair) -> None:
    mind, concluded = pair(first, engineer, seconds=3.0)

    assert (mind.model, mind.answered_by, mind.failure) == ("one", "two", None)
    assert concluded.proposal.actions == (FIX,)
    assert mind.dollars is None
    assert any(remark.startswith(f"one did not answer ({why}") for remark in concluded.remarks)


def test_where_both_fail_the_rules_answer_and_both_reasons_are_told(pair: Pair) -> None:
    mind, concluded = pair(faults.http_error(500, retry_after=0), faults.nonsense)

    assert mind.failure == "http 500; two: nonsense"
    assert mind.answered_by is None
    assert concluded.proposal == BY_RULES.proposal


BAD: dict[str, tuple[Script, str]] = {
    "500": (faults.http_error(500, retry_after=0), "http 500"),
    "401": (faults.http_error(401), "http 401: check OPENAI_API_KEY"),
    "drips": (faults.drips(), "timeout"),
    "prose": (faults.nonsense, "nonsense"),
    "refuses": (faults.refuses, "refused"),
    "strange tools": (faults.strange_tools, "went in circles"),
    "overspends": (faults.overspends, "budget: "),
}


@pytest.mark.parametrize(("script", "why"), BAD.values(), ids=BAD.keys())
def test_whatever_the_model_does_the_rules_conclusion_stands_and_the_card_says_why(
    script: Script, why: str, pair: Pair
) -> None:
    mind, concluded = pair(script, None, seconds=1.5)

    assert concluded.proposal == BY_RULES.proposal
    assert concluded.evidence == BY_RULES.evidence
    assert mind_words(CardMind(**mind.model_dump())).startswith(f"model failed: {why}")


def test_what_one_model_overspent_is_not_spent_again_on_another(pair: Pair) -> None:
    def dear(request: ChatRequest) -> Outcome:
        return faults.overspends(request)

    mind, _ = pair(dear, engineer, tokens=5_000)

    assert str(mind.failure).startswith("budget: ")
    assert pair.second.asked == 0


@pytest.mark.parametrize("refusal", [SPENT, "the model failed 3 times in a row; asking it again from 14:05 UTC"])
def test_a_model_that_may_not_be_asked_is_not(refusal: str, pair: Pair) -> None:
    mind, concluded = pair(engineer, engineer, Permission(refusal=refusal))

    assert mind == Mind(model="one", failure=refusal)
    assert concluded == BY_RULES
    assert pair.first.asked == pair.second.asked == 0


def test_where_only_the_second_may_be_asked_it_is_asked_alone(pair: Pair) -> None:
    mind, _ = pair(engineer, engineer, Permission(models=(pair.access(1),)))

    assert (mind.model, mind.answered_by, mind.failure) == ("two", None, None)
    assert pair.first.asked == 0
