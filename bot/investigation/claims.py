"""Whether the names and numbers in a sentence occur in what the sentence rests on. Compared, never understood.

A quote proves that some words were read; a sentence may still say "7 restarts" over a quote that says 3. What cannot
be compared (an opinion, a plain English word) passes: a model's sentences are shown as unverified all the same. What
can be compared and is not found makes the sentence fall. Numbers are compared with their units, so `512Mi` is `0.5Gi`
and is not `512`; names as whole words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import NamedTuple

_TIME = re.compile(
    r"(?<![\w:.])(?:\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}[\d:.]*Z?)?|\d{1,2}:\d{2}(?::\d{2})?)(?![\w:]*\w)"
)
_CREDENTIAL = re.compile(r"\S*‹[^›]*›")
"""What `tools.redaction` left of one."""
_QUOTED = re.compile(r"`([^`\n]{2,120})`|\"([^\"\n]{2,120})\"|“([^”\n]{2,120})”|(?<!\w)'([^'\n]{2,120})'(?!\w)")
_NUMBER = re.compile(
    r"(?<![\w.])(?<![A-Za-z]-)(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?P<part>\.\d+)?"
    r"(?:\s?(?P<percent>%)|\s?(?P<unit>[A-Za-z]+))?(?!\w)(?!\.\d)(?!-[A-Za-z])"
)
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th|x)(?!\w)")
_WORD = re.compile(r"[A-Za-z0-9](?:[\w./:@#=~-]*[A-Za-z0-9])?")
_NAMELIKE = re.compile(r"[-_./:@#=~]|[a-z][A-Z]|[A-Z]{2}[a-z]|[A-Za-z]\d|\d[A-Za-z]")
_COMPOUND = re.compile(
    r"(?:re|non|pre|post|over|under|un|self|auto|multi|cross|co|mid|out|up|down|in|on|off|to|by|read|write|long|short|"
    r"high|low|full|half|well|old|new|end|start|run|fail|roll|time|back|crash|error|health|memory|cpu|disk|first|second|"
    r"last|one|two|three|single|so|too|most|least|more|less|all|no|not|and|or|client|server|load|exit|per|pull|restart|"
    r"follow|step|real|hard|soft|set|is|e|i)(?:[-/.][a-z]+)+",
    re.IGNORECASE,
)
"""Compound words of English: `out-of-memory`, `crash-looping`, `and/or`. A made-up name of such parts passes."""
_KNOWN = frozenset(
    {
        *("kubernetes", "openai", "postgresql", "mysql", "github", "cloudwatch", "cloudtrail", "dynamodb"),
        *("configmap", "configmaps", "statefulset", "statefulsets", "daemonset", "daemonsets", "replicaset"),
        *("replicasets", "cronjob", "cronjobs", "networkpolicy", "networkpolicies", "endpointslice"),
        *("endpointslices", "poddisruptionbudget", "horizontalpodautoscaler", "persistentvolumeclaim"),
        *("resourcequota", "storageclass", "serviceaccount", "containerd", "javascript", "alertmanager", "s3"),
        *("ec2", "ipv4", "ipv6", "k8s", "2xx", "3xx", "4xx", "5xx", "http/1", "http/2", "oauth2", "sha256"),
        *("utf-8", "sev1", "sev2", "sev3", "sev4"),
    }
)
"""Words with the look of a name that name no one thing."""
_SPELLED = {
    word: str(number)
    for number, word in enumerate(("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), start=2)
}
"""Numbers in letters. `one` is left alone: most of the time it counts nothing."""


class _Measure(NamedTuple):
    """A number with its unit: how much, of what, and how many of the base one unit is."""

    amount: Decimal
    of: str
    factor: Decimal


def _units() -> dict[str, tuple[tuple[str, str], ...]]:
    """What each unit may measure, and its factor. A lone `m` is minutes or thousandths, so it is both."""
    seconds = {
        "0.001": ("ms", "millisecond", "milliseconds"),
        "1": ("s", "sec", "secs", "second", "seconds"),
        "60": ("min", "mins", "minute", "minutes"),
        "3600": ("h", "hr", "hrs", "hour", "hours"),
        "86400": ("d", "day", "days"),
    }
    units: dict[str, tuple[tuple[str, str], ...]] = {
        name: (("s", factor),) for factor, names in seconds.items() for name in names
    }
    for number, size in enumerate("KMGT", start=1):
        decimal, binary = str(1000**number), str(1024**number)
        units |= dict.fromkeys((f"{size}i", f"{size}iB"), (("B", binary),))
        units |= dict.fromkeys((f"{size}B", f"{size.lower()}B"), (("B", decimal),))
        units[size] = (("B", decimal), ("", decimal))
    return units | {"m": (("s", "60"), ("cpu", "0.001")), "k": (("", "1000"), ("B", "1000")), "percent": (("%", "1"),)}


_UNITS = _units()


@dataclass(frozen=True)
class Grounds:
    """What a sentence rests on: the texts its numbers must stand in, and those its names must."""

    numbers: str
    names: str

    def has_number(self, wanted: Iterable[_Measure]) -> bool:
        """Whether this number stands there, in its own unit or another of the same kind, or as a longer one."""
        return any(_same(one, known) for one in wanted for known in self._measures)

    def has_name(self, name: str) -> bool:
        """Whether this name stands there as a whole word; of a path, every part may stand apart."""
        return _stands(name, self.names) or ("/" in name and all(_stands(part, self.names) for part in name.split("/")))

    def has_time(self, time: str) -> bool:
        """Whether this moment stands there, perhaps more precisely."""
        return re.search(rf"(?<!\d){re.escape(time)}", self.numbers) is not None

    def has_words(self, words: str) -> bool:
        """Whether these words stand there, in this order."""
        return _stands(" ".join(words.split()), self._words)

    @cached_property
    def _words(self) -> str:
        return " ".join(self.names.split())

    @cached_property
    def _measures(self) -> tuple[_Measure, ...]:
        return tuple(one for match in _NUMBER.finditer(_TIME.sub(" ", self.numbers)) for one in _measured(match))


def missing(sentence: str, grounds: Grounds, names: Iterable[str] = ()) -> tuple[str, ...]:
    """The names and numbers of a sentence that its grounds do not hold, as they are written there; none is good.

    `names` are plain words that name something of the incident (`cart`): where one is used, it must stand there too.
    """
    return tuple(dict.fromkeys(_missing(sentence, grounds, frozenset(name.lower() for name in names))))


def sentences(text: str) -> tuple[str, ...]:
    """A text's sentences."""
    return tuple(part for part in re.split(r"(?<=[.!?])\s+(?=[^a-z\s])", text.strip()) if part)


def _missing(sentence: str, grounds: Grounds, names: frozenset[str]) -> Iterator[str]:
    shown = _CREDENTIAL.sub(" ", sentence)
    for match in _QUOTED.finditer(shown):
        words = next(filter(None, match.groups()))
        if not grounds.has_words(words):
            yield words
    rest = _QUOTED.sub(" ", shown)
    yield from (match[0] for match in _TIME.finditer(rest) if not grounds.has_time(match[0]))
    rest = _TIME.sub(" ", rest)
    for match in _WORD.finditer(rest):
        word = match[0]
        if word.lower() in _SPELLED:
            spoken = _NUMBER.finditer(_SPELLED[word.lower()])
            if not _stands(word, grounds.names) and not grounds.has_number(
                one for it in spoken for one in _measured(it)
            ):
                yield word
        elif (_is_name(word) or word.lower() in names) and not grounds.has_name(word):
            yield word
    for match in _NUMBER.finditer(_ORDINAL.sub(r"\1", rest)):
        if match[0].lower() not in _KNOWN and not grounds.has_number(_measured(match)):
            yield match[0].strip()


def _is_name(word: str) -> bool:
    """Whether a word looks like the name of a thing and not like English or a number."""
    if word in _UNITS or word.lower() in _KNOWN or _COMPOUND.fullmatch(word) or _ORDINAL.fullmatch(word):
        return False
    if all(_NUMBER.fullmatch(part) for part in re.split("[/-]", word)):
        return False  # `512Mi`, `0/3` and `3-5` are numbers
    return _NAMELIKE.search(word) is not None


def _measured(match: re.Match[str]) -> Iterator[_Measure]:
    """What a number measures. A word that is no unit (`7 restarts`) leaves it a plain one."""
    amount = Decimal(match["whole"].replace(",", "") + (match["part"] or ""))
    unit = "percent" if match["percent"] else match["unit"] or ""
    for of, factor in _UNITS.get(unit) or _UNITS.get(unit.lower() if len(unit) > 1 else "") or (("", "1"),):
        yield _Measure(amount, of, Decimal(factor))


def _same(said: _Measure, known: _Measure) -> bool:
    # Metrics come without units, so a plain number there may be a percentage; nothing else is taken for another.
    if said.of != known.of and not (said.of == "%" and known.of == ""):
        return False
    if said.amount * said.factor == known.amount * known.factor:
        return True
    return said.factor == known.factor and _rounded(known.amount, _places(said.amount)) == said.amount


def _places(amount: Decimal) -> int:
    return -int(amount.as_tuple().exponent)


def _rounded(amount: Decimal, places: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) if places < _places(amount) else amount


def _stands(name: str, text: str) -> bool:
    return re.search(rf"(?<!\w)(?<!\w-){re.escape(name)}(?!-?\w)", text, re.IGNORECASE) is not None
