"""What each message should say: the last wish wins, one process posts, and a thread waits for its parent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from storage import messages
from storage.database import Database
from storage.messages import TAKE_OVER
from storage.tables import Message
from tests.storage.samples import AT, CHANNEL


def want(session: Session, key: str, text: str = "x", **more: object) -> None:
    given: dict[str, object] = {"channel": CHANNEL, "body": {"text": text}, "at": AT, **more}
    messages.want(session, key, **given)  # type: ignore[arg-type]


def the(session: Session, key: str = "a") -> Message:
    found = messages.find(session, key)
    assert found is not None
    return found


def due(session: Session) -> list[str]:
    return [message.key for message in messages.due(session)]


def post(session: Session, key: str = "a", ts: str = "1.0") -> None:
    """As the outbox does when all goes well."""
    message = the(session, key)
    assert messages.set_out(session, message, "me", AT)
    messages.posted(session, key, render=message.wanted_render, ts=ts)


def test_a_wish_is_due_until_it_is_posted(database: Database) -> None:
    with database.writing() as session:
        want(session, "a")
        before = due(session)
        post(session)

        assert (before, due(session)) == (["a"], [])
        assert the(session).ts == "1.0"


def test_many_wishes_before_a_post_are_one_post_of_the_last(database: Database) -> None:
    with database.writing() as session:
        for number in range(5):
            want(session, "a", f"text {number}")

        (message,) = messages.due(session)
        assert (message.wanted, message.wanted_render) == ('{"text": "text 4"}', 5)


def test_the_same_wish_again_is_no_wish(database: Database) -> None:
    with database.writing() as session:
        messages.want(session, "a", channel=CHANNEL, body={"text": "x", "blocks": []}, at=AT)
        post(session)

        messages.want(session, "a", channel=CHANNEL, body={"blocks": [], "text": "x"}, at=AT)

        assert due(session) == []
        assert the(session).wanted_render == 1


def test_a_wish_that_comes_while_the_last_is_posted_is_due_next(database: Database) -> None:
    with database.writing() as session:
        want(session, "a", "one")
        posting = the(session).wanted_render
        messages.set_out(session, the(session), "me", AT)
        want(session, "a", "two")

        messages.posted(session, "a", render=posting, ts="1.0")

        assert due(session) == ["a"]
        assert (the(session).ts, the(session).posted_render, the(session).wanted_render) == ("1.0", 1, 2)


def test_an_older_rendering_never_passes_for_the_newest(database: Database) -> None:
    with database.writing() as session:
        for text in ("one", "two", "three"):
            want(session, "a", text)
        messages.posted(session, "a", render=3, ts="3.0")

        messages.posted(session, "a", render=2, ts="2.0")

        assert (the(session).posted_render, the(session).ts) == (3, "3.0")


def test_one_of_eight_processes_sets_out(database: Database) -> None:
    with database.writing() as session:
        want(session, "a")
    with database.reading() as session:
        message = the(session)

    def set_out(number: int) -> bool:
        with database.writing() as session:
            return messages.set_out(session, message, f"process-{number}", AT)

    with ThreadPoolExecutor(8) as pool:
        mine = list(pool.map(set_out, range(8)))

    assert sum(mine) == 1


@pytest.mark.parametrize(
    ("owner", "later", "taken"),
    [
        ("other", TAKE_OVER - timedelta(microseconds=1), False),
        ("other", TAKE_OVER, True),
        ("other", TAKE_OVER + timedelta(hours=1), True),
        ("first", timedelta(0), True),
    ],
)
def test_who_set_out_and_died_is_taken_over_after_ten_seconds(
    database: Database, owner: str, later: timedelta, taken: bool
) -> None:
    with database.writing() as session:
        want(session, "a")
        assert messages.set_out(session, the(session), "first", AT)

        assert messages.set_out(session, the(session), owner, AT + later) is taken


def test_what_slack_certainly_did_not_take_is_free_at_once(database: Database) -> None:
    with database.writing() as session:
        want(session, "a")
        messages.set_out(session, the(session), "first", AT)
        messages.give_back(session, "a")

        assert messages.set_out(session, the(session), "other", AT)


def test_nobody_sets_out_with_what_is_shown_already(database: Database) -> None:
    with database.writing() as session:
        want(session, "a")
        post(session)

        assert messages.set_out(session, the(session), "other", AT) is False


def test_a_thread_waits_until_its_parent_is_posted(database: Database) -> None:
    with database.writing() as session:
        want(session, "plan", thread_key="incident")
        alone = due(session)
        want(session, "incident")
        both = due(session)
        post(session, "incident")

        assert (alone, both, due(session)) == ([], ["incident"], ["plan"])


def test_a_reply_to_somebody_elses_message_waits_for_nothing(database: Database) -> None:
    with database.writing() as session:
        want(session, "reply", thread_ts="9.9")

        assert due(session) == ["reply"]


def test_the_most_urgent_goes_first_then_the_longest_waiting(database: Database) -> None:
    with database.writing() as session:
        for key, priority, after in (("d", 5, 0), ("c", 3, 2), ("b", 3, 1), ("a", 1, 3)):
            want(session, key, priority=priority, at=AT + timedelta(seconds=after))

        assert due(session) == ["a", "b", "c", "d"]


def test_what_slack_will_not_take_waits_for_the_next_wish(database: Database) -> None:
    with database.writing() as session:
        want(session, "bad")
        want(session, "good")
        messages.undeliverable(session, "bad", "invalid_blocks")
        refused = due(session)
        want(session, "bad", "x")
        same = due(session)
        want(session, "bad", "better")

        assert (refused, same, sorted(due(session))) == (["good"], ["good"], ["bad", "good"])


def test_each_rendering_has_a_number_of_its_own(database: Database) -> None:
    with database.writing() as session:
        numbers = [messages.render_number(session, "a")]
        for text in ("one", "two"):
            want(session, "a", text)
            numbers.append(messages.render_number(session, "a"))

    assert numbers == [1, 2, 3]


STEPS = st.lists(st.sampled_from(["wish", "post", "die", "refuse", "wait"]), max_size=20)


@given(steps=STEPS)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_the_last_wish_is_shown_in_the_end(database: Database, steps: list[str]) -> None:
    """Wishes, deaths and refusals in any order, then one process with time: it shows what is wanted."""
    now: datetime = AT
    with database.writing() as session:
        want(session, "a", "first")
        for number, step in enumerate(steps):
            match step:
                case "wish":
                    want(session, "a", f"text {number}")
                case "post" if due(session) and messages.set_out(session, the(session), "me", now):
                    messages.posted(session, "a", render=the(session).wanted_render, ts="1.0")
                case "die" if due(session):
                    messages.set_out(session, the(session), "dead", now)
                case "refuse" if due(session) and messages.set_out(session, the(session), "me", now):
                    messages.give_back(session, "a")
                case "wait":
                    now += TAKE_OVER
        for message in messages.due(session):
            assert messages.set_out(session, message, "me", now + TAKE_OVER)
            messages.posted(session, "a", render=message.wanted_render, ts="1.0")

        assert the(session).posted_render == the(session).wanted_render
        assert due(session) == []
        session.rollback()
