"""What is remembered when an incident ends, what runbooks say, and what the next incident is reminded of."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from sqlmodel import select

from bot import intake
from bot.investigation.rules import Conclusion
from bot.memory import Embedder, Library, reminding
from bot.memory.remembering import remember
from bot.memory.runbooks import Unreadable, read
from storage import feedback, incidents, memory
from storage.feedback import Opinion
from storage.tables import IncidentStatus, Likeness, Memory, Mind, PlanStatus
from tests.bot.desks import ALICE, BOTH, Bench
from tests.bot.test_correlation import alert
from tests.storage.samples import AT, a_plan, proposal
from tools.evidence import Finding, Proposal, Severity, Trust, evidence
from tools.resources import kubernetes

LINE = evidence(
    tool="k8s_pod_logs",
    query="shop/web-1",
    summary="the last lines",
    excerpt="java.lang.OutOfMemoryError: heap space\npassword=hunter2hunter2",
    at=AT,
    trust=Trust.TEXT,
)
CAUSE = Proposal(
    hypothesis="web was killed because its memory limit is too small",
    findings=(
        Finding(
            code="k8s.oom_killed",
            title="Container killed for memory",
            statement="The container of shop/web was killed: limit 128Mi",
            severity=Severity.SEV2,
            confidence=9,
            resource=kubernetes("shop", "Deployment", "web"),
            evidence_ids=(LINE.id,),
        ),
    ),
    confidence=9,
)


def resolve(desk: Bench, *, plan: PlanStatus | None = None, opinion: Opinion | None = None) -> None:
    """An incident of web was looked into, perhaps fixed, perhaps judged by a person, and cleared."""
    intake.receive([alert("web", "KubePodCrashLooping")], desk.desk)
    with desk.database.writing() as session:
        incidents.conclude(
            session,
            1,
            mind=Mind(),
            proposal=CAUSE,
            evidence=(LINE,),
            gaps=(),
            advice=None,
            second=None,
            at=AT,
        )
        if plan is not None:
            a_plan(session, 1, status=plan)
        if opinion is not None:
            feedback.give(session, 1, 1, ALICE, opinion, None, AT)
    intake.receive([alert("web", "KubePodCrashLooping", resolved=True)], desk.desk)


def shelf(desk: Bench) -> list[Memory]:
    with desk.database.reading() as session:
        return list(session.exec(select(Memory).order_by(Memory.ref)))


@BOTH
def test_the_next_incident_is_reminded_of_the_one_that_was_fixed(desk: Bench) -> None:
    resolve(desk, plan=PlanStatus.SUCCEEDED)
    desk.clock.pass_(days=3)
    intake.receive([alert("web", "ContainerOomKilled", starts_at=desk.clock())], desk.desk)
    with desk.database.reading() as session:
        now = incidents.get(session, 2)
        alerts = incidents.alerts_of(session, 2)

    (found,) = reminding.remind(now, alerts, Conclusion(proposal=CAUSE), desk.desk)

    assert (found.ref, found.title) == ("INC-1", "KubePodCrashLooping")
    assert found.fix == proposal().actions[0].title
    assert {"killed", "memory"} & set(found.matched.split(", "))


def test_an_incident_that_was_resolved_is_remembered_redacted(desk: Bench) -> None:
    resolve(desk)

    (kept,) = shelf(desk)

    assert (kept.ref, kept.service, kept.fix) == ("INC-1", "web", None)
    assert "OutOfMemoryError: heap space" in kept.body
    assert "hunter2" not in kept.body


@pytest.mark.parametrize(
    ("plan", "opinion", "verified"),
    [
        (None, None, False),
        (PlanStatus.SUCCEEDED, None, True),
        (PlanStatus.ROLLED_BACK, None, False),
        (None, Opinion.USEFUL, True),
        (PlanStatus.SUCCEEDED, Opinion.WRONG_CAUSE, False),
    ],
)
def test_only_what_people_or_a_fix_confirmed_is_verified(
    desk: Bench, plan: PlanStatus | None, opinion: Opinion | None, verified: bool
) -> None:
    resolve(desk, plan=plan, opinion=opinion)

    (kept,) = shelf(desk)

    assert kept.verified is verified


def test_a_cause_that_people_called_wrong_is_not_remembered(desk: Bench) -> None:
    resolve(desk, opinion=Opinion.WRONG_CAUSE)

    (kept,) = shelf(desk)

    assert "memory limit" not in kept.body
    assert "KubePodCrashLooping" in kept.body


def test_what_a_person_says_afterwards_changes_what_is_remembered(desk: Bench) -> None:
    resolve(desk)
    with desk.database.writing() as session:
        feedback.give(session, 1, 1, ALICE, Opinion.USEFUL, None, AT)

        told = [remember(session, 1, AT) for _ in range(2)]

    assert told == [True, False]
    assert shelf(desk)[0].verified


@pytest.mark.parametrize("status", [s for s in IncidentStatus if s != "resolved"])
def test_an_incident_that_goes_on_is_no_memory(desk: Bench, status: IncidentStatus) -> None:
    intake.receive([alert("web")], desk.desk)
    with desk.database.writing() as session:
        incidents.move(session, 1, status, AT)

        assert remember(session, 1, AT) is False


def test_what_an_older_sayso_resolved_is_remembered_in_time(desk: Bench) -> None:
    intake.receive([alert("web")], desk.desk)
    with desk.database.writing() as session:
        incidents.move(session, 1, IncidentStatus.RESOLVED, AT)

    reminding.keep_up(desk.desk)

    assert [one.ref for one in shelf(desk)] == ["INC-1"]


DISK = """\
---
url: https://wiki.example.com/disk
services: [web, cart]
---
# Disk full on a node

Evicted pods, ephemeral storage. Rotate the logs.
"""


def with_runbooks(desk: Bench, folder: Path) -> Bench:
    return replace(desk, desk=replace(desk.desk, library=Library(runbooks=folder)))


def test_runbooks_are_read_again_when_they_change_and_forgotten_when_they_go(desk: Bench, tmp_path: Path) -> None:
    (tmp_path / "nodes").mkdir()
    disk, dns = tmp_path / "nodes" / "disk-full.md", tmp_path / "dns_lookups.md"
    disk.write_text(DISK)
    dns.write_text("Names do not resolve: look at CoreDNS.")
    library = with_runbooks(desk, tmp_path)

    reminding.keep_up(library.desk)
    first = {one.ref: (one.title, one.service, one.url) for one in shelf(desk)}
    dns.write_text("# CoreDNS\nNames do not resolve.")
    disk.unlink()
    reminding.keep_up(library.desk)

    assert first == {
        "dns_lookups.md": ("dns lookups", "", None),
        "nodes/disk-full.md": ("Disk full on a node", "web cart", "https://wiki.example.com/disk"),
    }
    assert [(one.ref, one.title) for one in shelf(desk)] == [("dns_lookups.md", "CoreDNS")]


BAD = [
    (b"---\nurl: javascript:alert(1)\n---\n# X", "url"),
    (b"---\nservices: {a: b}\n---\n# X", "services"),
    (b"---\n: [\n---\n# X", "not YAML"),
    (b"---\njust words\n---\n# X", "front matter"),
    (b"\xff\xfe\x00", "decode"),
    (b"x" * (256 * 1024 + 1), "larger"),
]


@pytest.mark.parametrize(("content", "why"), BAD, ids=[why for _, why in BAD])
def test_a_bad_runbook_is_named_and_the_others_are_still_read(
    desk: Bench, tmp_path: Path, content: bytes, why: str
) -> None:
    (tmp_path / "bad.md").write_bytes(content)
    (tmp_path / "good.md").write_text(DISK)

    reminding.keep_up(with_runbooks(desk, tmp_path).desk)

    assert [one.ref for one in shelf(desk)] == ["good.md"]
    with pytest.raises(Unreadable, match=why):
        read(tmp_path / "bad.md", "bad.md")


def test_a_folder_that_is_not_there_forgets_nothing(desk: Bench, tmp_path: Path) -> None:
    (tmp_path / "good.md").write_text(DISK)
    reminding.keep_up(with_runbooks(desk, tmp_path).desk)

    reminding.keep_up(with_runbooks(desk, tmp_path / "unmounted").desk)

    assert [one.ref for one in shelf(desk)] == ["good.md"]


BROKEN = b"broken"


class Meanings(BaseHTTPRequestHandler):
    """An /embeddings endpoint: texts about disks point one way, all others another."""

    answer: bytes | None = None

    def do_POST(self) -> None:
        """Answer with a vector for each text."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        data = [
            {"index": n, "embedding": [1.0, 0.0] if "disk" in text.lower() else [0.0, 1.0], "object": "embedding"}
            for n, text in enumerate(asked["input"])
        ]
        body = type(self).answer or json.dumps({"data": data, "model": asked["model"]}).encode()
        self.send_response(500 if type(self).answer == BROKEN else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def embeddings(answer: bytes | None = None) -> Iterator[Embedder]:
    """A server that gives vectors, or this answer."""
    handler = type("Handler", (Meanings,), {"answer": answer})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield Embedder(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="any-word", model="tiny")
        finally:
            server.shutdown()
            thread.join()


def reminded(desk: Bench, embedder: Embedder, folder: Path) -> tuple[Likeness, ...]:
    """What an incident about a full disk, told in other words than the runbook's, is reminded of."""
    library = replace(desk.desk, library=Library(runbooks=folder, embedder=embedder))
    reminding.keep_up(library)
    with desk.database.reading() as session:
        incident, alerts = incidents.get(session, 1), incidents.alerts_of(session, 1)
    nothing = Conclusion(proposal=Proposal(hypothesis="nothing", confidence=1))
    return reminding.remind(incident, alerts, nothing, library)


def test_with_vectors_what_means_the_same_is_found_in_other_words(desk: Bench, tmp_path: Path) -> None:
    (tmp_path / "disk.md").write_text(DISK)
    intake.receive([alert("mail", "DiskPressure")], desk.desk)

    with embeddings() as embedder:
        found = reminded(desk, embedder, tmp_path)

    assert [(one.ref, one.matched) for one in found] == [("disk.md", "close in meaning")]


@pytest.mark.parametrize("answer", [b"{}", b"not json", b'{"data": []}', BROKEN])
def test_without_an_answer_words_alone_are_searched(desk: Bench, tmp_path: Path, answer: bytes) -> None:
    (tmp_path / "disk.md").write_text(DISK)
    intake.receive([alert("web", "PodsEvictedEphemeralStorage")], desk.desk)

    with embeddings(answer) as embedder:
        found = reminded(desk, embedder, tmp_path)

    assert [one.ref for one in found] == ["disk.md"]
    with desk.database.reading() as session:
        assert len(memory.without_vector(session, "tiny", 9)) == 1
