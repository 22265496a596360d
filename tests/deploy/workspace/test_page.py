"""The page, driven in a real browser: what a person clicks there reaches the app as Slack would send it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from slack_bolt import App
from slack_sdk import WebClient

from deploy.sandbox.workspace import Workspace

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium; the tests are skipped where there is none."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, ws: Workspace) -> Iterator[Page]:
    """The page, looking at #alerts as alice; anything its console complains of fails the test."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.set_default_timeout(8_000)
    page.goto(f"{ws.url}/?as=alice&channel=alerts")
    page.wait_for_selector("body[data-ready]")
    yield page
    page.close()
    assert complaints == []


def test_bob_confirms_an_approval_and_sees_the_card_change(page: Page, ws: Workspace, connected: App) -> None:
    page.get_by_test_id("composer").fill("@sayso status?")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    page.get_by_test_id("open-thread").click()
    page.get_by_test_id("persona").select_option("bob")
    page.get_by_test_id("open-thread").click()
    thread = page.get_by_test_id("thread-messages")

    thread.locator('button[data-action-id="approve"]').click()
    page.get_by_test_id("confirm-deny").click()
    before = len([entry for entry in ws.journal("delivery") if entry["type"] == "interactive"])
    thread.locator('button[data-action-id="approve"]').click()
    page.get_by_test_id("confirm-accept").click()

    thread.get_by_text("approved by @bob").wait_for()
    page.get_by_text("Only visible to you").wait_for()
    assert before == 0
    assert ws.wait_for_message("alerts", "approved by <@U0BOB00001>").action_ids == []
    assert thread.locator('button[data-action-id="approve"]').count() == 0


def test_a_modal_shows_its_error_beside_the_input_and_keeps_what_was_typed(
    page: Page, ws: Workspace, connected: App
) -> None:
    ws.person("alice").say("alerts", "@sayso status?")
    page.get_by_test_id("open-thread").click()
    page.locator('button[data-action-id="reject"]').click()
    modal = page.get_by_test_id("modal")
    why = modal.locator("textarea")

    why.fill("no")
    modal.get_by_test_id("modal-submit").click()
    modal.get_by_text("Say more").wait_for()
    typed = why.input_value()
    why.fill("too risky now")
    modal.get_by_test_id("modal-submit").click()
    modal.wait_for(state="hidden")

    assert typed == "no"
    assert ws.wait_for_ephemeral("alice", "rejected: too risky now")


def test_a_click_nobody_answers_leaves_a_mark_on_the_button(page: Page, ws: Workspace, client: WebClient) -> None:
    button = {"type": "button", "action_id": "lonely", "text": {"type": "plain_text", "text": "Anyone?"}}
    client.chat_postMessage(channel="C0ALERTS01", text="x", blocks=[{"type": "actions", "elements": [button]}])

    page.locator('button[data-action-id="lonely"]').click()

    page.locator('button.unanswered[data-action-id="lonely"]').wait_for()


HOSTILE = "<img src=x onerror=\"document.title='owned'\"> <javascript:alert(1)|click me> &lt;b&gt;"


def test_hostile_text_is_shown_and_never_run(page: Page, ws: Workspace, client: WebClient) -> None:
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": HOSTILE}},
        {"type": "markdown", "text": f"{HOSTILE} [here](javascript:alert(1))"},
        {"type": "image", "image_url": "https://tracker.example/pixel.png", "alt_text": "pixel"},
    ]
    client.chat_postMessage(channel="C0ALERTS01", text="x", blocks=blocks)

    page.get_by_text("click me").first.wait_for()

    scripts = page.locator('a[href^="javascript"]').count()
    pictures = page.locator(".list .content img").count()
    assert (scripts, pictures) == (0, 0)
    assert page.title() == "# alerts · Sandbox"


def test_an_unknown_block_is_a_chip_and_an_ephemeral_message_is_private(
    page: Page, ws: Workspace, client: WebClient
) -> None:
    ws.settings(block_limits=False)
    client.chat_postMessage(channel="C0ALERTS01", text="x", blocks=[{"type": "hologram"}])
    client.chat_postEphemeral(channel="C0ALERTS01", user="U0BOB00001", text="for bob alone")

    page.get_by_text("[hologram block]").wait_for()
    seen_by_alice = page.get_by_text("for bob alone").count()
    page.get_by_test_id("persona").select_option("bob")
    page.get_by_text("for bob alone").wait_for()

    assert seen_by_alice == 0


def test_the_home_tab_and_a_permalink_open_where_they_point(
    page: Page, ws: Workspace, client: WebClient, connected: App
) -> None:
    ts = client.chat_postMessage(channel="C0INCID001", text="the very message")["ts"]
    link = client.chat_getPermalink(channel="C0INCID001", message_ts=ts)["permalink"]

    page.get_by_role("button", name="sayso").click()
    page.get_by_test_id("home").get_by_text("Needs you").wait_for()
    page.goto(link)

    page.locator(f'article.linked[data-ts="{ts}"]').wait_for()
    assert page.get_by_role("heading", name="# incidents").is_visible()
