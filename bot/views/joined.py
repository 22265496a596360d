"""The alerts that joined an incident, and why; one of them can be taken out."""

from __future__ import annotations

from collections.abc import Sequence

from bot.views.blocks import Block, Rendering, View, section, words
from bot.views.ids import CallbackId, Identifier
from bot.views.text import code, counted, inline, plain
from tools.values import Value

ALERT_BLOCK, ALERT_INPUT = "alert", "v"
"""Where the chosen alert is: `view.state.values["alert"]["v"]["selected_option"]["value"]`."""
SHOWN = 30
"""Most alerts that can be chosen from; beyond that the likeliest mistake is the latest one."""


class JoinedAlert(Value):
    """One alert that joined, however often it rang."""

    identity: str
    name: str
    service: str | None
    times: int
    firing: bool
    reasons: tuple[str, ...]


class JoinedAlerts(Value):
    """What joined an incident after the alert that opened it."""

    incident_id: Identifier
    alerts: tuple[JoinedAlert, ...]


def form(joined: JoinedAlerts) -> View:
    """Asks which of them is a trouble of its own."""
    here, shown = Rendering("joined", joined.incident_id, 0), joined.alerts[-SHOWN:]
    left_out = len(joined.alerts) - len(shown)
    lines = [f"Only the latest {SHOWN} of {len(joined.alerts)} are shown."] if left_out else []
    lines += [_line(one) for one in shown]
    hint = "It gets an incident of its own, is looked at anew, and is not put in here again."
    return {
        "type": "modal",
        "callback_id": CallbackId.SPLIT,
        "private_metadata": joined.incident_id,
        "title": words(plain(f"{joined.incident_id}: joined", 24)),
        "submit": words("Take out"),
        "close": words("Cancel"),
        "blocks": [
            section(here.part("hint"), [f"Which of these is a trouble of its own? {hint}"]),
            section(here.part("rows"), lines),
            _choice(shown),
        ],
    }


def _line(one: JoinedAlert) -> str:
    state = "firing" if one.firing else "cleared"
    why = "; ".join(one.reasons) or "no reason on record"
    about = f" {inline(one.service, 60)}" if one.service else ""
    return f"• {code(one.name, 80)}{about} {counted(one.times, 'time')}, {state}: {inline(why, 250)}"


def _choice(shown: Sequence[JoinedAlert]) -> Block:
    options = [{"text": words(plain(_label(one), 75)), "value": one.identity} for one in shown]
    element: Block = {"type": "static_select", "action_id": ALERT_INPUT, "options": options}
    return {"type": "input", "block_id": ALERT_BLOCK, "label": words("Take out"), "element": element}


def _label(one: JoinedAlert) -> str:
    return f"{one.name} ({one.service})" if one.service else one.name
