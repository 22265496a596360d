"""`sayso policy`: looking at rules before they are put to use."""

from __future__ import annotations

from pathlib import Path

import click

from bot.cli.printing import Unusable, as_json, environment, print_json


@click.group()
def policy() -> None:
    """Rules: who may approve what."""


@policy.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@as_json
def check(file: Path | None, as_json: bool) -> None:
    """Load FILE (else SAYSO_RULES, else the shipped rules) and run its built-in tests. Exit code 1 when refused."""
    from bot.rehearsal import catalogue
    from policies.documents import PolicyError
    from policies.loading import load

    path = file or environment().rules or _shipped()
    try:
        loaded = load(path.read_text(encoding="utf-8"), catalogue(), name=path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"{path} cannot be read: {error}") from error
    except PolicyError as error:
        if as_json:
            print_json({"file": str(path), "accepted": False, "refusal": list(error.complaints)})
        else:
            click.echo(str(error), err=True)
        raise SystemExit(1) from error
    if as_json:
        print_json({"file": str(path), "accepted": True, "version": loaded.version, "sha256": loaded.sha256})
        return
    rules, tests = len(loaded.file.rules), len(loaded.file.tests)
    click.echo(f"{path}: version {loaded.version}, {rules} rules, {tests} tests pass, sha256 {loaded.sha256}")


def _shipped() -> Path:
    import policies

    return Path(policies.__file__).parent / "rules.yaml"
