"""Untrusted words made harmless, and the tokens that sayso writes itself."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.views import text
from tests.bot.views.samples import NOON


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("checkout is <down> & out", "checkout is &lt;down&gt; &amp; out"),
        ("ping <!channel> now", "ping channel now"),
        ("asked by <@U0ALICE001>", "asked by U0ALICE001"),
        ("ask <@U0ALICE001|alice>", "ask alice"),
        ("see <https://evil.example|the runbook>", "see the runbook"),
        ("see [the runbook](https://evil.example)", "see the runbook"),
        ("GET http://cart:8080/healthz", "GET http[:]//cart:8080/healthz"),
        ("@here please", "here please"),
        ("two\nlines\tand  gaps", "two lines and gaps"),
        ("\x1b[31mred\x1b[0m \u202eevil\u200b", "red evil"),
        (":white_check_mark: Approved", "white_check_mark Approved"),
        ("arn:aws:ecs:eu-west-1:1:x", "arn:aws:ecs:eu-west-1:1:x"),
        ("`code`", "'code'"),
        (" \n ", "–"),
    ],
)
def test_untrusted_text_reads_the_same_and_does_nothing(written: str, shown: str) -> None:
    assert text.inline(written) == shown


@pytest.mark.parametrize("most", [10, 11, 12, 13, 14])
def test_shortening_never_halves_an_entity(most: int) -> None:
    shown = text.inline("abcde&&&&&&", most)

    assert len(shown) <= most
    assert re.sub(r"&(amp|lt|gt);", "", shown).count("&") == 0


def test_an_excerpt_keeps_its_lines_and_its_addresses() -> None:
    shown = text.excerpt("dial postgres://db:5432\n\tat <!channel>\r\nend  \n", 100)

    assert shown == "dial postgres://db:5432\n    at ‹!channel>\nend"


@given(lines=st.lists(st.text(alphabet="ab<>", min_size=1, max_size=40), max_size=30), most=st.integers(60, 200))
def test_fitted_lines_are_whole_lines_within_the_limit(lines: list[str], most: int) -> None:
    shown = text.fit(lines, most)

    *kept, last = shown.split("\n")
    whole = [*kept, last] if len(kept) + 1 == len(lines) and last == lines[-1] else kept
    assert len(shown) <= most
    assert whole == lines[: len(whole)]
    assert whole == lines or shown == text.NOTHING or last == f"… and {len(lines) - len(whole)} more lines"


@pytest.mark.parametrize(
    ("party", "shown"),
    [
        ("U0ALICE001", "<@U0ALICE001>"),
        ("W0ALICE001", "<@W0ALICE001>"),
        ("S0ONCALL01", "<!subteam^S0ONCALL01>"),
        ("sayso", "sayso"),
        ("U0ALICE001> <!channel", "U0ALICE001&gt; ‹!channel"),
        ("SCHEDULER", "SCHEDULER"),
        ("alice <@U0BOB00001>", "alice U0BOB00001"),
    ],
)
def test_only_a_slack_id_becomes_a_mention(party: str, shown: str) -> None:
    assert text.who(party) == shown


@pytest.mark.parametrize(
    "address",
    [None, "javascript:alert(1)", "file:///etc/passwd", "https://a.example/|x", "https://a.example/> <!channel", ""],
)
def test_an_address_that_is_not_plain_http_is_no_link(address: str | None) -> None:
    assert text.link(address, "graph") == "graph"


def test_a_link_shows_its_label_and_escapes_both() -> None:
    shown = text.link("https://g.example/d?a=1&b=2", "cpu | <mem>")

    assert shown == "<https://g.example/d?a=1&amp;b=2|cpu / &lt;mem&gt;>"


def test_a_time_is_shown_in_the_readers_zone_with_utc_beside_it() -> None:
    assert text.clock(NOON) == "<!date^1795003200^{time}|18 Nov 12:00 UTC>"
