"""What the approval card offers and says, state by state."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.views import plan
from bot.views.blocks import Block, Message
from bot.views.ids import PlanReference, parse_reference
from bot.views.plan import PlanState
from tests.bot.views.samples import ALICE, DIGEST, ONCALL, PLANS, STEP, VOTED, closing, plan_card

ENDED_WITHOUT_EFFECT = [PlanState.REJECTED, PlanState.EXPIRED, PlanState.STALE, PlanState.CANCELLED]


@pytest.mark.parametrize("state", PlanState)
def test_only_a_pending_plan_can_be_approved_or_rejected(state: PlanState) -> None:
    offered = {button["action_id"] for button in buttons(plan.card(plan_card(state)))}

    assert ("plan.approve" in offered) is (state is PlanState.PENDING)
    assert ("plan.reject" in offered) is (state is PlanState.PENDING)


@pytest.mark.parametrize("state", PlanState)
def test_every_state_is_told_by_a_sign_and_words_in_the_title_and_in_the_notification(state: PlanState) -> None:
    message = plan.card(plan_card(state))

    face = plan.FACES[state]
    assert message["blocks"][0]["text"] == {
        "type": "plain_text",
        "text": f"{face.sign} {face.words} · Plan P-77",
        "emoji": True,
    }
    assert message["text"].startswith(face.words)


@pytest.mark.parametrize("state", ENDED_WITHOUT_EFFECT)
def test_a_plan_that_never_ran_says_that_nothing_was_done(state: PlanState) -> None:
    message = plan.card(plan_card(state, closing=closing(15)))

    assert "othing was done" in str(message["blocks"])


def test_buttons_carry_the_plan_its_version_and_its_digest_and_nothing_else() -> None:
    values = {button["value"] for button in buttons(plan.card(PLANS["pending"]))}

    assert values == {"P-77:1:9f3c2a4b5d6e7f80"}


def test_approving_asks_once_more_naming_environment_and_target() -> None:
    approve = buttons(plan.card(PLANS["pending"]))[0]

    assert "Run it in prod-eu?" in str(approve["confirm"])
    assert "shop/Deployment/checkout" in str(approve["confirm"])


def test_an_edit_gives_every_block_a_new_id() -> None:
    first, second = (plan.card(plan_card(PlanState.PENDING, render=render)) for render in (1, 2))

    ids = [{str(block["block_id"]) for block in message["blocks"]} for message in (first, second)]
    assert ids[0].isdisjoint(ids[1])


@pytest.mark.parametrize(("ping", "shown"), [(True, f"<!subteam^{ONCALL}>"), (False, "sre-oncall")])
def test_approvers_are_notified_only_when_asked_to(ping: bool, shown: str) -> None:
    message = plan.card(plan_card(PlanState.PENDING, ping=ping))

    assert f"{shown}, the owners of checkout may approve" in str(message["blocks"][-1])
    assert ("<!subteam" in str(message)) is ping


def test_a_models_prose_is_labelled_plain_and_short() -> None:
    message = plan.card(plan_card(PlanState.PENDING, reasoning="*trust me* " * 200))

    said = next(block["text"] for block in message["blocks"] if "unverified" in str(block))
    assert isinstance(said, dict)
    assert said["type"] == "plain_text"
    assert len(said["text"]) <= 600 + len("The assistant's reasoning (unverified)\n")


def test_without_a_model_there_is_no_reasoning() -> None:
    message = plan.card(plan_card(PlanState.PENDING, reasoning=None))

    assert "unverified" not in str(message)


def test_a_long_diff_is_cut_and_says_where_the_rest_is() -> None:
    long = STEP.changes[0].model_copy(update={"after": "x\n" * 2000})
    step = STEP.model_copy(update={"changes": (long,)})

    message = plan.card(plan_card(PlanState.PENDING, steps=(step,)))

    box = next(block for block in message["blocks"] if block["type"] == "rich_text")
    assert "the rest is under Diff & evidence" in str(box)


def test_a_rejection_names_who_and_why_once() -> None:
    message = plan.card(PLANS["rejected"])

    assert str(message["blocks"]).count("<@U0BOB00001>") == 1
    assert str(message["blocks"]).count("we are mid-migration") == 1


def test_earlier_approvals_stay_visible_after_the_end() -> None:
    message = plan.card(plan_card(PlanState.SUCCEEDED, **VOTED, closing=closing(9)))

    assert f"Approved by <@{ALICE}>" in str(message["blocks"][-1])


@given(
    plan_id=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", fullmatch=True),
    version=st.integers(1, 999_999_999),
    digest=st.from_regex(r"[0-9a-f]{16}", fullmatch=True),
)
def test_a_reference_comes_back_from_a_click_as_it_was_sent(plan_id: str, version: int, digest: str) -> None:
    reference = PlanReference(plan_id=plan_id, version=version, digest=digest)

    assert parse_reference(str(reference)) == reference


@pytest.mark.parametrize(
    "value",
    [
        "",
        "P-77",
        "P-77:1",
        "P-77:0:9f3c2a4b5d6e7f80",
        "P-77:01:9f3c2a4b5d6e7f80",
        "P-77:one:9f3c2a4b5d6e7f80",
        "P-77:١:9f3c2a4b5d6e7f80",
        "P-77:1:9F3C2A4B5D6E7F80",
        "P-77:1:9f3c2a4b5d6e7f8",
        "P-77:1:9f3c2a4b5d6e7f80:x",
        "P 77:1:9f3c2a4b5d6e7f80",
        "P-77:1:9f3c2a4b5d6e7f80\n",
        f"P-77:1:{DIGEST}",
        ":" * 5000,
        "P-77:" + "9" * 10_000 + ":9f3c2a4b5d6e7f80",
    ],
)
def test_a_value_that_is_none_of_ours_is_no_reference(value: str) -> None:
    assert parse_reference(value) is None


@given(value=st.text(max_size=60))
def test_any_value_is_a_reference_or_none_of_ours(value: str) -> None:
    reference = parse_reference(value)

    assert reference is None or str(reference) == value


def buttons(message: Message) -> list[Block]:
    """Every button of a card, in order."""
    rows = [block["elements"] for block in message["blocks"] if block["type"] == "actions"]
    return [button for row in rows if isinstance(row, list) for button in row]
