"""Every AWS rule there is, in words. `applications`, `machines` and `data` hold one neighbourhood each.

Order matters: of two findings of one role on one resource, the code that stands earlier is the cause.
"""

from __future__ import annotations

from collections.abc import Mapping

from tools.diagnosis.aws.catalogue.applications import APPLICATIONS
from tools.diagnosis.aws.catalogue.data import DATA
from tools.diagnosis.aws.catalogue.edges import EDGES
from tools.diagnosis.aws.catalogue.machines import MACHINES
from tools.diagnosis.rule import Rule
from tools.evidence import Role

AWS: tuple[Rule, ...] = (*APPLICATIONS, *DATA, *MACHINES, *EDGES)

RULES: Mapping[str, Rule] = {rule.code: rule for rule in AWS}


def role_of(code: str) -> Role:
    """Where findings of that code stand between cause and symptom; what no rule knows is a symptom."""
    rule = RULES.get(code)
    return rule.role if rule else Role.SYMPTOM
