"""Every rule there is, by code: what exists, why, and when it stays silent. Conditions are code and live elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from tools.diagnosis.aws.catalogue import AWS
from tools.diagnosis.kubernetes.catalogue import KUBERNETES
from tools.diagnosis.rule import Rule

RULES: Mapping[str, Rule] = {rule.code: rule for rule in (*KUBERNETES, *AWS)}
"""In order: of two findings that are otherwise equal, the one whose code stands earlier is the cause."""
