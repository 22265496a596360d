"""A long look tells in the thread what it is doing, one line edited in place; a quick one says nothing."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.investigation.values import Reading, RulesSpoke, Thinking
from bot.naming import incident_name
from bot.progress import Telling
from bot.views.blocks import Message
from bot.views.progress import Progress, card
from storage import messages
from storage.database import Database
from storage.tables import Mind
from tests.bot.desks import Bench
from tests.storage.samples import an_incident

NUMBER = 1


@pytest.fixture
def incident(desk: Bench) -> int:
    """An incident that is being looked into."""
    with desk.database.writing() as session:
        return an_incident(session).id or 0


def told(desk: Bench, incident: int) -> tuple[str, int]:
    """The line as Slack should show it, and how often it was put anew."""
    with desk.database.reading() as session:
        message = messages.find(session, f"incident:{incident}:progress:1")
    return (json.dumps(json.loads(message.wanted), ensure_ascii=False), message.wanted_render) if message else ("", 0)


def test_a_quick_look_says_nothing(desk: Bench, incident: int) -> None:
    with Telling(incident, 1, desk.desk, quiet=5) as telling:
        telling(RulesSpoke(found="web crash loops"))
    telling.ended(Mind())

    assert told(desk, incident) == ("", 0)


def test_a_long_look_tells_what_it_does_and_at_its_end_what_it_did(desk: Bench, incident: int) -> None:
    with Telling(incident, 1, desk.desk, quiet=0.05, every=0.05) as telling:
        telling(RulesSpoke(found="web crash loops"))
        telling(Reading(what="k8s_pod_logs shop/web-1 app", number=3))
        telling(Thinking(model="gpt-x", calls=4, tokens=6_000))
        _until(lambda: told(desk, incident)[1] > 0)
        running, _ = told(desk, incident)
    telling.ended(Mind(model="gpt-x", calls=5, tokens=9_000, dollars=0.004))

    over, _ = told(desk, incident)
    for part in ("Looking…", "rules: web crash loops", "k8s_pod_logs shop/web-1 app (3rd read)", "call 4, 6k tokens"):
        assert part in running
    for part in ("Looked for", "rules: web crash loops", "3 reads", "model gpt-x (5 calls, 9k tokens, <$0.01)"):
        assert part in over


def test_it_is_put_anew_no_more_often_than_it_may(desk: Bench, incident: int) -> None:
    with Telling(incident, 1, desk.desk, quiet=0.01, every=10) as telling:
        _until(lambda: told(desk, incident)[1] > 0)
        for number in range(20):
            telling(Reading(what="x", number=number))
            time.sleep(0.02)

    assert told(desk, incident)[1] == 1


def test_a_look_that_ends_in_an_error_does_not_leave_its_line_running(desk: Bench, incident: int) -> None:
    def look() -> None:
        with Telling(incident, 1, desk.desk, quiet=0.01):
            _until(lambda: told(desk, incident)[1] > 0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        look()

    assert "Looked for" in told(desk, incident)[0]


def test_a_record_that_cannot_be_written_does_not_stop_the_look(desk: Bench, tmp_path: Path) -> None:
    nowhere = replace(desk.desk, database=Database(f"sqlite:///{tmp_path / 'another.sqlite'}"))

    with capture_logs() as logged, Telling(1, 1, nowhere, quiet=0.01, every=0.01) as telling:
        _until(lambda: len(logged) > 0)
        telling(RulesSpoke(found=None))

    assert {one["event"] for one in logged} == {"progress.failed"}


def test_names_from_outside_do_no_harm_in_the_line() -> None:
    line = words(
        card(Progress(incident_id=incident_name(NUMBER), seconds=2, rules="<!channel> *x*", reading="a <@U1>"))
    )

    assert "<!channel>" not in line
    assert "<@U1>" not in line


def words(message: Message) -> str:
    return json.dumps(message, ensure_ascii=False)


def _until(done: object) -> None:
    assert callable(done)
    deadline = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)
