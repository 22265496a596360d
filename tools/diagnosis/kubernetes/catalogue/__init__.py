"""Every Kubernetes rule there is, in words. `containers`, `workloads` and `around` hold one neighbourhood each.

Order matters: of two findings of one role on one resource, the code that stands earlier is the cause.
"""

from __future__ import annotations

from collections.abc import Mapping

from tools.diagnosis.kubernetes.catalogue.around import AROUND
from tools.diagnosis.kubernetes.catalogue.containers import CONTAINERS
from tools.diagnosis.kubernetes.catalogue.workloads import WORKLOADS
from tools.diagnosis.rule import Rule
from tools.evidence import Role

KUBERNETES: tuple[Rule, ...] = (*CONTAINERS, *AROUND, *WORKLOADS)

RULES: Mapping[str, Rule] = {rule.code: rule for rule in KUBERNETES}


def role_of(code: str) -> Role:
    """Where findings of that code stand between cause and symptom; what no rule knows is a symptom."""
    rule = RULES.get(code)
    return rule.role if rule else Role.SYMPTOM
