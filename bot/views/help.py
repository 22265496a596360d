"""What `/sayso help` and a bare mention answer. The table of commands is a value that the parser shares."""

from __future__ import annotations

from collections.abc import Sequence

from bot.views.blocks import Message, Rendering, context, header, message, section
from bot.views.signs import Sign
from bot.views.text import code, inline
from tools.values import Value

HERE = Rendering("help", "answer", 0)


class Command(Value):
    """One thing people can ask for: how it is typed after `/sayso`, and what it does, in one line."""

    usage: str
    does: str


def answer(commands: Sequence[Command], *, unknown: str | None = None) -> Message:
    """Every command. `unknown` is what was typed, when help is the answer to something not understood."""
    blocks = [header(HERE.part("head"), "What I can do")]
    if unknown is not None:
        blocks.insert(0, section(HERE.part("what"), [f"{Sign.WARNING} I do not know {code(unknown, 80)}."]))
    lines = [f"{code(f'/sayso {command.usage}', 80)} {inline(command.does, 150)}" for command in commands]
    blocks.append(section(HERE.part("commands"), lines))
    law = "I look with read-only tools, and change something only after the right people approve exactly that."
    blocks.append(context(HERE.part("law"), [law]))
    return message("What I can do" if unknown is None else f"I do not know {code(unknown, 80)}", blocks)
