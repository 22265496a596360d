"""Versions of the rules on record: one in force, at most one asked about, each change kept with who and why."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlmodel import Session

from policies.decisions import Decision, Reason, TraceLine
from storage import audit, policies
from storage.database import Database
from storage.policies import Draft, changed_rules
from storage.tables import PolicyStatus, PolicyVersion, Verdict
from tests.policies.samples import facts, shipped
from tests.storage.samples import AT, a_plan, an_incident, decision

ALICE, BOB = "U0ALICE001", "U0BOB00001"
RULES = """version: {version}
rules:
  - {{id: one, why: "{one}"}}
  - {{id: two, why: "as ever"}}
"""


def draft(
    version: int, *, one: str = "first", author: str | None = ALICE, looser: tuple[str, ...] = ("More.",)
) -> Draft:
    text = RULES.format(version=version, one=one)
    sha256 = policies.fingerprint(text)
    return Draft(version=version, sha256=sha256, text=text, author=author, origin="proposal", looser=looser)


def begin(session: Session, version: int = 1) -> PolicyVersion:
    row = policies.put_in_force(session, draft(version, author=None, looser=()), AT, over=None)
    assert row is not None
    return row


def events(session: Session, version: int) -> list[tuple[str, str]]:
    return [(one.actor, one.event) for one in reversed(audit.latest(session, 100, policies.subject(version)))]


def test_the_first_version_is_in_force_whole_and_on_record(database: Database) -> None:
    with database.writing() as session:
        row = begin(session)

    with database.reading() as session:
        stands = policies.active(session)
        assert stands is not None
        assert (stands.id, policies.active_id(session)) == (row.id, row.id)
        assert (stands.text, stands.activated_at, stands.origin) == (
            RULES.format(version=1, one="first"),
            AT,
            "proposal",
        )
        assert events(session, 1) == [("sayso", "policy.activated")]


def test_of_two_replicas_that_start_at_once_one_writes_the_first_version(database: Database) -> None:
    with database.writing() as session:
        begin(session)

    with database.writing() as session:
        second = policies.put_in_force(session, draft(1), AT, over=None)

    assert second is None
    with database.reading() as session:
        assert len(policies.listed(session, 10)) == 1


def test_a_proposed_version_changes_nothing_until_it_is_activated_and_then_ends_the_other(database: Database) -> None:
    with database.writing() as session:
        begin(session)
        row = policies.propose(session, draft(2), AT)
        before = policies.active(session)

        assert policies.activate(session, row, AT + timedelta(minutes=1), actor=BOB)

        after = policies.active(session)
        assert before is not None
        assert after is not None
        assert (before.version, after.version, before.status) == (1, 2, PolicyStatus.RETIRED)
        assert events(session, 2) == [(ALICE, "policy.proposed"), (BOB, "policy.activated")]
        assert policies.waiting(session) is None


def test_a_decided_version_is_not_decided_again(database: Database) -> None:
    with database.writing() as session:
        begin(session)
        row = policies.propose(session, draft(2), AT)
        assert policies.reject(session, row, AT, actor=BOB, reason="Too much.")

        assert not policies.activate(session, row, AT, actor=BOB)
        assert not policies.reject(session, row, AT, actor=BOB, reason="Again.")
        assert policies.active_id(session) == 1
        assert [event for _, event in events(session, 2)] == ["policy.proposed", "policy.rejected"]


def test_a_newer_proposal_replaces_the_one_that_waits(database: Database) -> None:
    with database.writing() as session:
        begin(session)
        older = policies.propose(session, draft(2), AT)

        newer = policies.propose(session, draft(3), AT)

        waits = policies.waiting(session)
        assert waits is not None
        assert (waits.id, older.status) == (newer.id, PolicyStatus.REJECTED)
        assert events(session, 2)[-1] == (ALICE, "policy.replaced")


def test_a_version_that_takes_effect_closes_the_question_about_another(database: Database) -> None:
    """What waited was compared with rules that are past."""
    with database.writing() as session:
        first = begin(session)
        policies.propose(session, draft(3), AT)

        policies.put_in_force(session, draft(2, looser=()), AT, over=first.id)

        assert policies.waiting(session) is None


def test_what_was_compared_with_rules_that_are_past_does_not_take_effect(database: Database) -> None:
    with database.writing() as session:
        first = begin(session)
        policies.put_in_force(session, draft(2, looser=()), AT, over=first.id)

        late = policies.put_in_force(session, draft(3, looser=()), AT, over=first.id)

        assert late is None
        stands = policies.active(session)
        assert stands is not None
        assert stands.version == 2


def test_a_person_has_one_vote_on_one_text(database: Database) -> None:
    with database.writing() as session:
        begin(session)
        row = policies.propose(session, draft(2), AT)

        first = policies.cast_vote(session, row, user_id=BOB, verdict=Verdict.APPROVE, reason=None, at=AT)
        again = policies.cast_vote(session, row, user_id=BOB, verdict=Verdict.REJECT, reason="No.", at=AT)

        assert (first, again) == (True, False)
        assert [(vote.user_id, vote.verdict) for vote in policies.votes(session, row)] == [(BOB, Verdict.APPROVE)]
        assert events(session, 2)[-1] == (BOB, "vote.approve")


def test_a_refused_file_is_kept_whole_and_told_once(database: Database) -> None:
    with database.writing() as session:
        given = {"text": "rules: [", "sha256": "0" * 64, "complaints": ("rules.yaml:1: not YAML",), "origin": "file"}

        first = policies.refused(session, **given, at=AT)  # type: ignore[arg-type]
        again = policies.refused(session, **given, at=AT)  # type: ignore[arg-type]

        assert (first, again) == (True, False)
        (entry,) = audit.latest(session, 10, policies.FILE)
        payload = json.loads(entry.payload)
        assert (entry.event, payload["text"]) == ("policy.refused", "rules: [")
        assert payload["complaints"] == ["rules.yaml:1: not YAML"]


def test_a_number_that_was_used_twice_means_the_version_that_was_in_force(database: Database) -> None:
    with database.writing() as session:
        begin(session)
        refused = policies.propose(session, draft(2, one="refused"), AT)
        policies.reject(session, refused, AT, actor=BOB, reason=None)
        taken = policies.propose(session, draft(2, one="taken"), AT)
        policies.activate(session, taken, AT, actor=BOB)
        policies.propose(session, draft(2, one="later"), AT)

        assert policies.numbered(session, 2).id == taken.id
        assert policies.highest(session) == 2
        with pytest.raises(KeyError, match="there is no version 9 on record"):
            policies.numbered(session, 9)


def test_who_changed_a_rule_lately_may_not_approve_what_it_had_a_part_in(database: Database) -> None:
    with database.writing() as session:
        begin(session)
        row = policies.propose(session, draft(2, one="easier"), AT)
        policies.activate(session, row, AT, actor=BOB)
        day = timedelta(hours=24)

        barred = [
            policies.recent_editors(session, judged_by("one"), AT),
            policies.recent_editors(session, judged_by("one"), AT + day - timedelta(seconds=1)),
            policies.recent_editors(session, judged_by("one"), AT + day),
            policies.recent_editors(session, judged_by("two"), AT),
        ]

    assert barred == [frozenset({ALICE}), frozenset({ALICE}), frozenset(), frozenset()]


def judged_by(rule: str) -> Decision:
    trace = tuple(TraceLine(step=1, rule=name, failed=None if name == rule else "env") for name in ("one", "two"))
    return decision(trace=trace, because=(Reason(rule=rule, why="Production needs a person."),))


def test_rules_that_were_changed_added_or_removed_are_named() -> None:
    old = RULES.format(version=1, one="a")

    assert changed_rules(old, RULES.format(version=2, one="a")) == frozenset()
    assert changed_rules(old, RULES.format(version=2, one="b")) == {"one"}
    assert changed_rules(old, old.replace("id: two", "id: three")) == {"two", "three"}
    assert changed_rules("rules: [", old) == {"one", "two"}


def test_the_facts_of_what_was_proposed_since_are_there_to_be_judged_again(database: Database) -> None:
    with database.writing() as session:
        incident = an_incident(session)
        judged = facts(shipped(), service="checkout")
        a_plan(session, incident.id or 0, decided=decision(facts=(judged,)))

        assert policies.judged_since(session, AT - timedelta(days=1)) == [judged]
        assert policies.judged_since(session, AT) == []
