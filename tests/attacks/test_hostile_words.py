"""Hostile words on the surfaces of this gate: exceptions to it, changes of its rules, its record, and the sign-in page.

The cards, modals and private answers of plans are held to the same in `tests.bot.views.test_hostile`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings

from bot.views import exceptions, policy, record, sign_in
from bot.views.blocks import Message, View
from bot.views.ids import PlanReference
from bot.views.limits import view_violations, violations
from bot.views.policy import PolicyCard, PolicyReference, PolicyStanding, PolicyState
from policies.replay import Replay
from tests.bot.views.samples import NOON
from tests.bot.views.test_hostile import ATTACKS, HOSTILE, buttons, dangers, spoiled

PLAN = PlanReference(plan_id="P-77", version=1, digest="9f3c2a4b5d6e7f80")
QUESTION = exceptions.Question(
    reference=PLAN, incident_id="INC-7", incident="down", actions=("scale", "restart"), policy="two people", minutes=30
)
GLASS = exceptions.Glass(
    number=1,
    render=1,
    reference=PLAN,
    incident_id="INC-7",
    by="U0ALICE001",
    reason="nobody answers",
    at=NOON,
    actions=("scale", "restart"),
    skipped=("U0BOB00001",),
    signed_in=True,
    reviewed_by="U0CAROL001",
    review="it was right",
)
LENT = exceptions.LentRow(
    delegator="U0ALICE001", delegate="U0BOB00001", groups=("owner",), reason="holiday", until=NOON
)
RULES = PolicyCard(
    reference=PolicyReference(row=3, sha256="a" * 64),
    version=3,
    render=1,
    state=PolicyState.PROPOSED,
    instead_of=2,
    source="from the rules file",
    looser=("restart in prod by itself",),
    replay=Replay(replayed=3, looser=1, stricter=1, different=1, examples=("restart of web", "scale of web")),
    needs="2 of sre-leads",
    votes=(),
    proposed_at=NOON,
)
STANDING = PolicyStanding(
    version=2,
    sha256="a" * 64,
    since=NOON,
    rules=9,
    source="from the rules file",
    waiting=3,
    needs="2 of sre-leads",
    looser=("restart in prod by itself",),
)
SIGNING = sign_in.Subject(
    plan_id="P-77",
    version=1,
    digest="9f3c2a4b5d6e7f80",
    incident="down",
    service="cart",
    environment="prod",
    policy="two people",
    steps=(
        sign_in.ShownStep(
            title="scale", target="shop/Deployment/cart", changes=(("a", "b", "c"),), blast_radius="2 pods", undo="back"
        ),
    ),
    user_id="U0ALICE001",
    reason="now",
    breaks_glass=True,
    until=NOON,
)


def ours(value: PolicyCard | PolicyStanding, evil: str) -> dict[str, object]:
    """A value of the rules' surfaces with everything hostile but the one part that is ready mrkdwn of our own."""
    return {**spoiled(value, evil).model_dump(), "source": value.source}


MESSAGES: Mapping[str, Callable[[str], Message]] = {
    "broken": lambda evil: exceptions.broken(spoiled(GLASS, evil)),
    "skipped": lambda evil: exceptions.skipped(spoiled(GLASS, evil)),
    "lent": lambda evil: exceptions.lent(spoiled(LENT, evil), to_delegate=True),
    "delegations": lambda evil: exceptions.delegations([spoiled(LENT, evil)] * 20),
    "stopped": lambda evil: exceptions.switched(stopped=True, by=evil, reason=evil, at=NOON),
    "nobody": exceptions.page,
    "rules": lambda evil: policy.card(PolicyCard.model_validate(ours(RULES, evil))),
    "rules refused": lambda evil: policy.refused(evil, 2, [evil] * 30),
    "rules as they stand": lambda evil: policy.standing(PolicyStanding.model_validate(ours(STANDING, evil))),
    "alarm": lambda evil: record.alarm(7, evil, evil),
}
VIEWS: Mapping[str, Callable[[str], View]] = {
    "break glass": lambda evil: exceptions.break_glass(spoiled(QUESTION, evil)),
    "diff": lambda evil: policy.diff(evil, (evil, evil * 2), (evil, f"{evil}\n{evil}")),
}


@pytest.mark.parametrize("name", MESSAGES)
@settings(max_examples=20, deadline=None)
@given(evil=HOSTILE)
def test_a_message_with_hostile_words_stays_a_harmless_message(name: str, evil: str) -> None:
    message = MESSAGES[name](evil)

    assert violations(message) == []
    assert dangers(message) == []
    assert buttons(message) == buttons(MESSAGES[name]("calm"))


@pytest.mark.parametrize("name", VIEWS)
@settings(max_examples=20, deadline=None)
@given(evil=HOSTILE)
def test_a_view_with_hostile_words_stays_a_harmless_view(name: str, evil: str) -> None:
    view = VIEWS[name](evil)

    assert view_violations(view) == []
    assert dangers(view) == []


@pytest.mark.parametrize("attack", ATTACKS)
def test_each_known_attack_is_harmless_on_each_of_them(attack: str) -> None:
    drawn = [draw(attack) for draw in (*MESSAGES.values(), *VIEWS.values())]

    assert [danger for payload in drawn for danger in dangers(payload)] == []


MARKUP = (
    "<script>alert(1)</script>",
    '"><form action="//evil.example">',
    "</pre><h1>Approved</h1>",
    "<img src=x onerror=y>",
)


class Tags(HTMLParser):
    """The tags of a page with their attributes, in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))


@pytest.mark.parametrize("attack", [*MARKUP, *ATTACKS])
def test_the_sign_in_page_cannot_be_written_on(attack: str) -> None:
    pages = [sign_in.start(spoiled(SIGNING, attack), "/sign-in/x")]
    pages += [sign_in.confirm(spoiled(SIGNING, attack), "/sign-in/x", "p"), sign_in.told(attack, attack)]

    calm = [sign_in.start(SIGNING, "/sign-in/x"), sign_in.confirm(SIGNING, "/sign-in/x", "p"), sign_in.told("a", "b")]
    assert [Tags(page).found for page in pages] == [Tags(page).found for page in calm]
    assert not any(re.search(r"[\u202e\u200b]", page) for page in pages)
