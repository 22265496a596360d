"""A fresh sign-in over real HTTP: our pages, an OpenID Connect issuer, a browser; and every way it must not work."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from sqlmodel import select

from bot import approval
from bot.approval import Click
from bot.settings import Settings
from bot.sign_in import pages as sign_in
from bot.sign_in.step_up import SignIns
from bot.views.blocks import Message
from bot.views.ids import PlanReference
from bot.web import Doors, HttpServer, create_web
from deploy.sandbox.identity import CLIENT_ID, CLIENT_SECRET, Identity
from deploy.sandbox.identity.tokens import Claims
from deploy.sandbox.laptop import free_port
from deploy.sandbox.workspace import Workspace
from deploy.sandbox.workspace.directory import ALERTS, TEAM_ID
from policies.rules import Asked, Restrict
from storage import audit, plans
from storage.database import Database
from storage.tables import Plan, PlanStatus, SignIn, Verdict
from tests.bot.desks import ALICE, BOB, Bench, Clock, bench
from tests.policies.samples import with_rules
from tests.storage.samples import AT

STEP_UP = Restrict(
    id="fresh-sign-in",
    why="Slack alone is not enough for this.",
    when={"mutating": True},  # type: ignore[arg-type]
    effect="restrict",
    require=Asked.model_validate({"approvals": 1, "from": ("sre-oncall",), "step_up": True}),
)
LINK = re.compile(r"http://127\.0\.0\.1:\d+/sign-in/[\w-]+")
TIME = Clock()
"""The time of the issuer, kept with the desk's."""


@pytest.fixture(scope="module")
def module_issuer() -> Iterator[Identity]:
    with Identity(clock=lambda: TIME().timestamp()) as issuer:
        yield issuer


@pytest.fixture
def issuer(module_issuer: Identity) -> Identity:
    """The issuer, honest."""
    module_issuer.tokens.be_honest()
    TIME.at = AT
    return module_issuer


@pytest.fixture
def desk(database: Database, ws: Workspace, issuer: Identity) -> Iterator[Bench]:
    """A desk whose policy wants a fresh sign-in, with its pages served."""
    ws.reset()
    port = free_port()
    at = SignIns(
        public_url=f"http://127.0.0.1:{port}/",
        issuer=issuer.url,
        client_id=CLIENT_ID,
        client_secret=SecretStr(CLIENT_SECRET),
    )
    with bench(database, ws) as made:
        strict = made.under(with_rules(made.desk.policy, STEP_UP))
        strict = replace(strict, desk=replace(strict.desk, sign_ins=at))
        doors = Doors(
            settings=Settings.load({}),
            database=database,
            metrics=made.desk.metrics,
            receive=lambda _: pytest.fail("no alerts here"),
            ready=lambda: (),
            confirm=lambda _topic, _token: None,
            now=strict.clock,
            sign_in=sign_in.routes(strict.desk),
        )
        with HttpServer(create_web(doors), "127.0.0.1", port):
            yield strict


def press(desk: Bench, plan: Plan, user: str = ALICE, reason: str | None = None) -> Message:
    """Press Approve on the card."""
    reference = PlanReference(plan_id=f"P-{plan.id}", version=plan.version, digest=plan.digest[:16])
    return approval.decide(
        Click(
            event_key=f"click:{user}:{desk.clock().timestamp()}:{len(desk.entries())}",
            user_id=user,
            team_id=TEAM_ID,
            channel=ALERTS,
            reference=reference,
            verdict=Verdict.APPROVE,
            reason=reason,
        ),
        desk.desk,
    )


def link_in(told: Message) -> str:
    """The one-time link somebody was told."""
    found = LINK.search(json.dumps(told))
    assert found is not None, told
    return found[0]


@dataclass
class Browser:
    """A person's browser, which walks from page to page as they press what is there."""

    user: str
    http: httpx.Client

    def sign_in(self, link: str) -> httpx.Response:
        """Open the link, sign in at the issuer, and come back: our confirmation page, or a refusal."""
        assert "Sign in and go on" in self.http.get(link).text
        away = self.http.post(f"{link}/go")
        assert away.status_code == 303, away.text
        return self.http.get(self.at_issuer(away.headers["location"]))

    def at_issuer(self, url: str) -> str:
        """Press one's own name; where the issuer sends the browser."""
        assert "Who are you?" in self.http.get(url).text
        return str(self.http.post(url, data={"user": self.user}).headers["location"])

    def confirm(self, page: httpx.Response) -> httpx.Response:
        """Press the last button."""
        proof = re.search(r'name="proof" value="([^"]+)"', page.text)
        assert proof is not None, page.text
        return self.http.post(str(page.url.join("confirm")), data={"proof": proof[1]})


@pytest.fixture
def browser() -> Iterator[Callable[[str], Browser]]:
    """A fresh browser for somebody."""
    opened: list[httpx.Client] = []

    def made(user: str = ALICE) -> Browser:
        opened.append(httpx.Client(trust_env=False))
        return Browser(user, opened[-1])

    yield made
    for one in opened:
        one.close()


def refusals(desk: Bench) -> list[str]:
    """Why sign-ins and clicks were refused, in order."""
    with desk.database.reading() as session:
        found = [one for one in reversed(audit.latest(session, 100)) if one.event.endswith(".refused")]
    return [str(json.loads(one.payload)["reason"]) for one in found]


def test_an_approval_counts_once_it_was_confirmed_behind_a_fresh_sign_in(
    desk: Bench, browser: Callable[[str], Browser]
) -> None:
    plan = desk.ask()

    told = press(desk, plan)
    waiting = desk.plan().status
    alice = browser(ALICE)
    page = alice.sign_in(link_in(told))
    before = desk.plan().status
    done = alice.confirm(page)

    assert (waiting, before, desk.plan().status) == (PlanStatus.PENDING, PlanStatus.PENDING, PlanStatus.APPROVED)
    assert "Your approval of plan P-1 counts" in done.text
    with desk.database.reading() as session:
        (vote,) = plans.votes(session, plan)
    assert (vote.user_id, vote.stepped_up) == (ALICE, True)
    assert len(desk.starts.runs) == 1
    assert [event for _, event in desk.entries("plan:1")][:4] == [
        "plan.pending",
        "sign_in.asked",
        "sign_in.used",
        "vote.approve",
    ]


def test_the_page_shows_exactly_what_is_approved(desk: Bench, browser: Callable[[str], Browser]) -> None:
    plan = desk.ask()

    page = browser(ALICE).http.get(link_in(press(desk, plan, reason="<script>alert(1)</script>")))

    assert plan.digest in page.text
    assert "spec.replicas: 2 → 4" in page.text
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"
    assert "set-cookie" not in page.headers


def test_looking_at_the_link_does_not_use_it_up(desk: Bench, browser: Callable[[str], Browser]) -> None:
    """Link previews and mail scanners open links."""
    plan = desk.ask()
    link = link_in(press(desk, plan))
    for _ in range(3):
        browser("nobody").http.get(link)

    alice = browser(ALICE)
    alice.confirm(alice.sign_in(link))

    assert desk.plan().status == PlanStatus.APPROVED


def test_the_link_itself_is_nowhere_on_record(desk: Bench) -> None:
    token = link_in(press(desk, desk.ask())).rpartition("/")[2]

    with desk.database.reading() as session:
        rows = str([row._asdict() for row in session.execute(sa.text("SELECT * FROM sign_in"))])
        rows += str([row._asdict() for row in session.execute(sa.text("SELECT * FROM audit"))])

    assert token not in rows


@pytest.mark.parametrize("again", ["the link", "the confirmation"])
def test_a_link_works_once(desk: Bench, browser: Callable[[str], Browser], again: str) -> None:
    plan = desk.ask(scale_factor=3.0)
    link = link_in(press(desk, plan))
    alice = browser(ALICE)
    page = alice.sign_in(link)
    alice.confirm(page)

    second = alice.http.get(link) if again == "the link" else alice.confirm(page)

    assert second.status_code == 403
    with desk.database.reading() as session:
        assert len(plans.votes(session, plan)) == 1
    assert desk.plan().status == PlanStatus.PENDING


def test_somebody_else_who_signs_in_with_the_link_decides_nothing(
    desk: Bench, browser: Callable[[str], Browser]
) -> None:
    plan = desk.ask()

    page = browser(BOB).sign_in(link_in(press(desk, plan)))

    assert page.status_code == 403
    assert refusals(desk) == [f"another person signed in ({BOB})"]
    assert desk.plan().status == PlanStatus.PENDING


def test_a_link_expires_after_five_minutes(desk: Bench, browser: Callable[[str], Browser]) -> None:
    plan = desk.ask()
    link = link_in(press(desk, plan))
    alice = browser(ALICE)
    page = alice.sign_in(link)
    desk.clock.pass_(minutes=5)

    late = alice.confirm(page)

    assert late.status_code == 403
    assert alice.http.get(link).status_code == 403
    assert desk.plan().status == PlanStatus.PENDING


@pytest.mark.parametrize("token", ["", "x", "a" * 43, "..%2F..%2Fhealthz", "%00"])
def test_a_made_up_link_shows_nothing(desk: Bench, browser: Callable[[str], Browser], token: str) -> None:
    desk.ask()

    answer = browser(ALICE).http.get(f"{desk.desk.sign_ins.public_url}sign-in/{token}")

    assert answer.status_code in (403, 404)
    assert "checkout" not in answer.text


def claim(**said: object) -> Callable[[Claims], Claims]:
    """Tokens that say something else; None leaves it out."""
    return lambda claims: {name: value for name, value in {**claims, **said}.items() if value is not None}


@pytest.mark.parametrize(
    "altered",
    [
        claim(iss="https://elsewhere.example"),
        claim(aud="another-client"),
        claim(aud=[CLIENT_ID, "another-client"]),
        claim(nonce="of another attempt"),
        claim(nonce=None),
        claim(auth_time=None),
        claim(auth_time=int(AT.timestamp()) - 301),
        claim(auth_time=int(AT.timestamp()) + 31),
        claim(auth_time=str(int(AT.timestamp()))),
        claim(auth_time=True),
        claim(exp=int(AT.timestamp()) - 31),
        claim(exp=None),
        claim(iat=None),
        claim(**{"https://slack.com/user_id": None}),
        claim(**{"https://slack.com/user_id": ""}),
        claim(**{"https://slack.com/user_id": [ALICE]}),
        claim(**{"https://slack.com/user_id": None, "email": "alice@example.com", "sub": ALICE}),
    ],
)
def test_an_id_token_that_does_not_say_all_it_must_is_not_believed(
    desk: Bench, issuer: Identity, browser: Callable[[str], Browser], altered: Callable[[Claims], Claims]
) -> None:
    plan = desk.ask()
    issuer.tokens.altered = altered

    page = browser(ALICE).sign_in(link_in(press(desk, plan)))

    assert page.status_code == 403
    assert len(refusals(desk)) == 1
    assert desk.entries("plan:1")[-1] == (ALICE, "sign_in.refused")
    assert desk.plan().status == PlanStatus.PENDING


@pytest.mark.parametrize("lie", ["forged", "unsigned"])
def test_an_id_token_the_issuer_did_not_sign_is_not_believed(
    desk: Bench, issuer: Identity, browser: Callable[[str], Browser], lie: str
) -> None:
    plan = desk.ask()
    setattr(issuer.tokens, lie, True)

    page = browser(ALICE).sign_in(link_in(press(desk, plan)))

    assert page.status_code == 403
    assert "the ID token does not hold" in refusals(desk)[0]
    assert desk.plan().status == PlanStatus.PENDING


def test_a_confirmation_without_a_sign_in_counts_for_nothing(desk: Bench, browser: Callable[[str], Browser]) -> None:
    plan = desk.ask()
    link = link_in(press(desk, plan))
    alice = browser(ALICE)
    alice.http.post(f"{link}/go")
    page = f"{desk.desk.sign_ins.public_url}sign-in/confirm"
    moment = int(desk.clock().timestamp())

    answers = [alice.http.post(page, data={"proof": proof}) for proof in ("", f"{moment}.{'0' * 64}", "é.x")]

    assert {answer.status_code for answer in answers} == {403}
    assert desk.plan().status == PlanStatus.PENDING


def test_a_proof_of_one_plan_does_not_confirm_another(desk: Bench, browser: Callable[[str], Browser]) -> None:
    first, second = desk.ask(), desk.ask()
    alice = browser(ALICE)
    page = alice.sign_in(link_in(press(desk, first)))
    proof = re.search(r'value="(\d+\.[0-9a-f]+)"', page.text)
    alice.http.post(f"{link_in(press(desk, second))}/go")
    assert proof is not None

    mixed = alice.http.post(f"{desk.desk.sign_ins.public_url}sign-in/confirm", data={"proof": proof[1]})

    assert mixed.status_code == 403
    assert [desk.plan(number).status for number in (1, 2)] == [PlanStatus.PENDING] * 2


def test_an_answer_of_the_issuer_is_taken_only_by_the_browser_that_set_out(
    desk: Bench, browser: Callable[[str], Browser]
) -> None:
    """Somebody lures another browser to the way back, or sends an answer of another attempt."""
    plan = desk.ask()
    link = link_in(press(desk, plan))
    alice = browser(ALICE)
    back = alice.at_issuer(alice.http.post(f"{link}/go").headers["location"])
    alice.http.post(f"{link}/go")

    elsewhere = browser(ALICE).http.get(back)
    another_attempt = alice.http.get(back)

    assert (elsewhere.status_code, another_attempt.status_code) == (403, 403)
    assert refusals(desk) == ["the answer is of another attempt"]


def test_what_is_sent_to_the_issuer_asks_for_a_sign_in_of_now(desk: Bench, browser: Callable[[str], Browser]) -> None:
    link = link_in(press(desk, desk.ask()))
    alice = browser(ALICE)

    asked = [parse_qs(urlsplit(alice.http.post(f"{link}/go").headers["location"]).query) for _ in range(2)]

    assert (asked[0]["prompt"], asked[0]["max_age"]) == (["login"], ["300"])
    assert asked[0]["code_challenge_method"] == ["S256"]
    assert asked[0]["nonce"] != asked[1]["nonce"]
    assert asked[0]["state"] != asked[1]["state"]


def test_a_plan_that_was_decided_meanwhile_takes_no_confirmed_vote(
    desk: Bench, browser: Callable[[str], Browser]
) -> None:
    plan = desk.ask()
    alice = browser(ALICE)
    page = alice.sign_in(link_in(press(desk, plan)))
    with desk.database.writing() as session:
        plans.move(session, plans.get(session, 1), PlanStatus.CANCELLED, AT)

    told = alice.confirm(page)

    assert "takes no votes any more" in told.text
    assert refusals(desk) == ["the plan is cancelled"]


def test_who_has_left_since_the_link_was_made_is_refused_at_the_confirmation(
    desk: Bench, browser: Callable[[str], Browser]
) -> None:
    plan = desk.ask()
    alice = browser(ALICE)
    page = alice.sign_in(link_in(press(desk, plan)))
    desk.workspace.set_standing("alice", "deactivated")

    alice.confirm(page)

    assert refusals(desk) == ["this account is deactivated"]
    assert desk.plan().status == PlanStatus.PENDING


def test_without_an_issuer_nobody_approves_and_everybody_learns_what_is_missing(desk: Bench) -> None:
    bare = replace(desk, desk=replace(desk.desk, sign_ins=SignIns(issuer="https://id.example")))
    plan = bare.ask()

    told = press(bare, plan)

    assert "SAYSO_PUBLIC_URL, SAYSO_OIDC_CLIENT_ID, SAYSO_OIDC_CLIENT_SECRET" in told["text"]
    assert refusals(bare) == ["a fresh sign-in is needed, and none is configured"]
    with desk.database.reading() as session:
        assert session.exec(select(SignIn)).all() == []


def test_when_the_issuer_is_away_nothing_counts(
    desk: Bench, issuer: Identity, browser: Callable[[str], Browser]
) -> None:
    away = desk.desk.sign_ins.model_copy(update={"issuer": "http://127.0.0.1:9"})
    plan = desk.ask()
    link = link_in(press(desk, plan))
    app = create_web(
        Doors(
            settings=Settings.load({}),
            database=desk.database,
            metrics=desk.desk.metrics,
            receive=lambda _: pytest.fail("no alerts here"),
            ready=lambda: (),
            confirm=lambda _topic, _token: None,
            now=desk.clock,
            sign_in=sign_in.routes(replace(desk.desk, sign_ins=away)),
        )
    )

    answer = app.test_client().post(f"{urlsplit(link).path}/go")

    assert answer.status_code == 403
    assert "the issuer did not answer" in answer.text
