"""Which files are refused, where and why; and that a refusal leaves nothing half loaded."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from policies.catalogue import Catalogue
from policies.loading import PolicyError, load
from tests.policies.samples import CATALOGUE, DEFAULTS, SHEET, SHEET_CATALOGUE, sheet


@dataclass(frozen=True)
class Refusal:
    """A change to the example, and what its refusal must say; `line` holds the text the complaint must point at."""

    case: str
    old: str
    new: str
    says: str
    line: str


REFUSALS = [Refusal(**case) for case in yaml.safe_load(Path(__file__).with_name("refusals.yaml").read_text())]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.case)
def test_a_misleading_file_is_refused_with_its_line_and_reason(refusal: Refusal) -> None:
    assert refusal.old in SHEET
    text = SHEET.replace(refusal.old, refusal.new, 1)

    with pytest.raises(PolicyError) as caught:
        load(text, SHEET_CATALOGUE)

    [complaint, *_] = [each for each in caught.value.complaints if refusal.says in each] or [
        "none::" + str(caught.value)
    ]
    name, line, _ = complaint.split(":", 2)
    assert name == "rules.yaml"
    assert refusal.line in text.splitlines()[int(line) - 1]


def test_a_file_without_tests_is_refused() -> None:
    text = SHEET[: SHEET.index("tests:   ")] + "tests: []\n"

    with pytest.raises(PolicyError, match="tests: Tuple should have at least 1 item"):
        load(text, SHEET_CATALOGUE)


@pytest.mark.parametrize("version", [42, 43])
def test_a_changed_file_whose_version_does_not_rise_is_refused(version: int) -> None:
    active = sheet()
    text = SHEET.replace("version: 43", f"version: {version} # changed")

    with pytest.raises(PolicyError, match="version: must be higher than the active version 43"):
        load(text, SHEET_CATALOGUE, active=active)

    assert (active.version, active) == (43, sheet())


def test_a_higher_version_and_the_same_file_are_accepted() -> None:
    risen = load(SHEET.replace("version: 43", "version: 44"), SHEET_CATALOGUE, active=sheet())
    same = load(SHEET, SHEET_CATALOGUE, active=sheet())

    assert risen.version == 44
    assert same.sha256 == sheet().sha256
    assert risen.sha256 != same.sha256


def test_every_problem_is_listed_in_the_order_of_the_file() -> None:
    text = SHEET.replace("env: [staging], action: [k8s.restart_deployment]", "env: [x], action: [y]", 1)
    text = text.replace("during: [weekend-freeze", "during: [z", 1)

    with pytest.raises(PolicyError) as caught:
        load(text, SHEET_CATALOGUE, name="mine.yaml")

    assert [complaint.split(": ", 2)[1] for complaint in caught.value.complaints] == [
        "rule staging-restart",
        "rule staging-restart",
        "rule freeze",
    ]
    assert str(caught.value).count("\n") == 2


def test_an_action_that_left_the_catalogue_is_noticed() -> None:
    kinds = {kind: traits for kind, traits in SHEET_CATALOGUE.kinds.items() if kind != "k8s.pause_rollout"}

    with pytest.raises(PolicyError, match=r"prod-pause-rollout: when.action: there is no kind of action"):
        load(SHEET, Catalogue(kinds=kinds))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just words",
        "- a\n- list\n",
        "a: [",
        "a: &b [*b]",
        "a: &b {c: *b}",
        "\t",
        "a: b: c",
        "[" * 5000,
        "a: 0b_",
        "--- {}\n--- {}",
        "a: \x00",
    ],
)
def test_what_is_not_a_policy_is_refused(text: str) -> None:
    with pytest.raises(PolicyError, match=r"^rules\.yaml:[0-9]+: "):
        load(text, SHEET_CATALOGUE)


@given(data=st.data())
def test_damage_is_refused_or_harmless_but_never_a_surprise(data: st.DataObject) -> None:
    lines = DEFAULTS.splitlines(keepends=True)
    index = data.draw(st.integers(0, len(lines) - 1))
    column = data.draw(st.integers(0, len(lines[index])))
    damage = data.draw(
        st.sampled_from(["", ":", "[", "}", "- ", "x", "0", "\n", "'", "&a ", "*a ", "!!null ", "#", "\t"])
    )
    lines[index] = lines[index][:column] + damage + lines[index][column + data.draw(st.integers(0, 3)) :]

    # Anything but a policy or a PolicyError fails the test.
    with contextlib.suppress(PolicyError):
        assert load("".join(lines), CATALOGUE).file.tests
