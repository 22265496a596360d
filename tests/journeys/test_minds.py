"""Who thinks: a model where one is set, named on the card; the rules where it fails, and the card says that too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from deploy.sandbox.laptop import Laptop
from deploy.sandbox.model import NAME
from deploy.sandbox.model.engineer import engineer
from deploy.sandbox.model.faults import http_error, nonsense, slow
from deploy.sandbox.model.wire import ChatRequest, Outcome, Script
from deploy.sandbox.workspace.directory import ALERTS
from tests.journeys.conftest import SPEED
from tests.journeys.scene import APPROVE, Scene

SECONDS = 4
"""How long this file's bot lets the model think."""


class Moods:
    """A model that behaves as `script` says at the moment."""

    def __init__(self) -> None:
        self.script: Script = engineer

    def __call__(self, request: ChatRequest) -> Outcome:
        return self.script(request)


@pytest.fixture(scope="module")
def moods() -> Moods:
    """The mood of this file's model."""
    return Moods()


@pytest.fixture(scope="module")
def laptop(moods: Moods) -> Iterator[Laptop]:
    """Workspace, cluster and a model."""
    with Laptop(speed=SPEED, cloud=False, model=moods) as laptop:
        yield laptop


@pytest.fixture(scope="module")
def environment() -> Mapping[str, str]:
    """A model that may not think for long."""
    return {"SAYSO_MODEL_SECONDS": str(SECONDS)}


def test_a_models_plan_is_approved_and_the_card_names_the_model(scene: Scene, moods: Moods) -> None:
    moods.script = engineer
    trouble = scene.trouble(1, "sizes")

    card = trouble.asks()

    assert "The assistant's reasoning (unverified)" in card.everything
    assert f"model {NAME}" in trouble.root("Awaiting approval").everything
    trouble.click("alice", APPROVE)
    trouble.card("Succeeded")
    assert trouble.healed
    assert len(trouble.effects()) == 1


@pytest.mark.parametrize(
    ("script", "why", "name"),
    [
        (http_error(500), "http 500", "colours"),
        (nonsense, "nonsense", "brands"),
    ],
    ids=["http_error", "nonsense"],
)
def test_when_the_model_fails_the_rules_answer_and_the_card_says_so(
    script: Script, why: str, name: str, scene: Scene, moods: Moods
) -> None:
    moods.script = script
    trouble = scene.trouble(1, name)

    card = trouble.asks()

    assert f"model failed: {why}; rules answered" in trouble.root("Awaiting approval").everything
    assert "The assistant's reasoning" not in card.everything
    assert "DATABASE_URL" in card.everything


def test_a_slow_model_is_waited_for_in_sight_of_everybody_and_then_the_rules_answer(scene: Scene, moods: Moods) -> None:
    moods.script = slow(60)
    trouble = scene.trouble(1, "labels")

    card = trouble.asks()

    assert "model failed: timeout; rules answered" in trouble.root("Awaiting approval").everything
    assert "DATABASE_URL" in card.everything
    thread = trouble.root().ts
    line = scene.driver.wait_for_message(ALERTS, lambda said: "Looked for" in said.everything, thread_ts=thread)
    assert f"model {NAME} (1 call, 0 tokens), timeout" in line.everything


def test_after_three_failures_the_rules_answer_at_once_and_the_card_says_when_the_model_is_asked_again(
    scene: Scene, moods: Moods
) -> None:
    moods.script = engineer
    trouble = scene.trouble(1, "seams")

    trouble.asks()

    told = trouble.root("asking it again from")  # the card is drawn a second after the plan's
    assert "rules alone: the model failed 3 times in a row; asking it again from" in told.everything
