"""The ways a text can be read: as it stands, over its line ends, percent-decoded, out of base64. Reading, not judging.

A model reads all of these without being asked to. Whatever compares its answer with text has to read them too.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from urllib.parse import unquote

LONGEST = 100_000
"""Characters of one text that are read; evidence is capped far below."""
_LETTER = "[A-Za-z0-9_+/-]"
_BASE64 = re.compile(rf"(?<!{_LETTER}){_LETTER}{{6,4000}}={{0,2}}(?!{_LETTER}|=)")


def readings(text: str) -> tuple[str, ...]:
    """Every reading of a text, the plain one first; each once."""
    plain = text[:LONGEST]
    joined = "".join(line.strip().removesuffix("\\") for line in plain.split("\n"))
    found = (plain, joined, unquote(plain), *decoded(plain), *decoded(joined))
    return tuple(dict.fromkeys(found))


def decoded(text: str) -> Iterator[str]:
    """What the words of a text that are base64 say, where that is text too."""
    for match in _BASE64.finditer(text):
        word = match[0].rstrip("=").replace("-", "+").replace("_", "/")
        try:
            said = base64.b64decode(word + "=" * (-len(word) % 4), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
        if said.isprintable():
            yield said
