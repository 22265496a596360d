"""Notices and modals of the ways beside the ordinary one: within Slack's limits, and hostile words stay words."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from bot.views import exceptions
from bot.views.exceptions import Glass, LentRow, Question
from bot.views.ids import PlanReference
from bot.views.limits import view_violations, violations

AT = datetime(2026, 11, 18, 12, tzinfo=UTC)
REFERENCE = PlanReference(plan_id="P-7", version=1, digest="9f3c2a4b5d6e7f80")
EVIL = [
    "the shop is down",
    "<!channel> <@U0EVIL001> [x](https://evil.example) `*" * 40,
    "x" * 5000,
    ":white_check_mark: ok",
    "",
]


def glass(words: str, **differs: object) -> Glass:
    usual: dict[str, object] = {
        "number": 1,
        "render": 1,
        "reference": REFERENCE,
        "incident_id": "INC-3",
        "by": "U0ALICE001",
        "reason": words,
        "at": AT,
        "actions": (words,) * 5,
        "skipped": tuple(f"U0PERSON{number:02}" for number in range(60)),
        "signed_in": True,
    }
    return Glass.model_validate({**usual, **differs})


@pytest.mark.parametrize("words", EVIL)
def test_every_message_is_one_slack_shows_and_pings_nobody_it_should_not(words: str) -> None:
    row = LentRow(delegator="U0ALICE001", delegate="U0CAROL001", groups=("owner", words), reason=words, until=AT)
    drawn = [
        exceptions.broken(glass(words)),
        exceptions.broken(glass(words, reviewed_by="U0BOB00001", review=words)),
        exceptions.skipped(glass(words)),
        exceptions.lent(row, to_delegate=True),
        exceptions.lent(row, to_delegate=False),
        exceptions.delegations([row] * 20),
        exceptions.delegations([]),
        exceptions.switched(stopped=True, by="U0ALICE001", reason=words, at=AT),
        exceptions.switched(stopped=False, by="U0ALICE001", reason=None, at=AT),
        exceptions.page(words),
    ]

    assert [violations(one) for one in drawn] == [[]] * len(drawn)
    assert all("<!channel>" not in json.dumps(one) and "U0EVIL001>" not in json.dumps(one) for one in drawn)


@pytest.mark.parametrize("words", EVIL)
def test_every_modal_is_one_slack_opens(words: str) -> None:
    asked = Question(
        reference=REFERENCE, incident_id="INC-3", incident=words, actions=(words,) * 5, policy=words, minutes=30
    )
    drawn = [exceptions.break_glass(asked), exceptions.review(REFERENCE)]

    assert [view_violations(one) for one in drawn] == [[]] * len(drawn)
    assert all("<!channel>" not in json.dumps(one) for one in drawn)


def test_a_notice_asks_for_its_review_until_there_is_one() -> None:
    waiting = json.dumps(exceptions.broken(glass("r")))
    done = json.dumps(exceptions.broken(glass("r", reviewed_by="U0BOB00001", review="it was right")))

    assert "break_glass.review" in waiting
    assert "break_glass.review" not in done
    assert "it was right" in done
