"""What people thought of an investigation: the two buttons below it, the modal that asks what was wrong, the sum."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.views.blocks import Block, View, button, section, words
from bot.views.ids import REASON_BLOCK, REASON_INPUT, REASON_MOST, ActionId, CallbackId
from bot.views.text import inline, who
from tools.values import Value

OPINION_BLOCK, OPINION_INPUT = "opinion", "v"
SHOWN = 5
"""Opinions shown one by one; the rest are counted."""


class Voice(Value):
    """One person's word about a look."""

    user_id: str
    opinion: str
    reason: str | None = None


SAYS = {
    "useful": "found it useful",
    "not_useful": "did not find it useful",
    "wrong_cause": "says the cause is wrong",
}


def buttons(look: str) -> list[Block]:
    """Asks what people think. `look` names the look: `INC-7:1`."""
    return [
        button(ActionId.USEFUL, "Useful", look),
        button(ActionId.NOT_USEFUL, "Not useful / wrong cause…", look),
    ]


def voices(given: Sequence[Voice]) -> Iterator[str]:
    """What people said, the latest first."""
    for voice in reversed(given[-SHOWN:]):
        because = f": {inline(voice.reason, 200)}" if voice.reason else ""
        yield f"{who(voice.user_id)} {SAYS.get(voice.opinion, voice.opinion)}{because}"
    if len(given) > SHOWN:
        yield f"… and {len(given) - SHOWN} more"


def what_was_wrong(look: str) -> View:
    """Asks whether the cause was wrong or the answer no use, and what it really was."""
    options = [("wrong_cause", "The cause is wrong"), ("not_useful", "It was no use to me")]
    choices: list[Block] = [{"text": words(label), "value": value} for value, label in options]
    chosen: Block = {
        "type": "radio_buttons",
        "action_id": OPINION_INPUT,
        "options": choices,
        "initial_option": choices[0],
    }
    typed: Block = {
        "type": "plain_text_input",
        "action_id": REASON_INPUT,
        "multiline": True,
        "max_length": REASON_MOST,
        "placeholder": words("It was the certificate of the upstream, see …"),
    }
    hint = "It goes on the record and into the numbers. The next similar incident is shown what you write."
    return {
        "type": "modal",
        "callback_id": CallbackId.NOT_USEFUL,
        "private_metadata": look,
        "title": words("What was wrong?"),
        "submit": words("Tell"),
        "close": words("Cancel"),
        "blocks": [
            section("hint", [hint]),
            {"type": "input", "block_id": OPINION_BLOCK, "label": words("What was wrong?"), "element": chosen},
            {
                "type": "input",
                "block_id": REASON_BLOCK,
                "optional": True,
                "label": words("What was it really?"),
                "element": typed,
            },
        ],
    }
