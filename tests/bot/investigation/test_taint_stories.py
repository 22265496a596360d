"""No mark on any fix of the laptop world's own stories, whichever mind proposed it: a mark nobody deserves is noise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from bot.investigation.budget import Budget
from bot.investigation.minds import Minds, think
from bot.investigation.rules import conclude
from bot.investigation.taint import CLEAN, Taint, of_step
from bot.investigation.values import ModelAccess
from bot.rehearsal import rehearse
from deploy.sandbox.model import KEY, NAME, ScriptedModel
from storage.tables import Alert
from tests.tools.aws.pictures import busy_group, full_disk, starved_service
from tests.tools.kubernetes.conftest import opened
from tests.tools.kubernetes.shop import SCENARIOS, Shop
from tools.clients import Readers
from tools.diagnosis.aws import diagnose
from tools.previews import Observed, Preview, Rehearsal, RehearsedStep
from tools.reads.aws.views import Picture
from tools.reads.kubernetes.resolve import subject_of
from tools.remedies.aws import remedy

STORIES = tuple(sorted(path.name for path in SCENARIOS.iterdir() if path.is_dir()))
AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module", params=STORIES)
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Shop]]:
    """A story, up to its alert."""
    with opened(tmp_path_factory.mktemp("shop")) as shop:
        shop.break_down(request.param)
        yield request.param, shop


@pytest.fixture(scope="module")
def engineer() -> Iterator[ModelAccess]:
    """A sound model."""
    with ScriptedModel() as model:
        yield ModelAccess(base_url=model.url, api_key=KEY, model=NAME)


def marks(story: tuple[str, Shop], model: ModelAccess | None) -> list[Taint]:
    """How each step of the plan is marked that follows from the story's alert."""
    name, shop = story
    told = json.loads((SCENARIOS / name / "alert.json").read_text())
    alert = Alert(
        fingerprint=name,
        source="alertmanager",
        name=told["commonLabels"]["alertname"],
        severity="sev2",
        status="firing",
        labels=told["commonLabels"],
        annotations=told["commonAnnotations"],
        starts_at=AT,
        received_at=AT,
        last_seen_at=AT,
    )
    minds, readers = Minds(model=model, budget=Budget()), Readers(kubernetes=shop.reader, aws=None)
    mind, concluded = think(subject_of(alert.labels), [alert], minds, readers, lambda: AT)
    rehearsal = rehearse(concluded.proposal, shop.writers)
    assert mind.failure is None
    assert isinstance(rehearsal, Rehearsal), rehearsal
    return [of_step(step, concluded.proposal, concluded.evidence) for step in rehearsal.steps]


def test_the_rules_fix_is_not_marked(story: tuple[str, Shop]) -> None:
    assert marks(story, None) == [CLEAN]


def test_a_sound_models_fix_is_not_marked(story: tuple[str, Shop], engineer: ModelAccess) -> None:
    assert marks(story, engineer) == [CLEAN]


@pytest.mark.parametrize(
    ("picture", "now"),
    [
        (busy_group(), 2),
        (busy_group(in_service=12, desired=12, maximum=40, cpu=88), 12),
        (starved_service(), None),
        (full_disk(), None),
    ],
    ids=["busy", "large", "starved", "full"],
)
def test_a_fix_in_an_account_is_not_marked(picture: Picture, now: int | None) -> None:
    diagnosis = diagnose(picture)
    known = remedy(diagnosis.findings[0], picture)
    concluded = conclude(diagnosis, (known,))
    (action,) = concluded.proposal.actions
    observed = Observed(
        target=action.target, uid="u", generation=None, spec_digest="d", before="{}", replicas_before=now
    )
    preview = Preview(changes=(), blast_radius="", undo="", command="", dry_run="")
    step = RehearsedStep(action=action, observed=observed, preview=preview)

    assert of_step(step, concluded.proposal, concluded.evidence) == CLEAN
