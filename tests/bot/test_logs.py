"""Log lines: structured, tied to their incident, and free of secrets."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from io import StringIO

import pytest
import structlog

from bot.logs import HIDDEN, bound, configure

PASSWORD_URL = "postgresql://sayso:correct-horse@db.internal/sayso"


@pytest.fixture
def lines() -> Iterator[StringIO]:
    """A stream that receives every log line as JSON; the standard library's own set-up is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = StringIO()
    configure("json", "info", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def events(stream: StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_its_time_level_and_origin(lines: StringIO) -> None:
    structlog.get_logger("bot.triage").info("looked", pods=3)

    (event,) = events(lines)
    assert {"event": "looked", "pods": 3, "level": "info", "logger": "bot.triage"}.items() <= event.items()
    assert str(event["timestamp"]).endswith("Z")


def test_every_line_of_a_block_names_its_incident_and_plan(lines: StringIO) -> None:
    log = structlog.get_logger("bot.triage")

    with bound(incident=7):
        log.info("outer")
        with bound(plan=3):
            logging.getLogger("bot.library").warning("inner")
    log.info("after")

    outer, inner, after = events(lines)
    assert (outer["incident_id"], outer.get("plan_id")) == (7, None)
    assert (inner["incident_id"], inner["plan_id"]) == (7, 3)
    assert "incident_id" not in after


def test_the_standard_librarys_records_take_the_same_way_out(lines: StringIO) -> None:
    logging.getLogger("alembic.runtime").warning("migrating %s", PASSWORD_URL, extra={"revision": "0001"})

    (event,) = events(lines)
    assert event["revision"] == "0001"
    assert "migrating" in str(event["event"])
    assert "correct-horse" not in lines.getvalue()


@pytest.mark.parametrize(
    "fields",
    [
        {"url": PASSWORD_URL},
        {"nested": {"deep": [PASSWORD_URL]}},
        {"password": "correct-horse"},
        {"settings": {"api_key": "correct-horse"}},
        {"auth_token": ["correct-horse"]},
        {"error": ValueError(f"cannot reach {PASSWORD_URL}")},
    ],
)
def test_a_secret_never_reaches_a_line(lines: StringIO, fields: dict[str, object]) -> None:
    structlog.get_logger("bot.app").info("connected", **fields)

    assert len(events(lines)) == 1
    assert "correct-horse" not in lines.getvalue()


def test_a_value_hidden_for_its_name_says_so(lines: StringIO) -> None:
    structlog.get_logger("bot.app").info("connected", client_secret="correct-horse", tokens=120)

    (event,) = events(lines)
    assert event["client_secret"] == HIDDEN
    assert event["tokens"] == 120


def test_a_traceback_is_part_of_its_line_and_redacted(lines: StringIO) -> None:
    try:
        raise RuntimeError(f"no answer from {PASSWORD_URL}")
    except RuntimeError:
        structlog.get_logger("bot.app").exception("broken")

    (event,) = events(lines)
    assert "RuntimeError" in str(event["exception"])
    assert "correct-horse" not in lines.getvalue()


def test_terminal_codes_from_outside_do_not_reach_a_terminal() -> None:
    stream = StringIO()
    configure("console", "info", stream)

    structlog.get_logger("bot.app").info("alert \x1b[2Jcleared", name="\x1b]0;owned\x07web")

    assert "\x1b" not in stream.getvalue()
    assert "web" in stream.getvalue()


def test_libraries_speak_only_when_something_is_wrong(lines: StringIO) -> None:
    logging.getLogger("botocore.hooks").info("event before-parameter-build")
    logging.getLogger("bot.app").info("launched")
    logging.getLogger("bot.app").debug("detail")

    assert [event["event"] for event in events(lines)] == ["launched"]


def test_the_durable_engine_keeps_its_hands_off_the_handlers(lines: StringIO) -> None:
    from dbos._logger import dbos_logger, init_logger

    init_logger()
    dbos_logger.warning("recovering")

    assert [event["event"] for event in events(lines)] == ["recovering"]
