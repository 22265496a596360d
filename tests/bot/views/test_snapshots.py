"""Every card as it is sent, against the stored JSON.

After a wanted change run `SAYSO_UPDATE_SNAPSHOTS=1 python -m pytest tests/bot/views/test_snapshots.py`, then read the
difference in the JSON files before committing it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.views.limits import view_violations, violations
from tests.bot.views import samples

SNAPSHOTS = Path(__file__).with_name("snapshots")
MESSAGES, VIEWS = samples.messages(), samples.views()
UPDATING = os.environ.get("SAYSO_UPDATE_SNAPSHOTS") == "1"


@pytest.mark.parametrize("name", [*MESSAGES, *VIEWS])
def test_a_card_is_sent_as_it_was_last_reviewed(name: str) -> None:
    stored = SNAPSHOTS / f"{name}.json"
    drawn = json.dumps((MESSAGES | VIEWS)[name], indent=1, ensure_ascii=False) + "\n"

    if UPDATING:
        stored.parent.mkdir(exist_ok=True)
        stored.write_text(drawn, encoding="utf-8")

    assert stored.read_text(encoding="utf-8") == drawn


def test_every_stored_snapshot_belongs_to_a_card() -> None:
    stored = {path.stem for path in SNAPSHOTS.glob("*.json")}

    assert stored == set(MESSAGES | VIEWS)


@pytest.mark.parametrize("name", MESSAGES)
def test_slack_takes_every_message(name: str) -> None:
    message: Mapping[str, object] = MESSAGES[name]

    complaints = violations(message)

    assert complaints == []
    assert message["text"]
    assert (message["unfurl_links"], message["unfurl_media"]) == (False, False)


@pytest.mark.parametrize("name", VIEWS)
def test_slack_takes_every_modal_and_home_tab(name: str) -> None:
    complaints = view_violations(VIEWS[name])

    assert complaints == []
