"""Rules small enough to be compared often, in versions that give people more time to answer (looser) or less."""

from __future__ import annotations

from functools import cache

from bot.rehearsal import catalogue
from policies.loading import load
from policies.rules import Policy

FIRST = 3
MINUTES = 15
WHY = "A change to production needs one person who answers for it."
RULES = """apiVersion: sayso.policy/v1
version: {version}
timezone: Europe/London
default: deny
groups:
  owner: {{resolve: service-owner, fallback: [sre-oncall]}}
  sre-oncall: {{resolve: "oncall:sre", fallback: [sre-leads]}}
  sre-leads: {{resolve: "usergroup:sre-leads"}}
rules:
  - id: staging-restart
    why: "A rolling restart in staging is routine."
    when: {{env: [staging], action: [k8s.restart_deployment]}}
    effect: auto
  - id: prod-fix
    why: "{why}"
    when: {{env: [prod], action: [k8s.scale_deployment, k8s.set_env]}}
    effect: approve
    require: {{approvals: 1, from: [owner, sre-oncall], expires: {minutes}m}}
  - id: no-secrets
    why: "The vault is nobody's to touch but its owners'."
    when: {{mutating: true, namespace: [vault]}}
    effect: deny
{more}test_defaults:
  {{env: prod, service: api, namespace: payments, team: payments, account: "", region: "", origin: alert,
   requester: sayso, severity: sev2, scale_factor: 1, pods_affected: 3, at: "2026-11-18T12:00", recent: {{}},
   rollbacks: 0, tainted_args: false, tainted_sensitive: false, corroborated: true, confidence: 9}}
tests:
  - {{name: restart, given: {{action: k8s.restart_deployment, env: staging}}, expect: {{effect: auto}}}}
  - {{name: scale, given: {{action: k8s.scale_deployment}}, expect: {{effect: approve, approvals: 1}}}}
  - {{name: vault, given: {{action: k8s.set_env, namespace: vault}}, expect: {{effect: deny}}}}
"""


def rewritten(version: int, minutes: int = MINUTES, why: str = WHY, more: str = "") -> str:
    """The rules in this version, with so many minutes to answer, in these words, and with more sections."""
    return RULES.format(version=version, minutes=minutes, why=why, more=more)


@cache
def policy(version: int, minutes: int = MINUTES) -> Policy:
    """That text, loaded."""
    return load(rewritten(version, minutes), catalogue())
