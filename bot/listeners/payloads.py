"""What a press or a submission says: ids, words, and what was typed. Only here do these listeners look into a payload.

Slack's signature says who sent it; the rest was made by a client. Nothing is assumed about its shape: a part that is
missing, or of another kind, is empty, and what follows from that is for whoever reads it.
"""

from __future__ import annotations

from collections.abc import Mapping

from tools.values import Value


class Press(Value):
    """Somebody used a button of a message, or of the Home tab."""

    key: str
    """One for each press, however often it is delivered."""
    user_id: str
    team_id: str
    channel: str
    thread_ts: str
    trigger_id: str
    """Opens a modal, within three seconds."""
    action_id: str
    value: str
    is_link: bool


class Submission(Value):
    """Somebody submitted a modal. `typed` is what its inputs held, by block id; empty where one held nothing."""

    key: str
    user_id: str
    team_id: str
    view_id: str
    metadata: str
    typed: Mapping[str, str]


def press_of(body: object) -> Press:
    """The press in a `block_actions` payload."""
    pressed = _first_action(body)
    return Press(
        key=key_of(body),
        user_id=_text(body, "user", "id"),
        team_id=_text(body, "user", "team_id"),
        channel=_text(body, "channel", "id"),
        thread_ts=_text(body, "message", "thread_ts"),
        trigger_id=_text(body, "trigger_id"),
        action_id=_text(pressed, "action_id"),
        value=_text(pressed, "value"),
        is_link=bool(_text(pressed, "url")),
    )


def submission_of(body: object) -> Submission:
    """The submission in a `view_submission` payload."""
    return Submission(
        key=key_of(body),
        user_id=_text(body, "user", "id"),
        team_id=_text(body, "user", "team_id"),
        view_id=_text(body, "view", "id"),
        metadata=_text(body, "view", "private_metadata"),
        typed={str(block): _typed(inputs) for block, inputs in _object(_at(body, "view", "state", "values")).items()},
    )


def key_of(body: object) -> str:
    """Names one press or submission by where it was made and when, as Slack says."""
    pressed = _first_action(body)
    parts = (
        _text(body, "team", "id"),
        _text(body, "channel", "id"),
        _text(body, "container", "message_ts") or _text(body, "view", "id"),
        _text(pressed, "action_ts") or _text(body, "view", "hash"),
        _text(body, "user", "id"),
        _text(pressed, "action_id") or _text(body, "view", "callback_id"),
    )
    return "click:" + ":".join(part or "None" for part in parts)


def _typed(inputs: object) -> str:
    """What the first input of a block holds: text, a number, the value of the option that was chosen."""
    held = next(iter(_object(inputs).values()), None)
    chosen = _at(held, "selected_options")
    first = chosen[0] if isinstance(chosen, list) and chosen else _at(held, "selected_option")
    return _text(held, "value") or _text(first, "value")


def _first_action(body: object) -> object:
    actions = _at(body, "actions")
    return actions[0] if isinstance(actions, list) and actions else None


def _text(value: object, *path: str) -> str:
    found = _at(value, *path)
    return found if isinstance(found, str) else ""


def _at(value: object, *path: str) -> object:
    for member in path:
        value = _object(value).get(member)
    return value


def _object(value: object) -> Mapping[object, object]:
    return value if isinstance(value, Mapping) else {}
