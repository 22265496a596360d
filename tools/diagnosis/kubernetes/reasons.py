"""Why a container ended, as its own log tells: the family of the error, the line, and whom it could not reach.

A log is text anybody may have written: it names a reason, never a certainty.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools import resources
from tools.detection.lines import read
from tools.diagnosis.kubernetes.suspects import Suspect, suspects
from tools.diagnosis.logs import LogFinding, recognise
from tools.evidence import Role
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Service
from tools.topology import Link, Relation

BEGINNING, LONGEST_QUOTE = 50, 160
"""Most characters of a log line within a sentence, and of its beginning; the evidence has all of it."""


def told(suspect: Suspect) -> LogFinding | None:
    """What the log of the run that ended says went wrong, causes first; None when it says nothing known."""
    return next(iter(recognise(suspect.log.lines)), None) if suspect.log else None


def quoted(said: LogFinding) -> str:
    """The line that tells it, as people read it: of a structured one the message and the error.

    A long one loses its middle: programs say where they are first, and what went wrong last.
    """
    text = " ".join(read(said.line).text.split())
    if len(text) <= LONGEST_QUOTE:
        return text
    head, tail = text[:BEGINNING].rpartition(" ")[0], text[BEGINNING - LONGEST_QUOTE :].partition(" ")[2]
    return f"{head} … {tail}"


def depends_on(picture: Picture) -> Iterator[Link]:
    """From each workload to the Services of its namespace that its log says it could not reach."""
    for suspect in suspects(picture):
        said = told(suspect)
        if said is None or said.role is not Role.DEPENDENCY or not said.subject:
            continue
        service = called(said.subject, picture)
        if service is not None:
            target = resources.kubernetes(picture.namespace, "Service", service.name)
            yield Link(source=suspect.resource, relation=Relation.DEPENDS_ON, target=target)


def called(address: str, picture: Picture) -> Service | None:
    """The Service an address means (`db:5432`, `db.shop.svc`, its cluster IP), in this namespace."""
    host = address.rpartition("@")[2].partition("/")[0].partition(":")[0]
    by_ip = next((one for one in picture.services if host and one.cluster_ip == host), None)
    if by_ip is not None:
        return by_ip
    name, _, rest = host.partition(".")
    namespace = rest.partition(".")[0]
    return picture.service(name) if namespace in ("", picture.namespace) else None
