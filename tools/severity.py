"""How much it hurts and what kind of trouble it is, by rule. Pure: words of alerts, codes of findings, status facts.

The source's own severity counts first, a rule only where it gives none. What somebody wrote can lower nothing; only
what a provider's status says raises it afterwards. No classifier: one trained on public alert rules is right about the
services it was trained on and about few others (detection fact sheet, section 7).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

from tools.evidence import Severity
from tools.values import Value

PRODUCTION = frozenset({"prod", "production", "live"})


class Category(StrEnum):
    """What kind of trouble it is."""

    SECURITY = "security"
    CERTIFICATE = "certificate"
    DATA = "data"
    STORAGE = "storage"
    CONFIGURATION = "configuration"
    CAPACITY = "capacity"
    SATURATION = "saturation"
    CRASH = "crash"
    NETWORK = "network"
    LATENCY = "latency"
    ERRORS = "errors"
    AVAILABILITY = "availability"
    UNKNOWN = "unknown"


class Weighed(Value):
    """A severity and why it is not another one, in words for people."""

    severity: Severity
    why: str


C = Category
_IN_WORDS: tuple[tuple[Category, str], ...] = (
    (
        C.SECURITY,
        r"security|unauthori[sz]ed|forbidden|intrusion|brute ?force|vulnerab|cve|guard ?duty|breach|audit log",
    ),
    (C.CERTIFICATE, r"cert(s|ificates?)?|tls|x509|ssl"),
    (
        C.DATA,
        r"replication|replica lag|corrupt\w*|data ?loss|backups?( \w+)? (fail\w*|missing|old)|backup|split ?brain|wal",
    ),
    (
        C.STORAGE,
        r"disks?( \w+)?|filesystems?|volumes?|inodes?|persistent ?volumes?|pvc|storage|raid|smart|out of space",
    ),
    (C.CONFIGURATION, r"config\w*|misconfig\w*|reload fail\w*|image ?pull\w*|err ?image\w*|invalid"),
    (
        C.CAPACITY,
        r"quota\w*|unschedulable|pending pods?|overcommit|max(ed)? ?out|at max|capacity|exhaust\w*|limit reached",
    ),
    (C.CRASH, r"crash ?loop\w*|crash\w*|restart\w*|oom ?kill\w*|oom|panic|terminated"),
    (
        C.SATURATION,
        r"cpu|memory|load|throttl\w*|saturat\w*|queue|backlog|lag|connections? (high|limit)|too many connections|heap",
    ),
    (
        C.NETWORK,
        r"network|dns|packet\w*|interface|conntrack|connection (refused|reset|timed? ?out)|unreachable|bgp|nat",
    ),
    (C.LATENCY, r"latency|slow\w*|response ?time|duration|p9\d|apdex|time ?outs?"),
    (C.ERRORS, r"errors?|5xx|4xx|fail(ed|ures?|ing)?|exceptions?|rejected|dropped|error ?budget|burn"),
    (C.AVAILABILITY, r"down|absent|unavailable|not ready|unhealthy|missing|dead|offline|availability|mismatch|target"),
)
_BY_WORDS = tuple((category, re.compile(rf"\b(?:{words})\b", re.IGNORECASE)) for category, words in _IN_WORDS)
_IN_CODES: tuple[tuple[Category, str], ...] = (
    (C.CERTIFICATE, r"cert|tls"),
    (C.SECURITY, r"denied|forbidden|auth"),
    (C.STORAGE, r"disk|volume|claim|mount|storage"),
    (C.CAPACITY, r"unschedulable|exceeds|quota|at_max|insufficient|launch_failing|affinity|taint|capacity"),
    (C.SATURATION, r"oom|cpu|memory|throttl|pressure|connections_exhausted"),
    (
        C.NETWORK,
        r"dns|network|endpoint|selector|target_port|ingress|gateway|connection|load_balancer|unreachable|target",
    ),
    (C.CONFIGURATION, r"missing|image|invalid|config|liveness|readiness|startup|start_failed|cordon"),
    (C.CRASH, r"crash|exit|restart"),
    (C.ERRORS, r"error|fail"),
)
_BY_CODE = tuple((category, re.compile(words)) for category, words in _IN_CODES)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_\-./:]+")


def category(name: str, summary: str = "", metric: str = "") -> Category:
    """What an alert is about: by its name, else by its metric, else by what its summary says."""
    for words in (name, metric, summary):
        spaced = _HUMP.sub(" ", words)
        found = next((kind for kind, pattern in _BY_WORDS if pattern.search(spaced)), None)
        if found is not None:
            return found
    return Category.UNKNOWN


def category_of_finding(code: str) -> Category:
    """What a cause is about, by the code of the rule that found it (`k8s.oom_killed`)."""
    rule = code.partition(".")[2]
    return next((kind for kind, pattern in _BY_CODE if pattern.search(rule)), Category.UNKNOWN)


def by_rule(kind: Category, environment: str) -> Weighed:
    """The severity of an alert whose source gives none."""
    if environment in PRODUCTION and kind in (C.AVAILABILITY, C.DATA, C.SECURITY):
        return Weighed(severity=Severity.SEV2, why=f"its source gives no severity, and it is {kind} in {environment}")
    return Weighed(severity=Severity.SEV3, why="its source gives no severity")


def raised(now: Severity, environment: str, down: Sequence[str]) -> Weighed | None:
    """What status facts make of a severity; None where they leave it. `down`: workloads with no available replica."""
    if not down or environment not in PRODUCTION or now is Severity.SEV1:
        return None
    names = ", ".join(sorted(down)[:3])
    return Weighed(severity=Severity.SEV1, why=f"no replica of {names} is available, in {environment}")
