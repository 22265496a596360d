"""`sayso causes`: the rules by which sayso finds out, from the catalogue they are judged by."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import click

from bot.cli.printing import Unusable, as_json, print_facts, print_json, print_table

if TYPE_CHECKING:
    from tools.diagnosis.rule import Rule


@click.command()
@click.argument("code", required=False, metavar="[CODE]")
@as_json
def causes(code: str | None, as_json: bool) -> None:
    """List the causes sayso knows, or show one: where the rule comes from, what it cites, when it stays silent."""
    from tools.diagnosis.catalogue import RULES

    chosen = list(RULES.values()) if code is None else [_found(code)]
    if as_json:
        print_json([rule.model_dump(mode="json") for rule in chosen])
    elif code is None:
        rows = [(rule.code, rule.role, rule.remedy) for rule in sorted(chosen, key=lambda rule: rule.code)]
        print_table(("code", "role", "what helps"), rows, empty="No rules.")
    else:
        print_facts(_facts(chosen[0]))


def _found(code: str) -> Rule:
    from tools.diagnosis.catalogue import RULES

    if code in RULES:
        return RULES[code]
    near = difflib.get_close_matches(code, RULES, n=3, cutoff=0.5) or [one for one in RULES if code in one][:3]
    raise Unusable(
        f"There is no rule {code}." + (f" Near: {', '.join(near)}." if near else " `sayso causes` lists them.")
    )


def _facts(rule: Rule) -> list[tuple[str, object]]:
    return [
        ("code", rule.code),
        ("role", rule.role),
        ("source", rule.source),
        ("cites", rule.evidence),
        ("what helps", rule.remedy),
        *(("silent on", case) for case in rule.silent_on),
        *(("explained by", other) for other in rule.explained_by if other != "*"),
        ("needs", ", ".join(rule.needs or ())),
    ]
