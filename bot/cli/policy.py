"""`sayso policy`: looking at rules before they are put to use, and why a plan was judged as it was. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.printing import Unusable, as_json, environment, print_json, print_table, words
from bot.cli.reading import found, numbered, reading

if TYPE_CHECKING:
    from policies.rules import Policy

some_file = click.argument("file", required=False, type=click.Path(path_type=Path))


@click.group()
def policy() -> None:
    """Rules: who may approve what, which versions there were, and changing them."""


@policy.command()
@some_file
@as_json
def check(file: Path | None, as_json: bool) -> None:
    """Load FILE (else SAYSO_RULES, else the shipped rules) and run its built-in tests. Exit code 1 when refused."""
    path = path_of(file)
    taken = loaded(path, as_json=as_json)
    if as_json:
        print_json({"file": str(path), "accepted": True, "version": taken.version, "sha256": taken.sha256})
        return
    rules, tests = len(taken.file.rules), len(taken.file.tests)
    click.echo(f"{path}: version {taken.version}, {rules} rules, {tests} tests pass, sha256 {taken.sha256}")


@policy.command("test")
@some_file
@as_json
def run_tests(file: Path | None, as_json: bool) -> None:
    """Run the built-in tests of FILE and print each with its result. Exit code 1 when one fails."""
    from bot.rehearsal import catalogue
    from policies.loading import untested
    from policies.selftest import results

    path = path_of(file)
    with refusing(path, as_json=as_json):
        told = results(untested(text_of(path), catalogue(), name=path.name))
    failed = [one for one in told if one.failures]
    if as_json:
        print_json([one.model_dump(mode="json") for one in told])
    else:
        rows = [("✘" if one.failures else "✔", one.name, one.decided, "; ".join(one.failures)) for one in told]
        print_table(("", "test", "decided", "expected otherwise"), rows, empty="There are no tests.")
        click.echo(f"\n{len(told) - len(failed)} of {len(told)} pass.")
    if failed:
        raise SystemExit(1)


@policy.command()
@click.argument("plan", metavar="P-7", callback=numbered)
@as_json
def why(plan: int, as_json: bool) -> None:
    """Tell why a plan asks whom: what was decided when it was proposed or last asked about, never judged anew."""
    from policies.explanation import explain
    from storage import plans

    with reading() as session:
        decision = found(lambda: plans.get(session, plan)).decision
    if as_json:
        print_json(decision.model_dump(mode="json"))
    else:
        click.echo(words(explain(decision)))


def loaded(path: Path, *, as_json: bool = False) -> Policy:
    """The policy of a file; ends the command with exit code 1 when it is refused."""
    from bot.rehearsal import catalogue
    from policies.loading import load

    text = text_of(path)
    with refusing(path, as_json=as_json):
        return load(text, catalogue(), name=path.name)


@contextmanager
def refusing(path: Path, *, as_json: bool) -> Iterator[None]:
    """A refusal ends the command with exit code 1 and every complaint."""
    from policies.documents import PolicyError

    try:
        yield
    except PolicyError as error:
        if as_json:
            print_json({"file": str(path), "accepted": False, "refusal": list(error.complaints)})
        else:
            click.echo(str(error), err=True)
        raise SystemExit(1) from error


def text_of(path: Path) -> str:
    """The text of a file; ends the command with exit code 2 when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"{path} cannot be read: {error}") from error


def path_of(file: Path | None) -> Path:
    """The file that was named, else SAYSO_RULES, else the shipped rules."""
    return file or environment().rules or _shipped()


def _shipped() -> Path:
    import policies

    return Path(policies.__file__).parent / "rules.yaml"
