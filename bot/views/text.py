"""Words that are safe to show: untrusted text made harmless, and the few tokens sayso itself writes.

Alert names, log lines, model prose and typed reasons are all untrusted. Each comes through exactly one of `inline`,
`code`, `plain` or `excerpt`, by where it is shown. What Slack acts on (mentions, links, dates) is built here only,
from ids, addresses and times that were checked. Blocks are built in `blocks`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import urlsplit

from bot.views.signs import Sign

NOTHING = "–"
"""Shown for an empty value: Slack refuses an empty text."""

ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
TOKEN = re.compile(r"<(?:[!@#]([^<>|]*)|([a-zA-Z][a-zA-Z0-9+.-]*:[^<>|]*))(?:\|([^<>]*))?>")
TOKEN_OPENING = re.compile(r"<(?=[!@#]|[a-zA-Z][a-zA-Z0-9+.-]*:)")
MARKDOWN_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
MASS_PING = re.compile(r"@+(?=(?:here|channel|everyone|group))", re.IGNORECASE)
SIGN = re.compile("|".join(re.escape(sign) for sign in Sign))
HALF_ENTITY = re.compile(r"&[a-z]*$")
USER, USERGROUP = re.compile(r"[UW](?=[A-Z]*[0-9])[A-Z0-9]{7,20}"), re.compile(r"S(?=[A-Z]*[0-9])[A-Z0-9]{7,20}")
CHANNEL = re.compile(r"[CG](?=[A-Z]*[0-9])[A-Z0-9]{7,20}")
"""Slack ids hold a digit; a name in capitals does not."""


def inline(value: str, most: int = 200) -> str:
    """Untrusted text as one line of mrkdwn: no mention, no link, no code span, none of our signs."""
    quiet = SIGN.sub(lambda sign: sign[0].strip(":"), _one_line(_disarmed(value)).replace("`", "'"))
    while SIGN.search(quiet):
        quiet = SIGN.sub(lambda sign: sign[0].strip(":"), quiet)
    return escape(quiet, most) or NOTHING


def code(value: str, most: int = 150) -> str:
    """Untrusted text as a code span of mrkdwn: names, paths and ids that people copy."""
    return f"`{escape(_one_line(_disarmed(value)).replace('`', chr(39)), most) or NOTHING}`"


def plain(value: str, most: int) -> str:
    """Untrusted text as one line for a `plain_text` object, which shows `&` and `<` as they are."""
    return shorten(_one_line(_disarmed(value)), most) or NOTHING


def excerpt(value: str, most: int) -> str:
    """Untrusted text line by line for a preformatted block, where Slack links nothing, so addresses stay whole."""
    lines = TOKEN_OPENING.sub("‹", _visible(value[: most * 4])).splitlines()
    return shorten("\n".join(line.rstrip() for line in lines).strip("\n"), most).rstrip() or NOTHING


def escape(value: str, most: int) -> str:
    """The three characters Slack reads as control, written out; cut to `most` without halving an entity."""
    return cut(value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"), most)


def cut(line: str, most: int) -> str:
    """A line of ready mrkdwn without tokens, shortened without halving an entity."""
    return line if len(line) <= most else HALF_ENTITY.sub("", line[: most - 1]) + "…"


def shorten(value: str, most: int) -> str:
    """At most this many characters, the last an ellipsis where something is missing."""
    return value if len(value) <= most else value[: most - 1] + "…"


def fit(lines: Iterable[str], most: int) -> str:
    """Ready mrkdwn lines, as many whole ones as fit, and how many were left out. Never cuts inside a token."""
    listed = list(lines)
    room = most - len("\n… and 99999 more lines")
    kept: list[str] = []
    for line in listed:
        if sum(len(each) + 1 for each in kept) + len(line) > (most if len(kept) + 1 == len(listed) else room):
            return "\n".join([*kept, f"… and {len(listed) - len(kept)} more lines"])
        kept.append(line)
    return "\n".join(kept) or NOTHING


def who(party: str) -> str:
    """A person or usergroup by Slack id as a mention; anything else is a name, shown as words."""
    if USER.fullmatch(party):
        return f"<@{party}>"
    if USERGROUP.fullmatch(party):
        return f"<!subteam^{party}>"
    return inline(party, 80)


def channel_link(channel: str) -> str:
    """A channel by its Slack id, as a link to it; anything else is a name, shown as words."""
    return f"<#{channel}>" if CHANNEL.fullmatch(channel) else inline(channel, 80)


def link(url: str | None, label: str) -> str:
    """A link to an address of ours. `label` may be untrusted; an address that is not http(s) shows the label only."""
    words = inline(label, 150)
    if url is None or urlsplit(url).scheme not in ("http", "https") or re.search(r"[<>|\s\x00-\x1f]", url):
        return words
    return f"<{url.replace('&', '&amp;')}|{words.replace('|', '/')}>" if len(url) <= 1000 else words


def counted(number: int, noun: str) -> str:
    """`1 plan`, `3 plans`, `no plans`."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def moment(at: datetime) -> str:
    """A day and time in the reader's own zone ("today at 09:08")."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{utc(at)}>"


def clock(at: datetime) -> str:
    """A time of day in the reader's own zone."""
    return f"<!date^{int(at.timestamp())}^{{time}}|{utc(at)}>"


def utc(at: datetime) -> str:
    """A time for places that take words only: notifications, plain text, fallbacks."""
    return at.astimezone(UTC).strftime("%d %b %H:%M UTC")


def _disarmed(value: str) -> str:
    """Tokens and Markdown links become their labels or what they name; addresses and mass pings stop being such."""
    words = _visible(value[:20_000])
    words = MARKDOWN_LINK.sub(r"\1", TOKEN.sub(lambda token: token[3] or token[2] or token[1], words))
    words = TOKEN_OPENING.sub("‹", words)
    return MASS_PING.sub("", words).replace("://", "[:]//")


def _visible(value: str) -> str:
    """Without terminal colours, control, bidirectional, zero-width and surrogate characters."""
    kept = (
        character
        for character in ANSI.sub("", value).replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
        if character == "\n" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
    )
    return "".join(kept)


def _one_line(value: str) -> str:
    return " ".join(value.split())
