"""What a policy may name that its own file does not define: kinds of action and environments.

The values come from whoever wires the program; how an action is carried out does not belong here.
"""

from __future__ import annotations

from collections.abc import Mapping

from tools.values import Value

ENVIRONMENTS = frozenset({"prod", "staging", "dev"})
"""The environments an installation has unless it says otherwise."""


class ActionTraits(Value):
    """What judging a kind of action takes: whether it changes, destroys, can be undone, and is everyday work."""

    mutating: bool
    destructive: bool
    reversible: bool
    routine: bool


class Catalogue(Value):
    """Every kind of action there is, by its name (`k8s.scale_deployment`), and every environment."""

    kinds: Mapping[str, ActionTraits]
    environments: frozenset[str] = ENVIRONMENTS
