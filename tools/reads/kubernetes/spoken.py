"""Whose logs a look reads: containers that ended badly, containers that are not ready, and the subject's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from tools.errors import PermanentError
from tools.reads.kubernetes.asking import Question, Survey, read_log
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import ContainerState, Log, Pod

MOST_LOGS = 12
"""Containers whose logs one picture holds; more of the same workload say the same."""

OF_SUBJECT = 3
"""Pods of the alert's own workload whose logs are read although they look well: errors need not end a container."""

LINES = 100


@dataclass(frozen=True)
class _Voice:
    """A container to listen to: `needed` where its silence leaves a question open."""

    pod: str
    container: str
    previous: bool = False
    needed: bool = False


def logs(first: Picture, survey: Survey) -> tuple[Log, ...]:
    """The last words of whoever is worth listening to: those that ended badly first, then the newest pods."""
    voices: dict[tuple[str, str], _Voice] = {}
    for voice in (*_ill(first), *_of_subject(first)):
        voices.setdefault((voice.pod, voice.container), voice)
    asked = [
        Question(f"the log of {voice.pod}/{voice.container}", partial(_last_words, survey, voice), voice.needed)
        for voice in list(voices.values())[:MOST_LOGS]
    ]
    return tuple(log for log in survey.ask(asked) if log is not None and log.lines)


def _ill(first: Picture) -> Iterator[_Voice]:
    pods = [pod for pod in _newest(first.pods) if not pod.deleting]
    for pod in pods:
        for state in pod.states:
            if _ended_badly(state):
                yield _Voice(pod.name, state.name, previous=state.restarts > 0, needed=True)
    for pod in pods:
        yield from (_Voice(pod.name, state.name) for state in pod.states if _unready(state))


def _of_subject(first: Picture) -> Iterator[_Voice]:
    subject = first.subject
    kind, name = ("Deployment", subject.deployment) if subject.deployment else (subject.kind, subject.name)
    ours = [
        pod
        for pod in _newest(first.pods)
        if pod.name == subject.pod or (name and (pod.owner_kind, pod.owner_name) == (kind, name))
    ]
    for pod in [pod for pod in ours if not pod.deleting][:OF_SUBJECT]:
        yield from (_Voice(pod.name, state.name) for state in pod.states if state.running_since and not state.init)


def _newest(pods: tuple[Pod, ...]) -> list[Pod]:
    return sorted(pods, key=lambda pod: pod.created.timestamp() if pod.created else 0.0, reverse=True)


def _last_words(survey: Survey, voice: _Voice) -> Log:
    """The log of the run that ended; of the present one where the node has thrown the former away."""
    read = partial(read_log, survey.namespace, voice.pod, voice.container, survey.reader, lines=LINES)
    if voice.previous:
        with suppress(PermanentError):
            former = read(previous=True)
            if former.lines:
                return former
    return read(previous=False)


def _ended_badly(state: ContainerState) -> bool:
    ends = [end for end in (state.terminated, state.last) if end is not None]
    return state.waiting == "CrashLoopBackOff" or any(end.exit_code for end in ends)


def _unready(state: ContainerState) -> bool:
    return not state.ready and not state.init and state.running_since is not None
