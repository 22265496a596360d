"""What Slack refuses to show: the Block Kit limits as tables, and one walk that reads a payload against them.

The bot's own view tests and the sandbox workspace ask the same question here, so a card that passes on a laptop is
not refused in a real workspace. Pure: no rendering, no shortening (that is each view's own choice), no Slack client.
Limits are those of https://docs.slack.dev/reference/block-kit/blocks; messages read as Slack's own do.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Surface = Literal["messages", "modals", "home"]
Json = Mapping[str, object]

MESSAGE_BLOCKS, VIEW_BLOCKS, ATTACHMENTS = 50, 100, 100
MESSAGE_TEXT = 40_000
MARKDOWN_TOTAL = 12_000
VIEW_BYTES = 250_000
AT_MOST_PER_MESSAGE = {"table": 1, "data_visualization": 2}


@dataclass(frozen=True)
class Text:
    """A text object: `{"type": "plain_text" | "mrkdwn", "text": ...}`."""

    most: int
    plain: bool = False
    required: bool = False


@dataclass(frozen=True)
class Words:
    """A bare string, or one of a closed set of strings."""

    most: int
    required: bool = False
    one_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """One nested object, read against the shape its `type` names in a table (or the one shape given)."""

    shapes: Mapping[str, Shape] | Shape
    required: bool = False


@dataclass(frozen=True)
class Parts:
    """A list of nested objects or texts."""

    most: int
    of: Part | Text
    least: int = 1
    required: bool = False


@dataclass(frozen=True)
class Shape:
    """What one object may hold: a rule for each limited key, and the laws that span several keys."""

    keys: Mapping[str, Text | Words | Part | Parts]
    laws: tuple[Callable[[Json], Iterator[str]], ...] = field(default=())
    surfaces: tuple[Surface, ...] = ("messages", "modals", "home")


def violations(message: Json) -> list[str]:
    """Why Slack would refuse this message (`text`, `blocks`, `attachments`, `metadata`); empty when it would not."""
    found = [*_too_long(message.get("text"), MESSAGE_TEXT, "/text")]
    found += _blocks(message.get("blocks"), "/blocks", MESSAGE_BLOCKS, "messages")
    attachments = _list(message.get("attachments"))
    found += _count(attachments, 0, ATTACHMENTS, "/attachments")
    for n, attachment in enumerate(attachments):
        found += _blocks(_object(attachment).get("blocks"), f"/attachments/{n}/blocks", MESSAGE_BLOCKS, "messages")
    if message.get("metadata") and not {"event_type", "event_payload"} <= set(_object(message["metadata"])):
        found.append("[ERROR] metadata needs event_type and event_payload [json-pointer:/metadata]")
    return found


def view_violations(view: Json) -> list[str]:
    """Why Slack would refuse this modal or home view; empty when it would not."""
    kind = view.get("type")
    if kind not in ("modal", "home"):
        return [f"[ERROR] unsupported type: {kind} [json-pointer:/view/type]"]
    found = list(_read(view, MODAL if kind == "modal" else HOME, "/view"))
    found += _blocks(view.get("blocks"), "/view/blocks", VIEW_BLOCKS, "modals" if kind == "modal" else "home")
    if not _list(view.get("blocks")):
        found.append("[ERROR] missing required field: blocks [json-pointer:/view/blocks]")
    if len(json.dumps(view, ensure_ascii=False).encode()) > VIEW_BYTES:
        found.append(f"[ERROR] view is larger than {VIEW_BYTES} bytes [json-pointer:/view]")
    return found


def _blocks(blocks: object, at: str, most: int, surface: Surface) -> Iterator[str]:
    """Each block against its shape, then the laws that hold across a whole list of blocks."""
    listed = [_object(block) for block in _list(blocks)]
    yield from _count(listed, 0, most, at)
    for n, block in enumerate(listed):
        shape = BLOCKS.get(str(block.get("type")))
        if shape is None or surface not in shape.surfaces:
            yield f"[ERROR] unsupported type: {block.get('type')} [json-pointer:{at}/{n}]"
        else:
            yield from _read(block, shape, f"{at}/{n}")
    for block_id, times in Counter(str(block["block_id"]) for block in listed if block.get("block_id")).items():
        if times > 1:
            yield f"[ERROR] `block_id` {block_id} is used {times} times [json-pointer:{at}]"
    kinds = Counter(str(block.get("type")) for block in listed)
    for kind, allowed in AT_MOST_PER_MESSAGE.items():
        if surface == "messages" and kinds[kind] > allowed:
            yield f"[ERROR] no more than {allowed} {kind} blocks in a message [json-pointer:{at}]"
    if sum(len(str(block.get("text", ""))) for block in listed if block.get("type") == "markdown") > MARKDOWN_TOTAL:
        yield f"[ERROR] markdown blocks hold more than {MARKDOWN_TOTAL} characters together [json-pointer:{at}]"


def _read(value: Json, shape: Shape, at: str) -> Iterator[str]:
    for key, rule in {**IDS, **shape.keys}.items():
        where = f"{at}/{key}"
        if value.get(key) is None:
            if rule.required:
                yield f"[ERROR] missing required field: {key} [json-pointer:{at}]"
        elif isinstance(rule, Parts):
            items = _list(value[key])
            yield from _count(items, rule.least, rule.most, where)
            for n, item in enumerate(items):
                yield from _read_one(item, rule.of, f"{where}/{n}")
        else:
            yield from _read_one(value[key], rule, where)
    for law in shape.laws:
        for complaint in law(value):
            yield f"[ERROR] {complaint} [json-pointer:{at}]"


def _read_one(value: object, rule: Text | Words | Part, at: str) -> Iterator[str]:
    if isinstance(rule, Words):
        yield from _words(value, rule, at)
    elif isinstance(rule, Text):
        yield from _text(_object(value), rule, at)
    elif isinstance(rule.shapes, Shape):
        yield from _read(_object(value), rule.shapes, at)
    elif str(_object(value).get("type")) in rule.shapes:
        yield from _read(_object(value), rule.shapes[str(_object(value)["type"])], at)
    else:
        yield f"[ERROR] unsupported type: {_object(value).get('type')} [json-pointer:{at}]"


def _words(value: object, rule: Words, at: str) -> Iterator[str]:
    if rule.one_of and value not in rule.one_of:
        yield f"[ERROR] must be one of {', '.join(rule.one_of)} [json-pointer:{at}]"
    if rule.required and value == "":
        yield f"[ERROR] must be more than 0 characters [json-pointer:{at}]"
    yield from _too_long(value, rule.most, at)


def _text(value: Json, rule: Text, at: str) -> Iterator[str]:
    if value.get("type") not in (("plain_text",) if rule.plain else ("plain_text", "mrkdwn")):
        yield f"[ERROR] unsupported type: {value.get('type')} [json-pointer:{at}/type]"
    if value.get("text") in (None, ""):
        yield f"[ERROR] must be more than 0 characters [json-pointer:{at}/text]"
    yield from _too_long(value.get("text"), rule.most, f"{at}/text")


def _too_long(value: object, most: int, at: str) -> Iterator[str]:
    if isinstance(value, str) and len(value) > most:
        yield f"[ERROR] must be less than {most + 1} characters [json-pointer:{at}]"


def _count(items: Sequence[object], least: int, most: int, at: str) -> Iterator[str]:
    if len(items) > most:
        yield f"[ERROR] no more than {most} items allowed [has {len(items)}] [json-pointer:{at}]"
    if len(items) < least:
        yield f"[ERROR] no fewer than {least} items allowed [has {len(items)}] [json-pointer:{at}]"


def _object(value: object) -> Json:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


# -- laws that span several keys of one object --------------------------------------------------------------------


def _needs_one_of(*keys: str) -> Callable[[Json], Iterator[str]]:
    def law(value: Json) -> Iterator[str]:
        if not any(value.get(key) for key in keys):
            yield f"needs one of {', '.join(keys)}"

    return law


def _own_action_ids(block: Json) -> Iterator[str]:
    ids = Counter(str(e["action_id"]) for e in map(_object, _list(block.get("elements"))) if e.get("action_id"))
    for action_id, times in ids.items():
        if times > 1:
            yield f"`action_id` {action_id} is used {times} times in one block"


def _inputs_need_submit(view: Json) -> Iterator[str]:
    if not view.get("submit") and any(_object(b).get("type") == "input" for b in _list(view.get("blocks"))):
        yield "a modal with input blocks needs submit"


def _rows_within(rows_most: int, cells_most: int, same_length: bool) -> Callable[[Json], Iterator[str]]:
    def law(table: Json) -> Iterator[str]:
        lengths = [len(_list(row)) for row in _list(table.get("rows"))]
        if not 1 <= len(lengths) <= rows_most:
            yield f"a table has 1 to {rows_most} rows, not {len(lengths)}"
        if any(length > cells_most for length in lengths):
            yield f"a row has no more than {cells_most} cells"
        if same_length and len(set(lengths)) > 1:
            yield "every row has as many cells as the header"

    return law


def _drawable_chart(block: Json) -> Iterator[str]:
    chart = _object(block.get("chart"))
    parts = [_object(part) for part in _list(chart.get("segments" if chart.get("type") == "pie" else "series"))]
    if chart.get("type") not in ("line", "bar", "area", "pie"):
        yield f"unsupported chart type: {chart.get('type')}"
    if not 1 <= len(parts) <= 6:
        yield f"a chart has 1 to 6 series or segments, not {len(parts)}"
    categories = _list(_object(chart.get("axis_config")).get("categories"))
    if chart.get("type") != "pie" and any(len(_list(part.get("data"))) != len(categories) for part in parts):
        yield "every series has one value for each category"


def _collapsed_or_divided(container: Json) -> Iterator[str]:
    if container.get("default_collapsed") and not container.get("is_collapsible"):
        yield "default_collapsed needs is_collapsible"
    if container.get("default_collapsed") and container.get("has_header_divider"):
        yield "default_collapsed does not go with has_header_divider"


# -- the tables ---------------------------------------------------------------------------------------------------

IDS: Mapping[str, Words] = {"block_id": Words(255), "action_id": Words(255)}
CONFIRM = Shape(
    {
        "title": Text(100, plain=True, required=True),
        "text": Text(300, required=True),
        "confirm": Text(30, plain=True, required=True),
        "deny": Text(30, plain=True, required=True),
        "style": Words(20, one_of=("primary", "danger")),
    }
)
OPTION = Shape({"text": Text(75, required=True), "value": Words(150, required=True), "description": Text(75)})
OPTIONS = Parts(100, Part(OPTION))
GROUPS = Parts(100, Part(Shape({"label": Text(75, plain=True, required=True), "options": OPTIONS})))
ASKED: Mapping[str, Text | Words | Part | Parts] = {"placeholder": Text(150, plain=True), "confirm": Part(CONFIRM)}
CHOICE = Shape({**ASKED, "options": OPTIONS, "option_groups": GROUPS}, (_needs_one_of("options", "option_groups"),))
FEW_OPTIONS = Shape({"options": Parts(10, Part(OPTION), required=True), "confirm": Part(CONFIRM)})
BUTTON = Shape(
    {
        "text": Text(75, plain=True, required=True),
        "value": Words(2000),
        "url": Words(3000),
        "style": Words(20, one_of=("primary", "danger")),
        "confirm": Part(CONFIRM),
        "accessibility_label": Words(75),
    }
)
OVERFLOW = Shape({"options": Parts(5, Part(OPTION), required=True), "confirm": Part(CONFIRM)})
IMAGE = Shape(
    {"image_url": Words(3000), "alt_text": Words(2000, required=True), "title": Text(2000, plain=True)},
    (_needs_one_of("image_url", "slack_file"),),
)
PICKERS = ("users", "conversations", "channels", "external")
INTERACTIVE: Mapping[str, Shape] = {
    "button": BUTTON,
    "workflow_button": BUTTON,
    "overflow": OVERFLOW,
    "static_select": CHOICE,
    "multi_static_select": CHOICE,
    **{f"{picker}_select": Shape(ASKED) for picker in PICKERS},
    **{f"multi_{picker}_select": Shape(ASKED) for picker in PICKERS},
    "checkboxes": FEW_OPTIONS,
    "radio_buttons": FEW_OPTIONS,
    **{f"{picker}picker": Shape(ASKED) for picker in ("date", "time", "datetime")},
}
TYPED: Mapping[str, Shape] = {
    f"{kind}_text_input": Shape({"placeholder": Text(150, plain=True), "initial_value": Words(3000)})
    for kind in ("plain", "url", "email", "rich")
} | {"number_input": Shape({"placeholder": Text(150, plain=True)}), "file_input": Shape({})}
TASK = Shape(
    {
        "task_id": Words(255, required=True),
        "title": Words(255, required=True),
        "status": Words(20, one_of=("pending", "in_progress", "complete", "error")),
    }
)
CARD = Shape(
    {"title": Text(150), "subtitle": Text(150), "body": Text(200), "actions": Parts(25, Part(INTERACTIVE))},
    (_needs_one_of("title", "body", "hero_image"),),
)
CAPTIONS = Part({"mrkdwn": Shape({"text": Words(3000)}), "plain_text": Shape({"text": Words(3000)}), "image": IMAGE})
VIDEO = Shape({"title": Text(200, plain=True, required=True), "video_url": Words(3000, required=True)})
ALERT_LEVELS = ("default", "info", "warning", "error", "success")
FEEDBACK = Part({"feedback_buttons": Shape({}), "icon_button": Shape({})})
BLOCKS: dict[str, Shape] = {
    "header": Shape({"text": Text(150, plain=True, required=True)}),
    "section": Shape(
        {"text": Text(3000), "fields": Parts(10, Text(2000)), "accessory": Part({**INTERACTIVE, "image": IMAGE})},
        (_needs_one_of("text", "fields"),),
    ),
    "context": Shape({"elements": Parts(10, CAPTIONS, required=True)}),
    "actions": Shape({"elements": Parts(25, Part({**INTERACTIVE, **TYPED}), required=True)}, (_own_action_ids,)),
    "context_actions": Shape({"elements": Parts(5, FEEDBACK, required=True)}, (_own_action_ids,)),
    "divider": Shape({}),
    "image": IMAGE,
    "input": Shape(
        {
            "label": Text(2000, plain=True, required=True),
            "hint": Text(2000, plain=True),
            "element": Part({**INTERACTIVE, **TYPED}, required=True),
        }
    ),
    "rich_text": Shape({}),
    "markdown": Shape({"text": Words(12_000, required=True)}),
    "video": VIDEO,
    "file": Shape({"external_id": Words(255, required=True)}),
    "table": Shape({}, (_rows_within(100, 20, same_length=False),)),
    "data_table": Shape({"caption": Words(2000, required=True)}, (_rows_within(101, 20, same_length=True),)),
    "data_visualization": Shape({"title": Words(50, required=True)}, (_drawable_chart,)),
    "task_card": TASK,
    "plan": Shape({"title": Words(255, required=True), "tasks": Parts(50, Part(TASK), least=0)}),
    "card": CARD,
    "carousel": Shape({"elements": Parts(10, Part({"card": CARD}), required=True)}),
    "alert": Shape({"text": Text(200, required=True), "level": Words(20, one_of=ALERT_LEVELS)}, surfaces=("modals",)),
}
NOT_CONTAINED = {"alert", "card", "carousel", "context_actions", "data_table", "data_visualization", "markdown"}
CONTAINED = Part({kind: shape for kind, shape in BLOCKS.items() if kind not in {*NOT_CONTAINED, "plan", "task_card"}})
BLOCKS["container"] = Shape(
    {
        "title": Text(150, plain=True),
        "subtitle": Text(150),
        "child_blocks": Parts(10, CONTAINED, required=True),
    },
    (_collapsed_or_divided, _needs_one_of("title", "rich_text_title")),
    surfaces=("messages",),
)
VIEW_KEYS: Mapping[str, Words] = {"private_metadata": Words(3000), "callback_id": Words(255), "external_id": Words(255)}
HOME = Shape(VIEW_KEYS)
MODAL = Shape(
    {
        **VIEW_KEYS,
        "title": Text(24, plain=True, required=True),
        "submit": Text(24, plain=True),
        "close": Text(24, plain=True),
    },
    (_inputs_need_submit,),
)
