"""Policies, catalogues and facts the policy tests share, and how hypothesis makes more of them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from policies import rules
from policies.catalogue import ActionTraits, Catalogue
from policies.facts import Facts, Origin
from policies.loading import SHIPPED, load
from policies.rules import Policy, Rule
from tools.evidence import Severity

SHEET = Path(__file__).with_name("sheet_example.yaml").read_text()
DEFAULTS = SHIPPED.read_text()

READ = ActionTraits(mutating=False, destructive=False, reversible=True, routine=True)
ROUTINE = ActionTraits(mutating=True, destructive=False, reversible=True, routine=True)
FIX = ActionTraits(mutating=True, destructive=False, reversible=True, routine=False)
ONE_WAY = ActionTraits(mutating=True, destructive=False, reversible=False, routine=True)
DELETE = ActionTraits(mutating=True, destructive=True, reversible=False, routine=False)

SHEET_CATALOGUE = Catalogue(
    kinds={
        "k8s.get_logs": READ,
        "k8s.restart_deployment": ROUTINE,
        "k8s.scale_deployment": ROUTINE,
        "k8s.pause_rollout": ROUTINE,
        "k8s.delete_pvc": DELETE,
    }
)
CATALOGUE = Catalogue(
    kinds={
        "k8s.set_env": FIX,
        "k8s.set_resources": FIX,
        "k8s.set_image": FIX,
        "k8s.set_probe": FIX,
        "k8s.set_service_selector": FIX,
        "k8s.restart_deployment": ONE_WAY,
        "k8s.undo_rollout": FIX,
        "k8s.scale_deployment": ROUTINE,
        "aws.set_desired_capacity": ROUTINE,
        "aws.force_new_deployment": ONE_WAY,
        "aws.clean_up_logs": DELETE,
    }
)


@cache
def sheet() -> Policy:
    """The complete example."""
    return load(SHEET, SHEET_CATALOGUE, name="sheet_example.yaml")


@cache
def shipped() -> Policy:
    """The defaults that ship."""
    return load(DEFAULTS, CATALOGUE)


def facts(policy: Policy, **given: object) -> Facts:
    """A quiet Wednesday in production, with what differs."""
    action = str(given.get("action", "k8s.restart_deployment"))
    traits = policy.catalogue.kinds.get(action, FIX)
    recent = given.pop("recent", {})
    assert isinstance(recent, dict)
    usual: dict[str, object] = {
        "action": action,
        "env": "prod",
        "service": "api",
        "namespace": "payments",
        "team": "payments",
        "account": "",
        "region": "",
        "origin": Origin.ALERT,
        "requester": "sayso",
        "severity": Severity.SEV2,
        "mutating": traits.mutating,
        "destructive": traits.destructive,
        "reversible": traits.reversible,
        "scale_factor": 1.0,
        "pods_affected": 3,
        "at": datetime(2026, 11, 18, 12, tzinfo=UTC),
        "recent": {**dict.fromkeys((limit.id for limit in policy.file.limits), 0), **recent},
        "rollbacks": 0,
        "earned": {},
        "tainted_args": False,
        "tainted_sensitive": False,
        "corroborated": True,
        "confidence": 9.0,
    }
    return Facts.model_validate({**usual, **given})


def with_rules(policy: Policy, *added: Rule, shuffled: tuple[Rule, ...] | None = None) -> Policy:
    """The policy with more rules, or with the same in another order; not put through the loader again."""
    every = (*(policy.file.rules if shuffled is None else shuffled), *added)
    return rules.compiled(policy.file.model_copy(update={"rules": every}), policy.sha256, policy.catalogue)


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))


@st.composite
def some_facts(draw: st.DrawFn, policy: Policy) -> Facts:
    """Any facts that agree with the policy's catalogue."""
    counts = {limit.id: draw(st.integers(0, limit.max + 1)) for limit in policy.file.limits}
    return facts(
        policy,
        action=draw(st.sampled_from(sorted(policy.catalogue.kinds))),
        env=draw(st.sampled_from(["prod", "staging", "dev"])),
        namespace=draw(st.sampled_from(["payments", "kube-system", "istio-system", ""])),
        team=draw(st.sampled_from(["payments", "web"])),
        origin=draw(st.sampled_from(Origin)),
        severity=draw(st.sampled_from(Severity)),
        scale_factor=draw(st.sampled_from([1.0, 1.5, 2.0, 2.01, 50.0, float("inf")])),
        pods_affected=draw(st.integers(0, 50)),
        at=draw(MOMENTS),
        recent=counts,
        rollbacks=draw(st.integers(0, 3)),
        earned={rule.id: draw(st.integers(0, 9)) for rule in policy.file.rules if rule.when.unearned},
        tainted_args=draw(st.booleans()),
        tainted_sensitive=draw(st.booleans()),
        corroborated=draw(st.booleans()),
        confidence=draw(st.sampled_from([0.0, 5.0, 6.9, 7.0, 10.0])),
    )
