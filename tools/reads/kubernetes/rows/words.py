"""Rows about what programs and controllers say: logs and events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tools.clients import Readers
from tools.clients.kubernetes import path_to
from tools.evidence import Evidence
from tools.reads.kubernetes import prose, surroundings
from tools.reads.kubernetes.asking import list_all, read_log
from tools.reads.kubernetes.rows.asked import OfEvents, OfPodLog, reader_of, spoken
from tools.reads.read import Read

MOST_EVENTS = 40


def pod_logs(asked: OfPodLog, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """The end of one container's log."""
    log = read_log(
        asked.namespace,
        asked.pod,
        asked.container,
        reader_of(readers),
        previous=asked.previous,
        lines=asked.lines,
    )
    run = "previous" if asked.previous else "current"
    query = f"{asked.namespace}/pods/{asked.pod} log of {asked.container}, {run} run"
    return spoken("k8s_pod_logs", query, f"{len(log.lines)} lines of the {run} run", log.lines, at)


def list_events(asked: OfEvents, at: datetime, readers: Readers) -> tuple[Evidence, ...]:
    """The newest events, of a namespace or of one object."""
    query = {"fieldSelector": f"involvedObject.name={asked.name}"} if asked.name else {}
    raw = list_all(path_to("v1", "events", asked.namespace), reader_of(readers), query)
    found = sorted((surroundings.event(one) for one in raw), key=prose.when)
    lines = [prose.event(one) for one in found[-MOST_EVENTS:]]
    about = f"{asked.namespace}/events {asked.name or ''}".strip()
    return spoken("k8s_list_events", about, f"{len(found)} events", lines, at)


ROWS: tuple[Read[Any], ...] = (
    Read(
        name="k8s_pod_logs",
        description="The last log lines of one container; previous=true for the run before its last restart.",
        arguments=OfPodLog,
        run=pod_logs,
        permissions=("get pods/log",),
    ),
    Read(
        name="k8s_list_events",
        description="The newest events of a namespace, or of one object by name.",
        arguments=OfEvents,
        run=list_events,
        permissions=("list events",),
    ),
)
