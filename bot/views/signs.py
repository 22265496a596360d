"""Every emoji a card uses, so that untrusted text can be kept from imitating one. Words always stand beside them."""

from __future__ import annotations

from enum import StrEnum

from tools.evidence import Severity


class Sign(StrEnum):
    """A sign with one meaning on every surface, as Slack's shortcode."""

    FIRING = ":rotating_light:"
    LOOKING = ":eyes:"
    SEARCHED = ":mag:"
    CHART = ":bar_chart:"
    ASKING = ":raised_hand:"
    WAITING = ":hourglass_flowing_sand:"
    WORKING = ":hammer_and_wrench:"
    DONE = ":white_check_mark:"
    REFUSED = ":x:"
    UNDONE = ":leftwards_arrow_with_hook:"
    WARNING = ":warning:"
    LOCKED = ":lock:"
    SKIPPED = ":heavy_minus_sign:"
    TO_DO = ":white_circle:"
    RED = ":red_circle:"
    ORANGE = ":large_orange_circle:"
    YELLOW = ":large_yellow_circle:"
    BLUE = ":large_blue_circle:"
    GREEN = ":large_green_circle:"


SEVERITY: dict[Severity, Sign] = {
    Severity.SEV1: Sign.RED,
    Severity.SEV2: Sign.ORANGE,
    Severity.SEV3: Sign.YELLOW,
    Severity.SEV4: Sign.BLUE,
}

RED, AMBER, GREEN, GREY = "#a30200", "#daa038", "#2eb886", "#dddddd"
"""Colours of an incident's bar. Never the only carrier of a meaning."""
