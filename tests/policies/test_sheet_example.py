"""The complete example policy decides each of its own tests as written, one by one."""

from __future__ import annotations

import pytest

from policies import selftest
from policies.engine import decide
from policies.rules import BuiltInTest
from tests.policies.samples import sheet


@pytest.mark.parametrize("case", sheet().file.tests, ids=lambda case: case.name)
def test_the_example_behaves_line_by_line(case: BuiltInTest) -> None:
    facts = selftest.facts_of(sheet(), case)

    decision = decide(sheet(), facts)

    assert selftest.failures(case, decision) == []


def test_the_example_carries_all_its_tests() -> None:
    assert len(sheet().file.tests) == 27


def test_the_blocks_carried_out_elsewhere_are_read_into_types() -> None:
    file = sheet().file

    assert [step.after for step in file.escalation["urgent"]] == [0, 180, 360]
    assert file.delegation is not None
    assert file.delegation.max_duration == 14 * 86400
    assert file.break_glass is not None
    assert file.break_glass.eligible == ("sre-oncall", "incident-commander")
    assert file.change_control is not None
    assert file.change_control.loosening.from_ == ("sre-leads",)
