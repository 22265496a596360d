"""The modals in which a plan is changed before it is approved, and in which one that succeeded is taken back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.plans.fields import Field, FieldKind
from bot.views.blocks import Block, View, context, preformatted, section, words
from bot.views.ids import CallbackId, PlanReference
from bot.views.modals import asking, why
from bot.views.signs import Sign
from bot.views.steps import Step, diff
from bot.views.text import code, inline
from tools.values import Value

INPUT, OUT = "v", "out"
"""The action id of every input, and what the box beside an action holds when the action is to be left out."""
TYPED_MOST = 3000
"""Characters an input holds; what is longer, or has letters nobody sees, cannot be shown, and so not changed."""
DIFF_MOST = 2500
CHANGES = (
    "This makes a new plan in place of this one: rehearsed again, judged by the policy anew, and asked about from the "
    "start. Where the policy wants somebody else to approve, you can no longer approve it yourself."
)


class Editable(Value):
    """One action of a plan, as the form shows it."""

    title: str
    target: str
    fields: tuple[Field, ...]


def field_block(number: int, name: str) -> str:
    """The block in which one field of one action is asked for."""
    return f"a{number}.{name}"


def left_out_block(number: int) -> str:
    """The block of the box that leaves one action out."""
    return f"a{number}:out"


def form(reference: PlanReference, actions: Sequence[Editable]) -> View:
    """The typed fields of every action, with their present values."""
    blocks = [block for number, action in enumerate(actions) for block in _action(number, action, len(actions) > 1)]
    blocks.append(context("foot", [CHANGES]))
    return asking(CallbackId.EDIT, "Edit", reference, blocks) | {"submit": words("Replace the plan")}


def undo_form(reference: PlanReference, steps: Sequence[Step]) -> View:
    """What would be put back, as recorded before it was changed, and the question why. `steps` are the way back."""
    titles = [f"{Sign.UNDONE} *{inline(step.title, 250)}*\non {code(str(step.target))}" for step in steps]
    blocks = [
        section("what", [*titles, "This makes a plan of its own: rehearsed, judged by the policy, and asked about."]),
        preformatted("diff", diff(steps, DIFF_MOST)),
        why(),
    ]
    return asking(CallbackId.UNDO, "Undo", reference, blocks) | {"submit": words("Ask to undo it")}


def _action(number: int, action: Editable, several: bool) -> Iterator[Block]:
    counted = f"{number + 1}. " if several else ""
    shown = [field for field in action.fields if _can_be_shown(field.value)]
    nothing = [] if shown else ["It has nothing that could be changed here."]
    title = [f"*{counted}{inline(action.title, 250)}*", f"on {code(action.target)}", *nothing]
    yield section(f"a{number}", title)
    yield from (_input(number, field) for field in shown)
    if several:
        yield _leave_out(number)


def _can_be_shown(value: str) -> bool:
    """Whether an input shows the value as it is: what comes back unseen was not agreed to by whoever pressed submit."""
    return len(value) <= TYPED_MOST and all(line.isprintable() for line in value.split("\n"))


def _input(number: int, field: Field) -> Block:
    asked: Block = {
        "type": "input",
        "block_id": field_block(number, field.name),
        "label": words(field.label),
        "element": _element(field),
        "optional": field.optional,
    }
    return {**asked, "hint": words(field.hint)} if field.hint else asked


def _element(field: Field) -> Block:
    if field.kind is FieldKind.CHOICE:
        options = {choice: _option(choice, choice) for choice in field.choices}
        element: Block = {"type": "static_select", "action_id": INPUT, "options": list(options.values())}
        return element | ({"initial_option": options[field.value]} if field.value in options else {})
    present: Block = {"initial_value": field.value} if field.value else {}
    if field.kind is FieldKind.NUMBER:
        bounds = {"min_value": field.least, "max_value": field.most}
        within: Block = {name: str(bound) for name, bound in bounds.items() if bound is not None}
        return {"type": "number_input", "action_id": INPUT, "is_decimal_allowed": False, **within, **present}
    several_lines = field.kind is FieldKind.LABELS
    element = {"type": "plain_text_input", "action_id": INPUT, "multiline": several_lines, "max_length": TYPED_MOST}
    return element | present


def _leave_out(number: int) -> Block:
    element: Block = {"type": "checkboxes", "action_id": INPUT, "options": [_option("Leave it out", OUT)]}
    block: Block = {
        "type": "input",
        "block_id": left_out_block(number),
        "label": words("This action"),
        "element": element,
    }
    return {**block, "optional": True}


def _option(label: str, value: str) -> Block:
    return {"text": words(label), "value": value}
