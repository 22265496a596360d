"""Interactive elements: finding one on what is shown, and what choosing or entering something in it means.

The app must receive exactly what the surface shows (block_id, action_id, value, options), so this only ever reads the
element itself; a choice the element does not offer is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from deploy.sandbox.workspace.wire import JsonObject, as_object, listed, nested, plain_text, words

Chosen = str | list[str] | None

ENTERED = {"plain_text_input", "number_input", "email_text_input", "url_text_input"}
ONE_OPTION = {"static_select", "radio_buttons", "overflow", "external_select"}
SOME_OPTIONS = {"multi_static_select", "checkboxes", "multi_external_select"}
ONE_NAMED = {
    "users_select": ("selected_user", "initial_user"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "channels_select": ("selected_channel", "initial_channel"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
}
SOME_NAMED = {
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
}
STATEFUL = ENTERED | (ONE_OPTION - {"overflow"}) | SOME_OPTIONS | set(ONE_NAMED) | set(SOME_NAMED) | {"datetimepicker"}
REQUIRED = "Please complete this required field."


class NotShown(Exception):
    """Somebody tried to use an element, or choose an option, that is not on the surface they look at."""


@dataclass(frozen=True)
class Placed:
    """An element and the block it stands in."""

    block_id: str
    element: JsonObject


def find(blocks: Iterable[JsonObject], action_id: str, block_id: str = "", value: str = "") -> Placed:
    """The element with this action id (and block id, and value, when given); NotShown when there is none."""
    for placed in every(blocks):
        fits = words(placed.element, "action_id") == action_id
        if fits and block_id in ("", placed.block_id) and value in ("", words(placed.element, "value")):
            return placed
    raise NotShown(f"there is no element {action_id} here")


def every(blocks: Iterable[JsonObject]) -> Iterator[Placed]:
    """All interactive elements of these blocks, however deep, in order."""
    for block in blocks:
        yield from _within(block, words(block, "block_id"))


def _within(value: object, block_id: str) -> Iterator[Placed]:
    if isinstance(value, Mapping):
        block_id = words(value, "block_id") or block_id
        if value.get("action_id"):
            yield Placed(block_id, value)
            return
        for inner in value.values():
            yield from _within(inner, block_id)
    elif isinstance(value, list):
        for inner in value:
            yield from _within(inner, block_id)


def pressed(placed: Placed, chosen: Chosen, at: str) -> JsonObject:
    """The entry of `actions` for using this element, choosing this in it."""
    element, kind = placed.element, words(placed.element, "type")
    action: dict[str, object] = {
        "type": kind,
        "action_id": words(element, "action_id"),
        "block_id": placed.block_id,
        "action_ts": at,
    }
    if kind in ("button", "icon_button", "workflow_button"):
        action |= {key: element[key] for key in ("text", "value", "url", "style") if key in element}
    elif kind == "feedback_buttons":
        buttons = (nested(element, "positive_button"), nested(element, "negative_button"))
        button = next((button for button in buttons if words(button, "value") == chosen), None)
        if button is None:
            raise NotShown(f"the feedback buttons do not offer {chosen}")
        action |= {"text": button.get("text"), "value": button.get("value")}
    else:
        action |= answer(element, chosen)
    return action


def answer(element: JsonObject, chosen: Chosen) -> JsonObject:
    """What an element holds after somebody entered or chose this: an entry of `state.values`."""
    kind = words(element, "type")
    if kind in ONE_OPTION:
        return {"type": kind, "selected_option": _option(element, str(chosen)) if chosen else None}
    if kind in SOME_OPTIONS:
        return {"type": kind, "selected_options": [_option(element, value) for value in _several(chosen)]}
    if kind in ONE_NAMED:
        return {"type": kind, ONE_NAMED[kind][0]: chosen or None}
    if kind in SOME_NAMED:
        return {"type": kind, SOME_NAMED[kind][0]: _several(chosen)}
    if kind == "datetimepicker":
        return {"type": kind, "selected_date_time": int(str(chosen)) if chosen else None}
    return {"type": kind, "value": chosen or None}


def initial(element: JsonObject) -> JsonObject:
    """What an element holds before anybody touches it."""
    kind = words(element, "type")
    if kind in ONE_OPTION:
        return {"type": kind, "selected_option": element.get("initial_option")}
    if kind in SOME_OPTIONS:
        return {"type": kind, "selected_options": element.get("initial_options") or []}
    if kind in ONE_NAMED:
        return {"type": kind, ONE_NAMED[kind][0]: element.get(ONE_NAMED[kind][1])}
    if kind in SOME_NAMED:
        return {"type": kind, SOME_NAMED[kind][0]: element.get(SOME_NAMED[kind][1]) or []}
    if kind == "datetimepicker":
        return {"type": kind, "selected_date_time": element.get("initial_date_time")}
    return {"type": kind, "value": element.get("initial_value")}


def state_values(blocks: Iterable[JsonObject], entered: Mapping[str, Chosen]) -> dict[str, dict[str, JsonObject]]:
    """`state.values` of a surface: what was entered (see `entered_in`), else what stood there at first."""
    values: dict[str, dict[str, JsonObject]] = {}
    for placed in every(blocks):
        action_id = words(placed.element, "action_id")
        if words(placed.element, "type") not in STATEFUL:
            continue
        touched, chosen = entered_in(placed, entered)
        held = answer(placed.element, chosen) if touched else initial(placed.element)
        values.setdefault(placed.block_id, {})[action_id] = held
    return values


def entered_in(placed: Placed, entered: Mapping[str, Chosen]) -> tuple[bool, Chosen]:
    """Whether something was entered here, and what: under `block_id/action_id`, the block id or the action id."""
    action_id = words(placed.element, "action_id")
    for key in (f"{placed.block_id}/{action_id}", placed.block_id, action_id):
        if key in entered:
            return True, entered[key]
    return False, None


def complaints(blocks: Iterable[JsonObject], values: Mapping[str, Mapping[str, JsonObject]]) -> dict[str, str]:
    """What Slack's own client says, by block id, before it lets anybody submit: a required input is empty or short."""
    found: dict[str, str] = {}
    for block in blocks:
        if words(block, "type") != "input":
            continue
        element, block_id = nested(block, "element"), words(block, "block_id")
        held = as_object(values.get(block_id, {}).get(words(element, "action_id")))
        content = next((held[key] for key in held if key != "type"), None)
        least, most = element.get("min_length"), element.get("max_length")
        if not content and not block.get("optional"):
            found[block_id] = REQUIRED
        elif isinstance(content, str) and isinstance(least, int) and len(content) < least:
            found[block_id] = f"Please enter at least {least} characters."
        elif isinstance(content, str) and isinstance(most, int) and len(content) > most:
            found[block_id] = f"Please enter no more than {most} characters."
    return found


def _several(chosen: Chosen) -> list[str]:
    return chosen if isinstance(chosen, list) else [chosen] if chosen else []


def _option(element: JsonObject, value: str) -> JsonObject:
    groups = [element, *listed(element, "option_groups")]
    for option in (option for group in groups for option in listed(group, "options")):
        if words(option, "value") == value:
            return option
    if words(element, "type").endswith("external_select"):
        return {"text": plain_text(value), "value": value}
    raise NotShown(f"{words(element, 'action_id')} does not offer {value}")
