"""The arithmetic of confidence: strength, more for a second fact, less for contradictions and gaps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.diagnosis.confidence import Strength, confidence, missing


@pytest.mark.parametrize(
    ("strength", "confirmed", "contradictions", "lacking", "expected"),
    [
        pytest.param(Strength.STATED, True, 0, 0, 10, id="stated by the API, and the rollout changed just that"),
        pytest.param(Strength.STATED, False, 0, 0, 9, id="stated by the API"),
        pytest.param(Strength.MATCHED, False, 0, 0, 8, id="status with matching text"),
        pytest.param(Strength.TOLD, True, 0, 0, 6, id="text never gets beyond six"),
        pytest.param(Strength.STATED, False, 1, 0, 6, id="stated, but over since"),
        pytest.param(Strength.STATED, False, 0, 2, 7, id="two kinds it needs were not read"),
        pytest.param(Strength.OBSERVED, False, 2, 3, 1, id="never below one"),
    ],
)
def test_confidence_follows_from_the_evidence(
    strength: Strength, confirmed: bool, contradictions: int, lacking: int, expected: int
) -> None:
    assert confidence(strength, confirmed=confirmed, contradictions=contradictions, missing=lacking) == expected


@pytest.mark.parametrize(
    ("needs", "unread", "gaps", "expected"),
    [
        pytest.param(("events", "pods"), ("events",), 1, 1, id="one it needs"),
        pytest.param(("events",), ("nodes",), 1, 0, id="one it does not need"),
        pytest.param((), ("events",), 1, 0, id="a rule that needs nothing more"),
        pytest.param(None, (), 2, 1, id="a rule that does not say loses one for any gap"),
        pytest.param(None, (), 0, 0, id="no gap"),
    ],
)
def test_only_what_a_rule_needs_counts_as_missing(
    needs: tuple[str, ...] | None, unread: tuple[str, ...], gaps: int, expected: int
) -> None:
    assert missing(needs, unread, gaps=gaps) == expected


@given(st.integers(-5, 20), st.booleans(), st.integers(0, 5), st.integers(0, 5))
def test_confidence_stays_between_one_and_ten_and_evidence_against_never_raises_it(
    strength: int, confirmed: bool, contradictions: int, lacking: int
) -> None:
    found = confidence(strength, confirmed=confirmed, contradictions=contradictions, missing=lacking)

    assert 1 <= found <= 10
    assert found <= confidence(strength, confirmed=confirmed)
