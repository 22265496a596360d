"""What `sayso doctor` sees of the rules: whether the file is what is in force, and whether there are people enough and
fresh sign-ins for what they ask. Puts nothing in force.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.doctor import record, slack
from bot.doctor.findings import Ailment, Check, Status, checked
from bot.settings import Settings, SettingsError
from policies.documents import PolicyError
from policies.loading import SHIPPED, load
from policies.rules import Approve, Policy, Restrict

if TYPE_CHECKING:
    from storage.tables import PolicyVersion

SIGN_INS = "sign-ins"
NAMED = 3
"""Rules with too few people that are named."""


def look(settings: Settings) -> Iterator[Check]:
    """How the file of the rules stands to the version in force."""
    fix = f"correct {settings.rules or SHIPPED}: `sayso policy check` says what is wrong with it"
    yield checked("rules", fix, lambda: _compared(settings), PolicyError, UnicodeDecodeError)


def rosters(settings: Settings) -> Iterator[Check]:
    """Whether every rule could be met with one person away; nothing where neither Slack nor the rules can be asked."""
    from bot.people import LookupFailed, People
    from bot.people.groups import Rota, thin

    try:
        access, policy = settings.require_slack(), _deciding(settings)
    except (SettingsError, PolicyError, OSError, UnicodeDecodeError, Ailment):
        return  # which the checks of Slack and of the rules tell
    client = slack.web_client(access, access.bot_token.get_secret_value())
    rota = Rota(policy, People(client, "", settings.usergroups, lambda: datetime.now(UTC)))
    fix = "add people to the user groups behind these groups, or ask fewer people in the rules"
    yield checked("rosters", fix, lambda: _to_spare(thin(rota)), LookupFailed)


def sign_ins(settings: Settings) -> Iterator[Check]:
    """One check; none where neither the rules nor the settings speak of sign-ins."""
    from bot.rehearsal import catalogue
    from bot.sign_in import step_up
    from bot.sign_in.oidc import Issuer, NotSignedIn

    path = settings.rules or SHIPPED
    wanted, at = _wanting(load(path.read_text(), catalogue(), name=path.name)), step_up.sign_ins(settings)
    if not wanted and at.issuer is None:
        return
    if at.missing:
        why = f"asked by {', '.join(wanted)}; nobody can give one" if wanted else "half configured"
        fix = f"set {', '.join(at.missing)}"
        yield Check(name=SIGN_INS, status=Status.MISSING, detail=f"a fresh sign-in is {why}", fix=fix)
        return
    try:
        Issuer(at).look()
    except NotSignedIn as error:
        yield Check(name=SIGN_INS, status=Status.BROKEN, detail=str(error), fix="check SAYSO_OIDC_ISSUER")
        return
    yield Check(
        name=SIGN_INS, status=Status.OK, detail=f"people sign in at {at.issuer}, and come back to {at.page('')}"
    )


def _compared(settings: Settings) -> str:
    """What there is to say when the file is in force or will be. Raises Ailment where it is something else."""
    from bot.rehearsal import catalogue

    path = settings.rules or SHIPPED
    text, name = path.read_text(encoding="utf-8"), path.name
    active, known = _on_record(settings, text)
    if active is None:
        version = load(text, catalogue(), name=name).version
        return f"{name} is version {version}; the first `sayso run` puts it in force"
    policy = _in_force(active)
    if known is not None and known.sha256 == active.sha256:
        return f"{name} is version {active.version}, which is in force"
    if known is None:
        load(text, catalogue(), name=name, active=policy)
    raise _different(name, active, known)


def _different(name: str, active: PolicyVersion, known: PolicyVersion | None) -> Ailment:
    """What will become of a file that is not in force, as `bot.policy.policy_change` decides it."""
    from storage.tables import PolicyStatus

    if known is None:
        fate = "sayso takes it up at its next start, or soon where it runs, and asks people first if it allows more"
        fix = "`sayso policy diff FILE` says whether it does"
    elif known.status == PolicyStatus.PROPOSED:
        fate = f"it is version {known.version}, which waits for people to approve it"
        fix = "`/sayso policy` in Slack shows who has to"
    else:
        fate = f"it is version {known.version}, which was {known.status} before, so sayso does not take it up again"
        fix = (
            f"`sayso policy show {active.version}` prints what is in force; for a change give the file a higher version"
        )
    return Ailment(f"{name} differs from version {active.version}, which is in force: {fate}", Status.WARNING, fix)


def _deciding(settings: Settings) -> Policy:
    """The rules that decide: those in force, or before the first start those of the file. Raises like `_compared`."""
    from bot.rehearsal import catalogue

    path = settings.rules or SHIPPED
    text = path.read_text(encoding="utf-8")
    active, _ = _on_record(settings, text)
    return load(text, catalogue(), name=path.name) if active is None else _in_force(active)


def _on_record(settings: Settings, text: str) -> tuple[PolicyVersion | None, PolicyVersion | None]:
    """The version in force, and the newest one with exactly this text; neither before the first start."""
    from sqlalchemy.exc import SQLAlchemyError

    from storage import policies

    database = record.opened(settings)
    if database is None:
        return None, None
    try:
        with database.reading() as session:
            return policies.active(session), policies.known(session, policies.fingerprint(text))
    except SQLAlchemyError as error:
        raise Ailment("the record cannot be read, so nobody knows what is in force", Status.SKIPPED, fix="") from error
    finally:
        database.close()


def _in_force(active: PolicyVersion) -> Policy:
    """The policy of the version in force. Raises Ailment when this sayso cannot read it."""
    from bot.rehearsal import catalogue

    name = f"version {active.version}"
    try:
        return load(active.text, catalogue(), name=name)
    except PolicyError as error:
        fix = "run the sayso that wrote it, and change the rules there first"
        raise Ailment(f"this sayso cannot read {name}, which is in force: {error}", fix=fix) from error


def _to_spare(warnings: tuple[str, ...]) -> str:
    if not warnings:
        return "every rule could be met with one person away"
    more = f"; and {len(warnings) - NAMED} more" if len(warnings) > NAMED else ""
    raise Ailment("; ".join(warnings[:NAMED]) + more, Status.WARNING)


def _wanting(policy: Policy) -> tuple[str, ...]:
    """What of a policy asks for a fresh sign-in."""
    rules = [rule.id for rule in policy.file.rules if isinstance(rule, Approve | Restrict) and rule.require.step_up]
    glass = policy.file.break_glass
    return (*rules, *(("break_glass",) if glass is not None and glass.step_up else ()))
