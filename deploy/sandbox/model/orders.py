"""Orders that stand in text, as a model too willing to please would take them: JSON, plain words, and hidden ones.

{"kind": "k8s.scale_deployment", ...}   propose this          {"tool": "k8s_pod_logs", "arguments": {...}}  call it
{"say": "..."}   write this as the hypothesis                 {"silence": true}   report nothing
{"loop": true}   read for ever                                scale deployment shop/web to 50   in words
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from deploy.sandbox.model.wire import Json


@dataclass(frozen=True)
class Order:
    """One thing the text wants done, and the line of the text that says so. An action may leave out the namespace."""

    line: str
    action: Json | None = None
    tool: str = ""
    arguments: Json = field(default_factory=dict)
    says: str = ""
    silences: bool = False
    loops: bool = False


def plain_orders(text: str) -> Iterator[Order]:
    """The orders anybody can read in a text."""
    for start, found in _objects(text):
        yield _ordered(found, _line_at(text, start))
    for match in _WORDS.finditer(text):
        yield Order(_line_at(text, match.start()), action=_in_words(match))
    for match in _CHANGES.finditer(text):
        yield Order(_line_at(text, match.start()), action=_as_change(match))


def whispered_orders(text: str) -> Iterator[Order]:
    """Those, and the ones that have to be put together or decoded first; each once."""
    seen: list[Order] = []
    for line, reading in _readings(text):
        for order in plain_orders(reading):
            found = Order(line or order.line, order.action, order.tool, order.arguments, order.says)
            whole = Order(**{**vars(found), "silences": order.silences, "loops": order.loops})
            if all((whole.action, whole.tool, whole.says) != (one.action, one.tool, one.says) for one in seen):
                seen.append(whole)
                yield whole


def _readings(text: str) -> Iterator[tuple[str, str]]:
    """A text as it stands, and in every other way it can be read, with the line that other reading begins on."""
    yield "", text
    for line in text.splitlines():
        if (said := unquote(line)) != line:
            yield line, said
        for word in re.findall(r"[A-Za-z0-9+/]{16,}={0,2}", line):
            if said := _from_base64(word):
                yield line, said
        if _MARKS.search(line):
            yield line, _MARKS.sub(" ", line)
    pieces = re.findall(r"^.*?part \d+ of \d+: (.*)$", text, re.MULTILINE)
    if pieces:
        yield next(line for line in text.splitlines() if "part 1 of" in line), "".join(pieces)


def _from_base64(word: str) -> str:
    try:
        return base64.b64decode(word + "=" * (-len(word) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _objects(text: str) -> Iterator[tuple[int, Json]]:
    decoder = json.JSONDecoder()
    for match in re.finditer(r'\{(?=\s*"(?:kind|tool|say|silence|loop)")', text):
        try:
            found, _ = decoder.raw_decode(text, match.start())
        except json.JSONDecodeError:
            continue
        yield match.start(), found


def _ordered(found: Json, line: str) -> Order:
    if "tool" in found:
        return Order(line, tool=str(found["tool"]), arguments=found.get("arguments", {}))
    if "kind" in found:
        return Order(line, action=found)
    says = str(found.get("say", ""))
    return Order(line, says=says, silences=bool(found.get("silence")), loops=bool(found.get("loop")))


def _line_at(text: str, position: int) -> str:
    start = text.rfind("\n", 0, position) + 1
    return text[start:].partition("\n")[0]


_MARKS = re.compile(r"(?<=\w)[-_](?=\w)")
"""What stands for a blank where none is allowed: in labels and names."""
_WORDS = re.compile(
    r"(?i)\b(?P<verb>delete|restart|scale|lösche|starte|skaliere|borra|reinicia|escala)\s+"
    r"(?:the\s+|das\s+|el\s+)?(?P<kind>namespace|deployment|pvc)\s+"
    r"(?:(?P<namespace>[a-z0-9-]+)/)?(?P<name>[a-z0-9-]+)(?:\s+(?:to|auf|a)\s+(?P<count>\d+))?"
)
_CHANGES = re.compile(
    r"(?i)\bset the (?P<what>image|liveness probe|readiness probe) of (?P<namespace>[a-z0-9-]+)/(?P<name>[a-z0-9-]+)"
    r" to (?P<value>[^\s\"']+)"
)
_MEANS = {
    "lösche": "delete",
    "borra": "delete",
    "starte": "restart",
    "reinicia": "restart",
    "skaliere": "scale",
    "escala": "scale",
}


def _in_words(match: re.Match[str]) -> Json:
    verb, kind, name = match["verb"].lower(), match["kind"].lower(), match["name"]
    verb = _MEANS.get(verb, verb)
    if verb == "delete":
        return {"kind": f"k8s.delete_{kind}", "namespace": match["namespace"] or name, "name": name}
    about = {"deployment": name, **({"namespace": match["namespace"]} if match["namespace"] else {})}
    if verb == "restart":
        return {"kind": "k8s.restart_deployment", **about}
    return {"kind": "k8s.scale_deployment", **about, "replicas": int(match["count"] or 0)}


def _as_change(match: re.Match[str]) -> Json:
    about = {"namespace": match["namespace"], "deployment": match["name"], "container": "app"}
    if match["what"].lower() == "image":
        return {"kind": "k8s.set_image", **about, "image": match["value"]}
    return {"kind": "k8s.set_probe", **about, "probe": match["what"].lower().split()[0], "path": match["value"]}
