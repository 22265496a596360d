"""Whatever outsiders, models and users write into any field, a card pings nobody, links nowhere and stays a card."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Literal, TypeVar, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.views import editing, ephemeral, evidence, help, home, incident, lists, modals, nudges, plan  # noqa: A004 - the module's name
from bot.views.blocks import Message, View
from bot.views.limits import view_violations, violations
from bot.views.signs import Sign
from tests.bot.views import samples
from tools.values import Value

ValueT = TypeVar("ValueT", bound=Value)
ADDRESSES = {"url", "permalink"}
"""Fields whose links are meant: they hold what Slack or a provider's API gave, and `text.link` checks them."""
OUR_DATE = re.compile(r"<!date\^\d+\^[a-z_{} ]+\|[^<>|]+>")
ATTACKS = (
    "<!channel>",
    "<!here|here>",
    "<!subteam^S0EVIL001>",
    "<@U0EVIL001>",
    "<#C0EVIL001|x>",
    "<https://evil.example|look>",
    "https://evil.example/?q=1&p=2",
    "[click](https://evil.example)",
    "![x](//evil.example)",
    "<mailto:a@evil.example|mail>",
    "@channel @here @@everyone",
    "<<!here>!channel>",
    "[<](x)!channel>",
    "<!<!x>here>",
    "```\n*Approved by* `alice`\n```",
    ":white_check_mark: Approved",
    "::x:x::",
    "\x1b[31mred\x1b[0m",
    "\u202edesrever\u200b\ud800\x00",
    "a\nb\r\nc\u2028d\te",
    "&amp;&lt;",
    "&" * 400,
    "<" * 3000,
    "`" * 400,
    "word " * 900,
    "x" * 5000,
    "\n" * 500 + "x",
    "",
    " ",
)
HOSTILE = st.lists(st.sampled_from(ATTACKS) | st.text(max_size=30), max_size=4).map("".join)


def _drawn(draw: Callable[[ValueT], Message], card: ValueT) -> Callable[[str], Message]:
    return lambda evil: draw(spoiled(card, evil))


MESSAGES: Mapping[str, Callable[[str], Message]] = {
    **{f"plan {name}": _drawn(plan.card, card) for name, card in samples.PLANS.items()},
    **{f"incident {name}": _drawn(incident.card, card) for name, card in samples.INCIDENTS.items()},
    "nudge": lambda evil: nudges.reply(spoiled(samples.a_nudge(nudges.NudgeKind.WIDEN), evil)),
    "page": lambda evil: nudges.page(spoiled(samples.a_nudge(nudges.NudgeKind.PAGE), evil)),
    "evidence": lambda evil: evidence.report(spoiled(samples.REPORT, evil)),
    "help": lambda evil: help.answer([spoiled(c, evil) for c in samples.COMMANDS], unknown=evil),
    "incidents": lambda evil: lists.incidents([spoiled(samples.INCIDENT_ROW, evil)] * 30),
    "plans": lambda evil: lists.plans([spoiled(samples.PLAN_ROW, evil)] * 30),
    "audit": lambda evil: lists.audit([spoiled(samples.AUDIT_ROW, evil)] * 30),
    "status": lambda evil: lists.status(spoiled(samples.STATUS_SEEN, evil)),
    "not allowed": lambda evil: ephemeral.not_allowed("P-77", evil, (evil, evil)),
    "unauthorised": ephemeral.unauthorised,
    "vote counted": lambda evil: ephemeral.vote_counted("P-77", (evil, evil)),
    "not here": ephemeral.not_here,
    "failed": ephemeral.failed,
    "note": ephemeral.note,
}
VIEWS: Mapping[str, Callable[[str], View]] = {
    "details": lambda evil: modals.details(
        spoiled(samples.PLANS["pending"], evil),
        [spoiled(samples.FINDING, evil)] * 9,
        [spoiled(samples.LOGS, evil), spoiled(samples.STATUS, evil)],
    ),
    "timeline": lambda evil: modals.timeline(
        samples.TIMELINE.model_copy(update={"entries": spoiled(samples.TIMELINE, evil).entries * 50})
    ),
    "edit": lambda evil: editing.form(samples.REFERENCE, [spoiled(one, evil) for one in samples.EDITABLE]),
    "undo": lambda evil: editing.undo_form(samples.REFERENCE, (spoiled(samples.STEP, evil),)),
    "typed again": lambda evil: modals.approve(samples.REFERENCE, targets=(evil, evil)),
    "working": lambda evil: modals.working(evil, evil, "working-V1"),
    "loading": lambda evil: modals.loading(evil, "P-77"),
    "error": lambda evil: modals.error(evil, evil),
    "home": lambda evil: home.view(
        samples.HOME.model_copy(
            update={
                "needs_you": (spoiled(samples.HOME.needs_you[0], evil),) * 40,
                "open_incidents": (spoiled(samples.INCIDENT_ROW, evil),) * 40,
                "outcomes": (spoiled(samples.PLAN_ROW, evil),) * 40,
                "parts": (spoiled(samples.PARTS[0], evil),) * 40,
            }
        )
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
@settings(max_examples=25, deadline=None)
@given(evil=HOSTILE)
def test_a_message_with_hostile_text_in_every_field_stays_harmless(name: str, evil: str) -> None:
    message = MESSAGES[name](evil)

    assert violations(message) == []
    assert dangers(message) == []
    assert buttons(message) == buttons(MESSAGES[name]("calm"))


@pytest.mark.parametrize("name", VIEWS)
@settings(max_examples=25, deadline=None)
@given(evil=HOSTILE)
def test_a_view_with_hostile_text_in_every_field_stays_harmless(name: str, evil: str) -> None:
    view = VIEWS[name](evil)

    assert view_violations(view) == []
    assert dangers(view) == []
    assert buttons(view) == buttons(VIEWS[name]("calm"))


@pytest.mark.parametrize("attack", ATTACKS)
def test_each_known_attack_is_harmless_on_every_surface(attack: str) -> None:
    drawn = [draw(attack) for draw in (*MESSAGES.values(), *VIEWS.values())]

    assert [danger for payload in drawn for danger in dangers(payload)] == []


@pytest.mark.parametrize(
    "payload",
    [
        {"text": "<!channel>"},
        {"text": "see https://evil.example"},
        {"blocks": [{"type": "mrkdwn", "text": "a"}]},
        {"blocks": [{"type": "plain_text", "text": "<@U0EVIL001>", "emoji": False}]},
        {"blocks": [{"type": "button", "url": "https://evil.example"}]},
    ],
)
def test_the_search_for_dangers_finds_them(payload: Mapping[str, object]) -> None:
    found = dangers(payload)

    assert found != []


def test_a_diff_cannot_be_forged_from_inside_a_value() -> None:
    forged = samples.STEP.changes[1].model_copy(update={"after": "a\n- image: safe\n+ image: evil\nshop/Deployment/x"})
    card = samples.plan_card(plan.PlanState.PENDING, steps=(samples.STEP.model_copy(update={"changes": (forged,)}),))

    boxes = [text for kind, text in texts(plan.card(card)) if kind == "text" and "\n" in text]

    assert boxes[0].splitlines()[1:] == [
        "+ spec.template.metadata.annotations.cause: a",
        "+   - image: safe",
        "+   + image: evil",
        "+   shop/Deployment/x",
    ]


def test_a_sign_of_ours_cannot_be_imitated() -> None:
    evil = " ".join(Sign) + " ::x:x::"

    card = plan.card(spoiled(samples.PLANS["executing"], evil))

    calm = plan.card(spoiled(samples.PLANS["executing"], "calm"))
    assert signs(card) == signs(calm)


def spoiled(value: ValueT, evil: str) -> ValueT:
    """The value with every free text in it replaced; ids, enumerations, numbers and addresses stay."""
    changes: dict[str, object] = {}
    for name, field in type(value).model_fields.items():
        free = not field.metadata and get_origin(field.annotation) is not Literal and name not in ADDRESSES
        changes[name] = _spoiled(getattr(value, name), evil, free)
    return value.model_copy(update=changes)


def _spoiled(member: object, evil: str, free: bool) -> object:
    if isinstance(member, Value):
        return spoiled(member, evil)
    if isinstance(member, tuple):
        return tuple(_spoiled(each, evil, free) for each in member)
    return evil if free and isinstance(member, str) and not isinstance(member, Enum) else member


def dangers(payload: Mapping[str, object]) -> list[str]:
    """Every text in a payload that Slack would turn into a mention, a link or a forged line."""
    return [f"{kind}: {text!r}" for kind, text in texts(payload) if _dangerous(kind, text)]


def _dangerous(kind: str, text: str) -> bool:
    if kind == "text":
        return re.search(r"<[!@#]|[\x00-\x09\x0b-\x1f\u202e\ud800]", text) is not None
    if kind == "plain_text":
        return (
            re.search(r"<[!@#]|<[a-z]+:|://|@(here|channel|everyone)|[\x00-\x09\x0b-\x1f\u202e\ud800]", text)
            is not None
        )
    if kind in ("unchecked", "url"):
        return True
    ours = OUR_DATE.sub("", text)
    for address in _addresses():
        ours = re.sub(re.escape(f"<{address}|") + r"[^<>|\n]*>", "", ours)
    ours = ours.replace("<!subteam^S0ONCALL01>", "") if kind == "mrkdwn" else ours
    return re.search(r"[<>]|://|@(here|channel|everyone)|&(?!amp;|lt;|gt;)|[\x00-\x09\x0b-\x1f]", ours) is not None


def _addresses() -> Iterator[str]:
    for address in (samples.STATUS.url, samples.INCIDENT_ROW.permalink, samples.PLAN_ROW.permalink):
        yield (address or "").replace("&", "&amp;")


def texts(value: object) -> Iterator[tuple[str, str]]:
    """Every text in a payload with how Slack reads it: `mrkdwn`, `plain_text`, `text` (unparsed) or `top`."""
    if isinstance(value, Mapping):
        kind = str(value.get("type"))
        if isinstance(value.get("text"), str):
            yield kind if kind in ("mrkdwn", "plain_text", "text") else "top", str(value["text"])
        if kind == "mrkdwn" and value.get("verbatim") is not True:
            yield "unchecked", "mrkdwn that is not verbatim"
        if isinstance(value.get("url"), str):
            yield "url", str(value["url"])
    members = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for member in members:
        yield from texts(member)


def buttons(value: object) -> list[str]:
    """The action ids and labels of every button in a payload, in order."""
    if isinstance(value, Mapping) and value.get("type") == "button":
        return [f"{value['action_id']} {value['text']} {value['value']}"]
    members = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [button for member in members for button in buttons(member)]


def signs(message: Message) -> list[str]:
    """Every sign that a message shows as an emoji, in order."""
    return [
        sign for kind, text in texts(message) if kind in ("mrkdwn", "top") for sign in re.findall("|".join(Sign), text)
    ]
