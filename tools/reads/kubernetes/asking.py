"""Asking an API server: every page of a list, the end of a log, and many kinds at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from tools.clients.kubernetes import ApiGroup, KubernetesSource, KubernetesWriter, NotFound, path_to
from tools.errors import PermanentError, TemporaryError, Unreachable
from tools.reads.kubernetes.raw import items, text
from tools.reads.kubernetes.views import Log
from tools.redaction import redact
from tools.values import JsonObject

PAGE_SIZE = 500
MOST_PAGES = 10
LOG_LINES = 40
MOST_LOG_BYTES = 64 * 1024

AT_ONCE = 6
"""Requests of one look that are under way at the same time: enough to hide the way there, few for an ill server."""

NAMES_ONLY = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
"""Asks for metadata alone: the values of a ConfigMap or a Secret never cross the wire."""

Answered = TypeVar("Answered")


@dataclass(frozen=True)
class Kind:
    """A kind to list. Without an `essential` one a picture has a gap; of others only `unread` tells."""

    group: ApiGroup
    resource: str
    essential: bool = False
    everywhere: bool = False
    names_only: bool = False
    label: str = ""
    """What people and `unread` call it, where that is not the resource."""

    @property
    def name(self) -> str:
        """How `unread` and the gaps name it."""
        return self.label or self.resource

    @property
    def permission(self) -> str:
        """What listing it takes: `list deployments.apps`."""
        group = self.group.rpartition("/")[0]
        return f"list {self.resource}.{group}" if group else f"list {self.resource}"


@dataclass(frozen=True)
class Question(Generic[Answered]):
    """One thing to ask, and what a gap calls it."""

    name: str
    ask: Callable[[], Answered]
    essential: bool = True


@dataclass(frozen=True)
class Listed:
    """Objects of one kind; `whole` unless there were more than anybody wants to read."""

    items: tuple[JsonObject, ...] = ()
    whole: bool = True


@dataclass
class Survey:
    """Rounds of questions to an API server, remembering what it would not answer.

    Questions of a round are under way at once; gaps are told in the order of the questions, not of the answers.
    """

    reader: KubernetesSource
    namespace: str
    pool: ThreadPoolExecutor
    gaps: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    hushed: dict[str, str] = field(default_factory=dict)
    """Why an optional kind is unread, by its name: a gap only once somebody needs it."""
    answered: bool = False
    silences: list[str] = field(default_factory=list)
    """Questions that nothing answered. Only ever appended to, which threads may do at once."""

    def list(self, *kinds: Kind) -> dict[str, tuple[JsonObject, ...]]:
        """The objects of each kind by its name; nothing, and a note, for what cannot be read.

        Raises Unreachable when nothing has answered at all yet.
        """
        listed = self.ask([Question(kind.name, self._lister(kind), kind.essential) for kind in kinds])
        found: dict[str, tuple[JsonObject, ...]] = {}
        for kind, answer in zip(kinds, listed, strict=True):
            found[kind.name] = answer.items if answer else ()
            if answer and not answer.whole:
                most = f"{PAGE_SIZE * MOST_PAGES:,}"
                self._miss(kind.name, f"only the first {most} {kind.name}, by name, were looked at", kind.essential)
        return found

    def ask(self, questions: Sequence[Question[Answered]]) -> tuple[Answered | None, ...]:
        """Every answer in the order of the questions; None, and a note, for what cannot be answered."""
        outcomes = list(self.pool.map(self._attempt, questions))
        if outcomes and not self.answered:
            raise next(one for one in outcomes if isinstance(one, Unreachable))
        return tuple(self._kept(asked, outcome) for asked, outcome in zip(questions, outcomes, strict=True))

    def soon(self, asked: Question[Answered]) -> Callable[[], Answered | None]:
        """Ask meanwhile: what this returns waits for the answer."""
        outcome = self.pool.submit(self._attempt, asked)
        return lambda: self._kept(asked, outcome.result())

    def need(self, name: str, unknown: str) -> None:
        """Make a gap of an optional kind that could not be read: `unknown` says what therefore is not known."""
        why = self.hushed.pop(name, None)
        if why is not None:
            self.gaps.append(f"{why}: {unknown}")

    def _lister(self, kind: Kind) -> Callable[[], Listed]:
        path = path_to(kind.group, kind.resource, None if kind.everywhere else self.namespace)

        def ask() -> Listed:
            try:
                return pages(path, self.reader, accept=NAMES_ONLY if kind.names_only else None)
            except NotFound:
                if kind.essential:
                    raise
                return Listed()  # the cluster does not know the kind: there is none of it

        return ask

    def _attempt(self, asked: Question[Answered]) -> Answered | Exception:
        """The answer, or why there is none. Runs in a thread of the pool."""
        # A whole handful of questions and no answer: the server is away, and nobody need wait for every time-out.
        if not self.answered and len(self.silences) >= AT_ONCE:
            return Unreachable("not asked: the API server answers nothing")
        try:
            answer = asked.ask()
        except Unreachable as error:
            self.silences.append(asked.name)
            return error
        except (PermanentError, TemporaryError) as error:
            self.answered = True
            return error
        self.answered = True
        return answer

    def _kept(self, asked: Question[Answered], outcome: Answered | Exception) -> Answered | None:
        if not isinstance(outcome, Exception):
            return outcome
        self._miss(asked.name, f"{asked.name} could not be read: {redact(str(outcome))}", asked.essential)
        return None

    def _miss(self, name: str, why: str, essential: bool) -> None:
        if name not in self.unread:
            self.unread.append(name)
        if essential:
            self.gaps.append(why)
        else:
            self.hushed[name] = why


@contextmanager
def surveying(reader: KubernetesSource, namespace: str) -> Iterator[Survey]:
    """A survey of a namespace, with threads for as long as it takes."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="look") as pool:
        yield Survey(reader, namespace, pool)


def list_all(
    path: str,
    reader: KubernetesSource | KubernetesWriter,
    query: dict[str, str] | None = None,
    accept: str | None = None,
) -> tuple[JsonObject, ...]:
    """Every object of a list. Raises PermanentError rather than answer with a part of too many."""
    found = pages(path, reader, query, accept)
    if not found.whole:
        raise PermanentError(f"more than {PAGE_SIZE * MOST_PAGES} objects under {path}")
    return found.items


def pages(
    path: str,
    reader: KubernetesSource | KubernetesWriter,
    query: dict[str, str] | None = None,
    accept: str | None = None,
) -> Listed:
    """A list, page by page, as far as MOST_PAGES."""
    found: list[JsonObject] = []
    position = ""
    for _ in range(MOST_PAGES):
        asked = {"limit": str(PAGE_SIZE), **(query or {}), **({"continue": position} if position else {})}
        page = reader.get(path, asked, accept) if accept else reader.get(path, asked)
        found += items(page, "items")
        position = text(page, "metadata", "continue")
        if not position:
            return Listed(tuple(found))
    return Listed(tuple(found), whole=False)


def read_log(
    namespace: str, pod: str, container: str, reader: KubernetesSource, *, previous: bool, lines: int = LOG_LINES
) -> Log:
    """The last lines a container wrote, in its current or previous run. Raises PermanentError when there are none."""
    query = {"container": container, "tailLines": str(lines), "limitBytes": str(MOST_LOG_BYTES)}
    if previous:
        query["previous"] = "true"
    written = reader.text(path_to("v1", "pods", namespace, pod, "log"), query)
    return Log(pod=pod, container=container, previous=previous, lines=tuple(redact(written).splitlines()))


def names(raws: Iterable[JsonObject]) -> tuple[str, ...]:
    """What the objects are called."""
    return tuple(text(raw, "metadata", "name") for raw in raws)
