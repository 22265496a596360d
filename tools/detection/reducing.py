"""A flood of log lines as the few hundred words that matter, within a budget of tokens.

Errors come first, every distinct one of them; then what is new or much more frequent than before, warnings, and the
rest by how often it is said; at last the newest lines as they are. The order of sacrifice when room is short: the last
lines, the rest, then the length of each error. No error is ever left out: where even the shortest form of all of them
needs more than the budget, the budget gives way (memory does not: `templates` keeps a thousand kinds at most).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tools.detection.templates import Miner, Template
from tools.detection.units import Unit

WIDTHS = (900, 450, 240, 140, 80)
"""Characters an error may take, tried in this order until all of them fit."""
REST = 160
SHARE_OF_LAST = 0.15
BYTES_A_TOKEN = 3
"""Errs upwards: English prose has about four, logs with ids and numbers come down to three."""


def tokens(text: str) -> int:
    """How many tokens a text takes at most, by a rule of thumb that errs upwards."""
    return math.ceil(len(text.encode("utf-8", "replace")) / BYTES_A_TOKEN)


def reduce(lines: Sequence[str], budget: int = 2_000, before: Sequence[str] = ()) -> str:
    """What the lines say, in about `budget` tokens. `before` are earlier lines, to tell what is new."""
    miner = Miner()
    miner.add(before)
    miner.begin_window()
    miner.add(lines)
    offset = len(before)
    said = [(one, earlier) for one, earlier in miner.templates() if one.count > earlier]
    errors = [(one, earlier) for one, earlier in said if one.trouble]
    others = [(one, earlier) for one, earlier in said if not one.trouble]
    parts = [_title(lines, len(said), len(errors))]
    parts += _errors(errors, offset, bool(before), budget - tokens(parts[0]) - 20)
    room = budget - sum(map(tokens, parts)) - len(parts)
    last = _last(lines, int(min(room, budget) * SHARE_OF_LAST))
    parts += _others(others, offset, bool(before), room - sum(map(tokens, last)) - 20)
    return "\n".join((*parts, *last))


def _title(lines: Sequence[str], kinds: int, errors: int) -> str:
    return f"{len(lines):,} lines say {kinds} different things; {errors} of them are errors."


def _errors(errors: list[tuple[Template, int]], offset: int, compared: bool, room: int) -> list[str]:
    """Every error, as long as all of them fit."""
    if not errors:
        return []
    ordered = sorted(errors, key=lambda one: (one[1] > 0, -one[0].level, -one[0].count))
    for width in WIDTHS:
        shown = ["Errors:", *(_line(one, earlier, offset, compared, width) for one, earlier in ordered)]
        if sum(map(tokens, shown)) + len(shown) <= room:
            break
    return shown


def _others(others: list[tuple[Template, int]], offset: int, compared: bool, room: int) -> list[str]:
    """What is not an error: new and surging first, then warnings, then what is said most."""
    ordered = sorted(others, key=lambda one: (compared and one[1] > 0, -one[0].level, -one[0].count))
    shown: list[str] = []
    for number, (one, earlier) in enumerate(ordered):
        line = _line(one, earlier, offset, compared, REST)
        room -= tokens(line) + 1
        if room < 0:
            missing = ordered[number:]
            more = sum(each.count - before for each, before in missing)
            return [*_headed(shown), f"… and {len(missing)} other messages ({more} lines), none of them an error"]
        shown.append(line)
    return _headed(shown)


def _headed(shown: list[str]) -> list[str]:
    return ["Others:", *shown] if shown else []


def _last(lines: Sequence[str], room: int) -> list[str]:
    """The newest lines that fit, as they are."""
    shown: list[str] = []
    for line in reversed(lines):
        cut = line[:300]
        room -= tokens(cut) + 1
        if room < 0:
            break
        shown.insert(0, cut)
    return ["Last lines:", *shown] if shown else []


def _line(template: Template, earlier: int, offset: int, compared: bool, width: int) -> str:
    """`x12 (lines 3 to 980, new): ERROR dial tcp ...`."""
    count = template.count - earlier
    first, last = max(template.first - offset, 0) + 1, template.last - offset + 1
    place = f"line {last}" if count == 1 else f"to line {last}" if earlier else f"lines {first} to {last}"
    told = f", {earlier} before" if compared and earlier else ", new" if compared else ""
    return f"x{count} ({place}{told}): {_shortened(template.example, width)}"


def _shortened(example: str, width: int) -> str:
    """An example in one line of so many characters: of a trace, what it says, without the frames between."""
    sayings = Unit(0, example.split("\n")).sayings()
    each = max(width // len(sayings), min(width, 40))
    cut = [one if len(one) <= each else one[: each - 1] + "…" for one in (line.strip() for line in sayings)]
    joined = " | ".join(cut)
    return joined if len(joined) <= width else joined[: width - 1] + "…"
