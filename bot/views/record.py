"""What the audit channel is told about the record itself: its head once a day, and that it is not what it was."""

from __future__ import annotations

from bot.views.blocks import Message, Rendering, context, message, section
from bot.views.signs import Sign
from bot.views.text import code, inline

HERE = Rendering("rec", "audit", 0)
"""Each is said once and never edited, so block ids need no counter."""


def daily_head(size: int, head: str, day: str) -> Message:
    """How far the record has come. Whoever reads it in a year holds a copy nobody could change afterwards."""
    told = f"Audit record on {inline(day)}: entry {size} is the last one, and begins with {code(head)}"
    check = f"Whether they are still the same: {code(f'sayso audit verify --seen {size}:{head}')}"
    plain = f"Audit record on {day}: entry {size} is the last one, and begins with {head}"
    return message(plain, [section(HERE.part("head"), [f"{Sign.LOCKED} {told}"]), context(HERE.part("how"), [check])])


def alarm(seq: int, fault: str, memory: str | None) -> Message:
    """The record is not what it was. Nobody repairs that but people."""
    told = "The audit record is not what it was: I no longer sign it"
    lines = [
        f"{Sign.FIRING} *{told}.*",
        f"Entry {seq}: {inline(fault, 600)}",
        f"Look now: {code('sayso audit verify')} names the first bad entry. Keep a copy of the database as it is.",
    ]
    restored = (
        f"If you restored a backup on purpose: move {code(memory, 300)} away and restart sayso." if memory else ""
    )
    foot = [context(HERE.part("how"), [restored])] if restored else []
    return message(told, [section(HERE.part("alarm"), lines), *foot])
