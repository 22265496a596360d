"""FLOW: the rules change. A version that only tightens takes effect at once; one that allows more asks people first,
by the rules in force, in Slack, and the old one decides until enough of them agree.

Every file that is taken, refused or asked about is on record, and so is every click, refused ones too. What "allows
more" means is `policies.loosening`'s; noticing that a file changed is `bot.policy.rules_file`'s.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import Session

from bot.desk import Desk
from bot.people import LookupFailed, NotAllowed, groups
from bot.people.groups import Roll
from bot.policy import policy_cards
from bot.views import ephemeral
from bot.views.blocks import Message
from bot.views.policy import PolicyReference
from policies.catalogue import Catalogue
from policies.documents import PolicyError
from policies.loading import load
from policies.loosening import Replay, loosenings, replay
from policies.rules import Policy
from storage import audit, inbox, policies
from storage.database import Database
from storage.policies import Draft
from storage.tables import PolicyStatus, PolicyVersion, Verdict
from tools.errors import PermanentError
from tools.values import JsonValue, Value

ROUNDS = 20
"""How often a change is looked at again because something else changed meanwhile."""
REPLAYED_S = 30 * 86400
"""How much of the past a change is replayed against where the rules do not say."""


class Fate(StrEnum):
    """What came of a text that somebody wants to be the rules."""

    KNOWN = "known"
    """It is in force, waits for people, or was decided before: nothing new."""
    REFUSED = "refused"
    ACTIVATED = "activated"
    PROPOSED = "proposed"


class Submission(Value):
    """A text that somebody wants to be the rules. `author` is a Slack id; None where a file changed."""

    text: str
    name: str
    origin: str
    author: str | None = None


class Considered(Value):
    """What came of it: the row it has, what it allows more, or why it was refused."""

    fate: Fate
    version: int
    """Its own, or where it was refused the one in force."""
    row: int | None = None
    looser: tuple[str, ...] = ()
    complaints: tuple[str, ...] = ()
    news: bool = True
    """Whether exactly this was not refused just before."""


class PolicyClick(Value):
    """A decision about a version as it came from Slack: who, and about which row and which text."""

    event_key: str
    user_id: str
    team_id: str
    channel: str
    reference: PolicyReference
    verdict: Verdict
    reason: str | None = None


def consider(wanted: Submission, record: Database, catalogue: Catalogue, at: datetime) -> Considered:
    """Take, refuse or propose a text. Raises PermanentError while no rules are in force yet."""
    for _ in range(ROUNDS):
        with record.reading() as session:
            row = policies.active(session)
            if row is None or row.id is None:
                raise PermanentError("no rules are in force yet; the first `sayso run` puts the file in force")
            active = load(row.text, catalogue, name=f"version {row.version}")
            known = _known(session, wanted, active)
            past = policies.judged_since(session, at - timedelta(seconds=_replayed_s(active)))
        if known is not None:
            return known
        try:
            new = load(wanted.text, catalogue, name=wanted.name, active=active)
        except PolicyError as error:
            return _refuse_text(record, wanted, error.complaints, active, at)
        told = tuple(str(one) for one in loosenings(active, new, past))
        done = _put_on_record(record, wanted, new, told, replay(active, new, past), row.id, at)
        if done is not None:
            return done
    raise PermanentError("the rules keep changing; try again")


def decide(click: PolicyClick, desk: Desk) -> Message:
    """Count a click; the version takes effect when it completes the agreement. Returns what to tell the clicker."""
    reason = _not_entitled(click, desk)
    if reason is not None:
        return _refuse(click, reason, desk)
    for _ in range(ROUNDS):
        policy = desk.rulebook.look()
        try:
            roll = groups.call_roll(frozenset({""}), policy, desk, _voters(click, desk))
        except LookupFailed as error:
            return _refuse(click, f"Slack could not say who may approve ({error}); try again", desk)
        with desk.database.writing() as session:
            told = _count(session, click, roll, desk)
        if told is not None:
            desk.rulebook.look()
            return told
    return _refuse(click, "many people decide at once; press again", desk)


def _known(session: Session, wanted: Submission, active: Policy) -> Considered | None:
    """What is on record of exactly this text, where that settles it. A person may ask again about what was rejected."""
    row = policies.known(session, policies.fingerprint(wanted.text))
    settled = {PolicyStatus.ACTIVE, PolicyStatus.PROPOSED}
    if wanted.author is None:
        settled |= {PolicyStatus.RETIRED, PolicyStatus.REJECTED}  # the same old file at every start
    if row is None or row.status not in settled:
        return None
    return Considered(fate=Fate.KNOWN, version=row.version, row=row.id, looser=row.looser)


def _replayed_s(active: Policy) -> int:
    control = active.file.change_control
    return REPLAYED_S if control is None else control.replay


def _refuse_text(
    record: Database, wanted: Submission, complaints: tuple[str, ...], active: Policy, at: datetime
) -> Considered:
    with record.writing() as session:
        news = policies.refused(
            session,
            text=wanted.text,
            sha256=policies.fingerprint(wanted.text),
            complaints=complaints,
            origin=wanted.origin,
            at=at,
        )
    return Considered(fate=Fate.REFUSED, version=active.version, complaints=complaints, news=news)


def _put_on_record(
    record: Database, wanted: Submission, new: Policy, looser: tuple[str, ...], counts: Replay, over: int, at: datetime
) -> Considered | None:
    """None when other rules are in force, or the same text is on record, by now."""
    draft = Draft(
        version=new.version,
        sha256=new.sha256,
        text=wanted.text,
        author=wanted.author,
        origin=wanted.origin,
        looser=looser,
    )
    with record.writing() as session:
        seen = policies.known(session, new.sha256)
        again = seen is not None and seen.status in (PolicyStatus.ACTIVE, PolicyStatus.PROPOSED)
        if again or policies.active_id(session) != over:
            return None
        if looser:
            detail: dict[str, JsonValue] = {"replay": counts.model_dump(mode="json")}
            row: PolicyVersion | None = policies.propose(session, draft, at, detail)
        else:
            row = policies.put_in_force(session, draft, at, over=over)
    if row is None:
        return None
    fate = Fate.PROPOSED if looser else Fate.ACTIVATED
    return Considered(fate=fate, version=row.version, row=row.id, looser=looser)


def _not_entitled(click: PolicyClick, desk: Desk) -> str | None:
    """Why this click counts for nothing, whatever it is about."""
    person = desk.people.identify(click.user_id, click.team_id)
    if isinstance(person, NotAllowed):
        return person.reason
    try:
        if click.channel and desk.people.is_shared(click.channel):
            return "the channel is shared with another organisation"
    except LookupFailed as error:
        return f"Slack could not say who is in this channel ({error}); try again"
    return None


def _voters(click: PolicyClick, desk: Desk) -> frozenset[str]:
    """Everybody who has to be identified afresh: the clicker, and who spoke before."""
    with desk.database.reading() as session:
        row = session.get(PolicyVersion, click.reference.row)
        spoke = [] if row is None else policies.votes(session, row)
    return frozenset({click.user_id, *(vote.user_id for vote in spoke)})


def _count(session: Session, click: PolicyClick, roll: Roll, desk: Desk) -> Message | None:
    """Judge and record the click under the version's lock. None, and nothing recorded, when the roll is out of date."""
    at = desk.now()
    try:
        row = policies.lock_for_decision(session, click.reference.row)
    except KeyError:
        return _refused(session, click, "there is no such version of the rules", at)
    if not roll.covers({click.user_id, *(vote.user_id for vote in policies.votes(session, row))}):
        return None
    if not inbox.accept(session, click.event_key, "click", click.model_dump_json(), at):
        return _refused(session, click, "this click was counted before", at)
    inbox.handled(session, click.event_key, at)
    if row.sha256 != click.reference.sha256:
        return _refused(session, click, "the button was drawn for another text of these rules", at)
    if row.status != PolicyStatus.PROPOSED:
        return _refused(session, click, f"nobody is asked about this version any more: it is {row.status}", at)
    needs = policy_cards.needed(desk.rulebook.in_force(session), row)
    if click.user_id == row.author:
        return _refused(session, click, "whoever proposed a change of the rules does not decide it", at)
    if click.user_id not in roll.own(needs.groups):
        return _refused(session, click, f"only people of {' or '.join(needs.groups)} decide this", at)
    voted = policies.cast_vote(session, row, user_id=click.user_id, verdict=click.verdict, reason=click.reason, at=at)
    if not voted:
        return _refused(session, click, "you have said so before, and that stands", at)
    return _conclude(session, row, click, roll, needs, desk)


def _conclude(
    session: Session, row: PolicyVersion, click: PolicyClick, roll: Roll, needs: policy_cards.Needed, desk: Desk
) -> Message:
    """What the votes amount to now, in the same transaction."""
    at, name = desk.now(), f"version {row.version} of the rules"
    entitled = roll.own(needs.groups) - {row.author}
    given = [vote for vote in policies.votes(session, row) if vote.user_id in entitled]
    agreed = sum(vote.verdict == Verdict.APPROVE for vote in given)
    if click.verdict is Verdict.REJECT:
        policies.reject(session, row, at, actor=click.user_id, reason=click.reason)
        told = ephemeral.note(f"Your rejection stands: {name} will not take effect.")
    elif agreed >= needs.approvals:
        policies.activate(session, row, at, actor=click.user_id)
        told = ephemeral.note(f"Your approval counts, and it was the last one needed: {name} decides from now on.")
    else:
        told = ephemeral.note(f"Your approval counts: {agreed} of {needs.approvals} for {name}.")
    policy_cards.show(session, row, desk)
    return told


def _refuse(click: PolicyClick, reason: str, desk: Desk) -> Message:
    with desk.database.writing() as session:
        return _refused(session, click, reason, desk.now())


def _refused(session: Session, click: PolicyClick, reason: str, at: datetime) -> Message:
    """Nothing is counted; the attempt itself is recorded."""
    row = session.get(PolicyVersion, click.reference.row)
    payload: dict[str, JsonValue] = {
        "reason": reason,
        "verdict": click.verdict,
        "sha256": click.reference.sha256,
        "team": click.team_id,
        "channel": click.channel,
    }
    about = policies.FILE if row is None else policies.subject(row.version)
    audit.append(session, actor=click.user_id, event="click.refused", subject=about, payload=payload, at=at)
    return ephemeral.unauthorised(reason)
