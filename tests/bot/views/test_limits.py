"""The limits Slack sets on messages, modals and the home tab: what fits passes, one more is named with its place."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.views.limits import BLOCKS, view_violations, violations

Block = dict[str, object]


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text}


def button(text: str = "Approve", **more: object) -> Block:
    return {"type": "button", "action_id": "plan.approve", "text": plain(text), **more}


def option(label: str = "One", value: str = "1") -> Block:
    return {"text": plain(label), "value": value}


def section(n: int) -> Block:
    return {"type": "section", "text": mrkdwn(f"row {n}")}


def actions(*elements: Block) -> Block:
    return {"type": "actions", "elements": list(elements)}


def modal(**more: object) -> Block:
    return {"type": "modal", "title": plain("Reject plan"), "blocks": [section(1)], **more}


def chart(values: int) -> Block:
    data = [{"label": str(n), "value": n} for n in range(values)]
    return {
        "type": "data_visualization",
        "title": "5xx",
        "chart": {
            "type": "line",
            "axis_config": {"categories": ["09:00", "09:05"]},
            "series": [{"name": "prod", "data": data}],
        },
    }


CARD: Block = {
    "text": "Approval needed",
    "metadata": {"event_type": "approval", "event_payload": {"plan": "P-77"}},
    "blocks": [
        {"type": "header", "text": plain(":raised_hand: Approval needed")},
        {"type": "section", "text": mrkdwn("*Roll back*"), "fields": [mrkdwn("*Risk*\nlow")], "accessory": button()},
        actions(
            button(
                style="primary",
                value="P-77:1",
                confirm={"title": plain("Run?"), "text": mrkdwn("Now."), "confirm": plain("Run"), "deny": plain("No")},
            )
        ),
        {"type": "table", "rows": [[{"type": "raw_text", "text": "Service"}]]},
        chart(2),
        {"type": "context", "elements": [mrkdwn("expires soon")]},
    ],
    "attachments": [{"color": "#a30200", "blocks": [{"type": "divider"}]}],
}


def test_an_ordinary_approval_card_breaks_no_limit() -> None:
    found = violations(CARD)

    assert found == []


JUST_TOO_MUCH: list[tuple[str, Block, str]] = [
    ("header text", {"type": "header", "text": plain("x" * 151)}, "must be less than 151 characters"),
    ("header is plain", {"type": "header", "text": mrkdwn("hi")}, "unsupported type: mrkdwn"),
    ("section text", {"type": "section", "text": mrkdwn("x" * 3001)}, "must be less than 3001 characters"),
    ("section is empty", {"type": "section"}, "needs one of text, fields"),
    ("empty text", {"type": "section", "text": mrkdwn("")}, "must be more than 0 characters"),
    ("fields", {"type": "section", "fields": [mrkdwn("x")] * 11}, "no more than 10 items"),
    ("field text", {"type": "section", "fields": [mrkdwn("x" * 2001)]}, "must be less than 2001 characters"),
    ("context elements", {"type": "context", "elements": [mrkdwn("x")] * 11}, "no more than 10 items"),
    ("no elements", actions(), "no fewer than 1 items"),
    ("26 buttons", actions(*[button(action_id=f"a{n}") for n in range(26)]), "no more than 25 items"),
    ("same action twice", actions(button(), button()), "`action_id` plan.approve is used 2 times"),
    ("button text", actions(button("x" * 76)), "must be less than 76 characters"),
    ("button value", actions(button(value="x" * 2001)), "must be less than 2001 characters"),
    ("button url", actions(button(url="https://e.example/" + "x" * 3000)), "must be less than 3001 characters"),
    ("button style", actions(button(style="blue")), "must be one of primary, danger"),
    ("action_id", actions(button(action_id="x" * 256)), "must be less than 256 characters"),
    ("block_id", {"type": "divider", "block_id": "x" * 256}, "must be less than 256 characters"),
    ("confirm lacks deny", actions(button(confirm={"title": plain("Run?")})), "missing required field: deny"),
    ("overflow", actions({"type": "overflow", "options": [option()] * 6}), "no more than 5 items"),
    ("no options", actions({"type": "static_select"}), "needs one of options, option_groups"),
    ("option label", actions({"type": "static_select", "options": [option("x" * 76)]}), "less than 76 characters"),
    ("option value", actions({"type": "overflow", "options": [option("x", "y" * 151)]}), "less than 151 characters"),
    ("101 options", actions({"type": "static_select", "options": [option()] * 101}), "no more than 100 items"),
    ("image without alt", {"type": "image", "image_url": "https://e.example/a"}, "missing required field: alt_text"),
    ("image without source", {"type": "image", "alt_text": "chart"}, "needs one of image_url, slack_file"),
    ("markdown", {"type": "markdown", "text": "x" * 12_001}, "must be less than 12001 characters"),
    ("table rows", {"type": "table", "rows": [[{}]] * 101}, "a table has 1 to 100 rows"),
    ("table cells", {"type": "table", "rows": [[{}] * 21]}, "no more than 20 cells"),
    ("ragged", {"type": "data_table", "caption": "c", "rows": [[{}], [{}, {}]]}, "as many cells as the header"),
    ("chart gap", chart(1), "one value for each category"),
    ("feedback", {"type": "context_actions", "elements": [{"type": "icon_button"}] * 6}, "no more than 5 items"),
    ("alert is for modals", {"type": "alert", "text": plain("careful")}, "unsupported type: alert"),
    ("unknown block", {"type": "hologram"}, "unsupported type: hologram"),
    ("unknown element", actions({"type": "lever"}), "unsupported type: lever"),
    (
        "container in a container",
        {"type": "container", "title": plain("t"), "child_blocks": [{"type": "container"}]},
        "unsupported type: container",
    ),
]


@pytest.mark.parametrize(("block", "said"), [case[1:] for case in JUST_TOO_MUCH], ids=[c[0] for c in JUST_TOO_MUCH])
def test_a_block_over_its_limit_is_named_with_its_place(block: Block, said: str) -> None:
    found = violations({"text": "x", "blocks": [{"type": "divider"}, block]})

    assert [line for line in found if said in line and "[json-pointer:/blocks/1" in line], found


WHOLE_MESSAGES: list[tuple[str, Block, str]] = [
    ("51 blocks", {"blocks": [section(n) for n in range(51)]}, "no more than 50 items allowed [has 51]"),
    ("block_id reused", {"blocks": [{"type": "divider", "block_id": "d"}] * 2}, "`block_id` d is used 2 times"),
    ("two tables", {"blocks": [{"type": "table", "rows": [[{}]]}] * 2}, "no more than 1 table blocks"),
    ("three charts", {"blocks": [chart(2)] * 3}, "no more than 2 data_visualization blocks"),
    ("markdown in all", {"blocks": [{"type": "markdown", "text": "x" * 6001}] * 2}, "more than 12000 characters"),
    ("101 attachments", {"attachments": [{"text": "x"}] * 101}, "no more than 100 items"),
    ("inside one", {"attachments": [{"blocks": [{"type": "section"}]}]}, "[json-pointer:/attachments/0/blocks/0]"),
    ("text", {"text": "x" * 40_001}, "[json-pointer:/text]"),
    ("metadata", {"text": "x", "metadata": {"event_type": "plan"}}, "metadata needs event_type and event_payload"),
]


@pytest.mark.parametrize(("message", "said"), [c[1:] for c in WHOLE_MESSAGES], ids=[c[0] for c in WHOLE_MESSAGES])
def test_a_message_over_its_limit_is_refused(message: Block, said: str) -> None:
    found = violations(message)

    assert [line for line in found if said in line], found


def test_fifty_blocks_and_text_at_the_limit_pass() -> None:
    full: Block = {"type": "section", "text": mrkdwn("x" * 3000)}

    found = violations({"text": "x" * 40_000, "blocks": [full] * 50})

    assert found == []


WHY: Block = {"type": "input", "label": plain("Why?"), "element": {"type": "plain_text_input", "action_id": "v"}}
VIEWS: list[tuple[str, Block, str]] = [
    ("title", modal(title=plain("x" * 25)), "[json-pointer:/view/title/text]"),
    ("no title", {"type": "modal", "blocks": [section(1)]}, "missing required field: title"),
    ("submit", modal(submit=plain("x" * 25)), "[json-pointer:/view/submit/text]"),
    ("inputs without submit", modal(blocks=[WHY]), "a modal with input blocks needs submit"),
    ("private_metadata", modal(private_metadata="x" * 3001), "[json-pointer:/view/private_metadata]"),
    ("callback_id", modal(callback_id="x" * 256), "[json-pointer:/view/callback_id]"),
    ("no blocks", modal(blocks=[]), "missing required field: blocks"),
    ("101 blocks", modal(blocks=[section(n) for n in range(101)]), "no more than 100 items"),
    ("too large", modal(blocks=[{"type": "section", "text": mrkdwn("x" * 3000)}] * 90), "larger than 250000 bytes"),
    ("not a view", {"type": "dialog", "blocks": [section(1)]}, "unsupported type: dialog"),
    ("alert at home", {"type": "home", "blocks": [{"type": "alert", "text": plain("x")}]}, "unsupported type: alert"),
]


@pytest.mark.parametrize(("view", "said"), [c[1:] for c in VIEWS], ids=[c[0] for c in VIEWS])
def test_a_view_over_its_limit_is_refused(view: Block, said: str) -> None:
    found = view_violations(view)

    assert [line for line in found if said in line], found


@pytest.mark.parametrize(
    "view",
    [
        modal(submit=plain("Reject"), blocks=[WHY, {"type": "alert", "text": plain("careful"), "level": "warning"}]),
        {"type": "home", "blocks": [section(n) for n in range(100)]},
    ],
    ids=["modal", "home"],
)
def test_a_view_within_its_limits_passes(view: Block) -> None:
    found = view_violations(view)

    assert found == []


scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(sorted(BLOCKS))
keys = st.sampled_from(["type", "text", "blocks", "elements", "block_id", "rows", "chart", "options", "style"])
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4), max_leaves=20
)


@settings(max_examples=150, deadline=None)
@given(payload=st.dictionaries(st.sampled_from(["text", "blocks", "attachments", "metadata", "type"]), anything))
def test_any_json_at_all_is_answered_in_sentences_and_never_raises(payload: Mapping[str, object]) -> None:
    found = [*violations(payload), *view_violations({**payload, "type": "modal"})]

    assert all(line.startswith("[ERROR] ") and "[json-pointer:/" in line for line in found)
