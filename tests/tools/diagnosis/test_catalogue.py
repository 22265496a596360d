"""The catalogue knows every code a rule can say, and every Kubernetes rule has shown both its voice and its silence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tools.kubernetes import around_calm, around_faults, pod_faults, workload_faults
from tests.tools.kubernetes.near_misses import NEAR
from tools.diagnosis.catalogue import RULES
from tools.diagnosis.kubernetes.catalogue import KUBERNETES
from tools.diagnosis.rule import ANYTHING, Rule

SOURCES = tuple(path for path in Path("tools/diagnosis").rglob("*.py") if "catalogue" not in str(path))
_CODE = re.compile(r"[\"']((?:k8s|aws)\.[a-z0-9_]+)[\"']")


def emitted() -> set[str]:
    """Every code that stands in the source of a rule."""
    return {code for path in SOURCES for code in _CODE.findall(path.read_text())}


def shown() -> set[str]:
    """The Kubernetes codes with a picture that makes them speak."""
    around = {code for code, _, _ in around_faults.CASES.values()}
    return around | {code for code, _ in (*pod_faults.CASES.values(), *workload_faults.CASES.values())}


def test_every_code_a_rule_can_say_is_in_the_catalogue() -> None:
    assert sorted(emitted() - RULES.keys()) == []


def test_the_catalogue_names_no_rule_that_does_not_exist() -> None:
    assert sorted(RULES.keys() - emitted()) == []


def test_every_kubernetes_rule_has_a_picture_that_shows_it_and_one_on_which_it_is_silent() -> None:
    codes = {rule.code for rule in KUBERNETES}

    assert sorted(codes - shown()) == []
    assert sorted(codes - NEAR.keys() - around_calm.SILENT.keys()) == []


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_every_entry_says_where_it_comes_from_what_helps_and_when_it_is_silent(rule: Rule) -> None:
    assert rule.source
    assert rule.evidence
    assert rule.remedy.endswith((".", "!"))
    assert rule.silent_on
    assert {code for code in rule.explained_by if code != ANYTHING} <= RULES.keys()
