"""One sign: words by which programs tell of a family, and the sentence that amounts to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import count

from tools.diagnosis.logs.families import Family

HOST = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_])?"
"""A host's name or IPv4 address."""
FILE = r"['\"‘`]?(?P<s>/[^\s'\"’`:,)]{1,300})['\"’`]?"
QUOTED = r"['\"‘`](?P<s>[^'\"’`\n]{1,200})['\"’`]"


@dataclass(frozen=True)
class Sign:
    """Words that tell of a family. `hints` are lower-case literals, one of which every match holds."""

    family: Family
    says: str
    """One sentence; `{}` is the subject, or `otherwise` where the line names none."""
    otherwise: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]


def sign(family: Family, says: str, otherwise: str, hints: str, *words: str) -> Sign:
    """A sign from its wordings, those that name more first. `(?P<s>...)`, `%HOST` and `%FILE` capture the subject."""
    joined = "|".join(words).replace("%HOST", f"(?P<s>{HOST})").replace("%FILE", FILE).replace("%QUOTED", QUOTED)
    numbers = count(1)
    named = re.sub(r"\(\?P<s>", lambda _: f"(?P<s{next(numbers)}>", joined)
    return Sign(family, says, otherwise, tuple(hints.split("|")), re.compile(named, re.IGNORECASE))
