"""Story 1 through the page in a real browser, as a newcomer tells it to themselves with `make demo`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from storage.tables import PlanStatus
from tests.conftest import needs
from tests.journeys.scene import APPROVE, Scene

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
PATIENCE_MS = 30_000


@pytest.fixture
def page(scene: Scene) -> Iterator[Page]:
    """The page before alice, looking at #alerts; anything its console complains of fails the test."""
    chromium = needs("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{scene.laptop.workspace.url}/?as=alice&channel=alerts")
        page.wait_for_selector("body[data-ready]")
        yield page
        browser.close()
        assert complaints == []


def test_alice_clicks_approve_on_the_page_and_the_fault_goes_away(scene: Scene, page: Page) -> None:
    trouble = scene.trouble(1, "checkout")
    trouble.asks()
    page.get_by_test_id("messages").get_by_test_id("open-thread").click()
    thread = page.get_by_test_id("thread-messages")

    thread.locator(f'button[data-action-id="{APPROVE}"]').click()
    dialog = page.locator("#confirm")
    dialog.wait_for(state="visible")
    asked = dialog.inner_text()
    charts = thread.locator("figure.b-chart").count()
    nothing_yet = trouble.effects()
    page.get_by_test_id("confirm-accept").click()

    thread.get_by_text("Succeeded · Plan P-1").wait_for()
    assert "Run it in prod?" in asked
    assert "checkout" in asked
    assert charts == 1
    assert nothing_yet == []
    assert trouble.healed
    assert trouble.plan().status == PlanStatus.SUCCEEDED
    assert len(trouble.effects()) == 1
    trouble.clear()
    page.get_by_test_id("messages").get_by_text("Resolved", exact=False).first.wait_for()
