"""The one door through which outside text reaches a model, a log line, the record or Slack.

Here: finding credentials in free text and replacing each by a stable placeholder, and dropping characters that show
one thing and say another (terminal codes, bidirectional and zero-width marks). Not here: what never to fetch at all
(the data of Secrets, the values of environment variables), which is for each read to know.

Kept on purpose: e-mail addresses (they say who changed or owns something, and open nothing), ARNs, account numbers,
hashes, trace ids, public certificates. A bare password with no name beside it cannot be told from a word.

Every pattern starts at a literal or a boundary and repeats disjoint classes, so that a hostile line of any length
costs time in proportion to its length.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import math
import re
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

_key: bytes = secrets.token_bytes(32)


def use_key(key: bytes) -> None:
    """Make placeholders the same in every process that uses this key. Without it they last as long as the process."""
    global _key
    _key = key


def redact(text: str) -> str:
    """`text` without credentials and without invisible characters. Doing it twice changes nothing more.

    Each credential becomes `‹secret:aws-key:3f2a›`: the label says what it was, the four digits (a keyed hash) are
    the same wherever the same credential appears. Rules run until none finds anything: every round replaces
    characters that are not in a placeholder, so it ends, nearly always after one round and one look.
    """
    before, after = "", _visible(text)
    while after != before:
        before, after = after, _round(after)
    return after


def _round(text: str) -> str:
    """Every rule once, and then what is encoded whole."""
    text = _plain_round(text)
    return _BASE64.sub(_replace_base64, _WRAPPED_BASE64.sub(_replace_base64, text))


def _plain_round(text: str) -> str:
    """Every rule once: those that know a credential by its own shape before those that go by what is beside it."""
    for rule in _RULES:
        if rule.hint is None or rule.hint.search(text):
            text = rule.pattern.sub(rule.replace, text)
    return text


# --- what is not visible ----------------------------------------------------------------------------------------

_PLACEHOLDER = "‹secret:[a-z0-9-]{1,20}:[0-9a-f]{4}›"
_TERMINAL = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[@-Z\\^_]")
_LINE_END = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_STRAY_BRACKET = re.compile(f"{_PLACEHOLDER}|[‹›]")


def _visible(text: str) -> str:
    """`text` as a person would read it. Placeholder brackets become ours alone, so that no rule can stop inside one."""
    text = _LINE_END.sub("\n", _TERMINAL.sub("", text))
    text = _HALF_CHARACTER.sub("\ufffd", _INVISIBLE.sub("", text))
    return _STRAY_BRACKET.sub(lambda m: m[0] if len(m[0]) > 1 else "<" if m[0] == "‹" else ">", text)


# --- replacing --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rule:
    """One way to find a credential. A capturing group holds the credential; a match without one is left as it is.

    `hint` is a cheap test that spares most texts the rule; `check` may still say no.
    """

    label: str
    pattern: re.Pattern[str]
    check: Callable[[str], bool] = bool
    hint: re.Pattern[str] | None = None

    def replace(self, match: re.Match[str]) -> str:
        """The match with its credential replaced."""
        found = next((group for group, value in enumerate(match.groups(), 1) if value), None)
        if found is None or re.fullmatch(_PLACEHOLDER, match[found]) or not self.check(match[found]):
            return match[0]
        start, end = match.start(found) - match.start(), match.end(found) - match.start()
        return match[0][:start] + _placeholder(self.label, match[found]) + match[0][end:]


def _placeholder(label: str, secret: str) -> str:
    """The stand-in for one credential. Line breaks do not count, so a wrapped one is the same one."""
    plain = re.sub(r"\\[nr]|[\s\\]+", "", secret)
    shape = next((rule.label for rule in _SHAPES if rule.pattern.fullmatch(plain) and rule.check(plain)), label)
    return f"‹secret:{shape}:{hmac.new(_key, plain.encode(), hashlib.sha256).hexdigest()[:4]}›"


def _looks_random(value: str) -> bool:
    """Whether 40 characters look drawn by lot: both cases, a digit or sign, and over 4.3 bits a character.

    Forty random base64 characters have 4.85 bits on average; paths and joined words stay near 4.
    """
    counts = Counter(value)
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    mixed = any(c.isupper() for c in value) and any(c.islower() for c in value) and not value.isalpha()
    return mixed and bits > 4.3


def _three_or_more(value: str) -> bool:
    """Shorter values are noise: `token: }`."""
    return len(value) >= 3


# --- known by their own shape -----------------------------------------------------------------------------------

_WRAP = r"\\?\n[ \t]*"
"""A line break inside a value, as terminals, YAML and shell continuation make them."""
_LINE = rf"(?:{_WRAP}[\w~+/=.-]{{8,}}(?=[\"',;]?[ \t]*(?:\n|\Z)))"
"""A further line of a wrapped value: one word alone on its line."""
_WORD_LINE = rf"(?:{_WRAP}[^\s\"'&;,:]{{8,}}(?=[\"',;]?[ \t]*(?:\n|\Z)))"
"""The same, of any word: for what a name says is a credential."""
_CERTIFICATE = r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s\\]+-----END CERTIFICATE-----"
_START = r"(?<![A-Za-z0-9])"
_PRIVATE_KEY = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_PRIVATE_KEY_BODY = rf"[^-]*+(?:-{{1,4}}+(?!-)[^-]*+)*+-----END {_PRIVATE_KEY}"


def _shape(label: str, pattern: str, check: Callable[[str], bool] = bool) -> _Rule:
    return _Rule(label, re.compile(f"{_PLACEHOLDER}|{_CERTIFICATE}|({pattern})"), check)


_SHAPES = (
    # with its END line, or, when the text was cut, as far as its lines go on
    _shape("private-key", rf"-----BEGIN {_PRIVATE_KEY}(?:{_PRIVATE_KEY_BODY}|(?:(?:\s|\\n)*[A-Za-z0-9+/=]{{16,}})*)"),
    _shape("slack-token", rf"{_START}(?:xox[a-z]|xapp|xwfp)-[\w.-]{{6,}}{_LINE}?"),
    _shape("slack-webhook", r"(?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[\w/+-]{10,}"),
    _shape("jwt", rf"(?<![\w-])eyJ[\w-]{{5,}}(?:\.[\w-]+{_LINE}?|{_LINE}){{1,4}}"),
    _shape(
        "git-token",
        rf"{_START}(?:gh[opsur]_|github_pat_|gl[a-z]{{2,5}}-|ATBB|ATCTT)(?:[\w-]{{4,}}{_LINE}|[\w-]{{16,}})",
    ),
    _shape("api-key", rf"{_START}(?:sk-|[rs]k_(?:live|test)_|AIza|npm_|pypi-|hv[bs]\.|SG\.)[\w.-]{{20,}}{_LINE}?"),
    _shape("aws-key", rf"{_START}(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)(?:(?:{_WRAP})?[A-Z0-9]){{16}}(?![A-Z0-9])"),
    _shape("aws-secret", r"(?<![A-Za-z0-9/+_.-])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=_.-])", _looks_random),
)

# --- known by what stands beside them ---------------------------------------------------------------------------

_NAME = (
    r"(?:pass(?:word|wd|phrase|code)|pwd|[_-]pass(?=[\"'\\]*[:=])"
    r"|(?<!\d:)secret(?!smanager)|token(?!s\b|iz)|credentials?(?![\w-])"
    r"|(?:api|access|account|private|signing|encryption|client|shared|master|ssh|licen[cs]e)[_.-]?key(?![_-]?id)"
    r"|\bauth(?=[\"'\\]*[:=])|session[_-]?id\b|authorization|cookie)"
    r"(?![\w.-]{0,40}(?:names?|refs?|path|file|arn|seconds|type|count|limit|url|uri)[\"'\\]{0,6}[ ]{0,3}[:=])"
    r"[\w.-]{0,40}"
)
"""The end of a name that says its value is a credential. `secretName`, `tokenPath` and the like only point at one."""
_NAME_HINT = re.compile(r"(?i)pass|pwd|secret|token|credential|key|auth|session|cookie|bearer")
_IS = r"(?::=|=>|[:=]|%3D)[ \t]*"
_SEPARATOR = rf"(?:[\"'\\]{{0,6}}{_IS}(?:\n[ \t]+(?!-[ \t]|[\w.-]+:\s))?|[\"'\\]{{0,6}}[ \t]{{1,3}}{_IS}(?=[\"'\\]))"
_HARMLESS = (
    r"(?!(?:true|false|null|none|nil|\$[({][\w.:-]*[)}]|\*{3,}|<[a-z][^<>\n]{1,80}>)(?:[\s\"',;&)}\]]|\Z)"
    # how `tools.reads` words where a variable comes from
    r"|from (?:secret|configmap|field) |value set \(\d+ characters\)|(?:absent|empty|another value)(?!\S)"
    r"|(?:bearer|basic|digest|token)[ ]‹)"
)
_IN_QUOTES = r"(?:[^{0}\\\n]|\\[\s\S])*+"
_QUOTED = "[bru]?(?:{})".format(
    "|".join(
        rf"{quote}({inside}(?:\n{inside}){{0,3}}(?={quote})|{inside})"
        for quote, inside in (('"', _IN_QUOTES.format('"')), ("'", _IN_QUOTES.format("'")))
    )
    + r"|\\{1,4}[\"']((?:(?!\\{1,4}[\"'])[^\n])+)"
)
"""A value in double, single or escaped quotes, over up to four lines; to the end of the line if no quote closes it."""
_BARE = rf"((?![{{\[|>\"'\\])(?:[^\s\"'&;,]|[&;,](?![\w.-]{{1,40}}=|\s|\Z))+{_WORD_LINE}{{0,200}})"


def _beside(label: str, pattern: str, check: Callable[[str], bool], hint: re.Pattern[str]) -> _Rule:
    return _Rule(label, re.compile(f"(?im:{_PLACEHOLDER}|{pattern})"), check, hint)


_URL = re.compile("://")
_IN_ADDRESSES = (
    _beside(
        "password",
        r"(?<=://)[^\s/:@\"'<>]{0,100}:((?!\d{1,5}\n)[^\s/\"'<>]{1,500}(?:\n[ \t]*[^\s/\"'<>]{1,200})?)@(?=[\w\[.-])",
        bool,
        _URL,
    ),
    _beside("password", r"(?<=%3A%2F%2F)[^\s%]{0,100}%3A([^\s&]{1,300})%40", bool, re.compile("(?i)%3A%2F%2F")),
    _beside("password", r"(?<=://)([\w.~-]{20,200})@(?=[\w\[])", bool, _URL),
    _beside(
        "signature",
        r"(?<![a-z-])(?:x-(?:amz|goog)-(?:signature|credential|security-token)|awsaccesskeyid|signature|sig)"
        rf"(?:=|%3D)([^&\s\"'<>\\,]{{3,}}{_LINE}?)",
        bool,
        re.compile("(?i)sig|amz|goog|awsaccess"),
    ),
)
_NAMED = tuple(
    _beside("password", pattern, _three_or_more, _NAME_HINT)
    for pattern in (
        rf"\b(?:authorization[\"'\\]*[:=][ \t]*[\"']?(?:[a-z0-9-]{{1,20}}[ ])?|bearer[ ])([\w.~+/=-]{{8,}}{_LINE}?)",
        r"\b(?:set-)?cookie:[ \t]*(\S[^\n]*)",
        # a container's environment: the name in one field, the value in the next
        rf"name[\"'\\]{{0,6}}:[ ]?[\"'\\]{{0,6}}[\w.-]{{0,60}}?{_NAME}[\"'\\]{{0,6}},?\s{{0,40}}[\"'\\]{{0,6}}"
        rf"value[\"'\\]{{0,6}}:[ \t]*{_HARMLESS}(?:{_QUOTED}|([^\s\"'\\{{\[][^\n\"',}}]*))",
        # a YAML block, then a YAML scalar of several words
        rf"{_NAME}[\"']?:[ \t]*[|>][+-]?[ \t]*\n([ \t]+\S[^\n]*(?:\n[ \t]+\S[^\n]*)*)",
        rf"^[ \t]{{0,60}}(?:-[ ])?[\w.-]{{0,60}}?{_NAME}:[ \t]+{_HARMLESS}([^\s\"'{{\[|>&*][^\n]*)",
        rf"{_NAME}{_SEPARATOR}{_HARMLESS}(?:{_QUOTED}|{_BARE})",
        rf"(?<![\w-])--[a-z-]{{0,40}}?{_NAME}[ ]{_HARMLESS}(?!-)(?:{_QUOTED}|{_BARE})",
        rf"<[\w:.-]{{0,40}}?{_NAME}>([^<]+)(?=</)",
    )
)
_RULES = (_SHAPES[0], *_IN_ADDRESSES, *_SHAPES[1:], *_NAMED)

# --- encoded whole ----------------------------------------------------------------------------------------------

_LETTERS = "[A-Za-z0-9+/_-]"
_NOT_BASE64 = rf"{_PLACEHOLDER}|{_CERTIFICATE}"
_BASE64 = re.compile(rf"{_NOT_BASE64}|(?<![\w+/-])({_LETTERS}{{16,}}={{0,2}})(?![\w+/=-])")
_WRAPPED_BASE64 = re.compile(
    rf"{_NOT_BASE64}|(?<![\w+/-])({_LETTERS}{{16,}}(?:\n[ \t]*{_LETTERS}{{4,}}(?=={{0,2}}[ \t]*(?:\n|\Z)))+={{0,2}})"
)


def _replace_base64(match: re.Match[str]) -> str:
    """Base64 (one level deep) that says something a rule would replace is replaced whole."""
    if match[1] is None:
        return match[0]
    plain = re.sub(r"\s", "", match[1]).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        said = base64.b64decode(plain + "=" * (-len(plain) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return match[0]
    return match[0] if _plain_round(said) == said else _placeholder("base64", match[1])
