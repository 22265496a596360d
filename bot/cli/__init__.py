"""The words of the `sayso` command, one module a subject. `--help` answers at once: what is heavy is imported by the
command that needs it, never here.

Commands read settings and the record, and print. Those that write to the record say so; only `run` acts on the world.
"""

from __future__ import annotations

import click

from bot.cli import (
    audit,
    causes,
    dead_letters,
    evaluating,
    investigating,
    policy,
    policy_versions,
    record,
    replaying,
    running,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="sayso", prog_name="sayso")
def sayso() -> None:
    """An on-call engineer that lives in Slack and acts only on your say-so."""


for command in (
    running.run,
    running.doctor,
    running.settings,
    investigating.investigate,
    evaluating.evaluate,
    replaying.replay,
    causes.causes,
    record.incidents,
    record.plans,
    record.plan,
    audit.audit,
    record.refused,
    dead_letters.dead_letters,
    policy.policy,
):
    sayso.add_command(command)

for command in (
    policy_versions.diff,
    policy_versions.history,
    policy_versions.show,
    policy_versions.propose,
    policy_versions.rollback,
):
    policy.policy.add_command(command)
