"""Cursors: a page of a list, and where the next one starts. A cursor is opaque to the caller and "" at the end."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TypeVar

from deploy.sandbox.workspace.wire import SlackError

MOST, USUAL = 1_000, 100
Item = TypeVar("Item")


def page(items: Sequence[Item], limit: int, cursor: str) -> tuple[list[Item], str]:
    """Up to `limit` items (0: the usual 100) from the cursor on, and the cursor after them."""
    start = _offset(cursor)
    end = start + min(limit or USUAL, MOST)
    return list(items[start:end]), _cursor(end) if end < len(items) else ""


def _cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(f"offset:{offset}".encode()).decode()


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        word, _, number = base64.urlsafe_b64decode(cursor).decode().partition(":")
    except ValueError:  # not base64, not UTF-8
        raise SlackError("invalid_cursor") from None
    if word != "offset" or not number.isdecimal():
        raise SlackError("invalid_cursor")
    return int(number)
