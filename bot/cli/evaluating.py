"""`sayso eval`: how good the minds are on cases whose answer is known. Prints a table and what went wrong.

Reads files and, where a model is asked for, calls that model. It touches neither the record nor the world.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.printing import Unusable, as_json, environment, print_json, print_table, words

if TYPE_CHECKING:
    from bot.evaluation.cases import Case
    from bot.evaluation.scoring import Score
    from bot.evaluation.tally import Tally
    from bot.investigation.minds import Minds
    from tools.values import JsonValue

CASES = Path("tests/cases")
"""Where a checkout has them."""


@click.command("eval")
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--mind",
    type=click.Choice(["rules", "model", "both"]),
    help="Who answers. Default: both where SAYSO_MODEL is set, else the rules.",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME",
    help="Ask this model instead of SAYSO_MODEL; may be given again.",
)
@click.option(
    "--case", "pattern", default="*", metavar="GLOB", help="Only cases whose name matches, such as 'kubernetes/oom-*'."
)
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Exit code 1 when a mind is right less often than this (0.95), or claims anything where nothing is wrong.",
)
@as_json
def evaluate(
    folder: Path | None,
    mind: str | None,
    models: tuple[str, ...],
    pattern: str,
    fail_under: float | None,
    as_json: bool,
) -> None:
    """Let the minds answer cases whose answer is known, and print how good they are.

    DIR holds the cases; without it, tests/cases of a checkout. tests/cases/README.md says how to write one.
    """
    from bot.evaluation.cases import find
    from bot.evaluation.running import run_all
    from bot.evaluation.tally import tallied
    from tools.errors import PermanentError

    cases = _folder(folder)
    try:
        scores = run_all(find(cases, pattern), cases, tuple(_minds(mind, models)), _progress)
    except PermanentError as error:
        raise Unusable(words(error)) from error
    finally:
        _clear_progress()
    tallies = tallied(scores)
    if as_json:
        print_json(
            {"minds": [one.model_dump(mode="json") for one in tallies], "cases": [_plain(one) for one in scores]}
        )
    else:
        _print(tallies, scores)
    if fail_under is not None and any(one.share < fail_under or one.claims for one in tallies):
        sys.exit(1)


def _folder(given: Path | None) -> Path:
    if given is None and not CASES.is_dir():
        raise Unusable(f"There is no {CASES} here. Say which folder holds the cases: sayso eval DIR")
    return given or CASES


def _minds(mind: str | None, models: tuple[str, ...]) -> Iterator[Minds]:
    """The minds that were asked for, the rules first."""
    from bot.investigation.budget import Budget
    from bot.investigation.minds import Minds

    if mind != "model":
        yield Minds(model=None, budget=Budget())
    if mind == "rules":
        return
    asked = [one for one in _models(models) if one.model is not None]
    if mind is not None and not asked:
        raise Unusable("No model is set: SAYSO_MODEL (or --model) and OPENAI_API_KEY say which to ask.")
    yield from asked


def _models(names: tuple[str, ...]) -> Iterator[Minds]:
    """The models named, else the one the settings name; each asked where and as the settings say."""
    from bot import logs
    from bot.app import minds_of

    settings = environment()
    logs.configure("console", "error")  # why a model did not answer is told with the case
    for name in names or (settings.model,):
        yield minds_of(settings.model_copy(update={"model": name}))


def _progress(done: int, of: int, case: Case) -> None:
    """Where a long run is, on a terminal only."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{done + 1} of {of}  {case.name}", nl=False, err=True)


def _clear_progress() -> None:
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", nl=False, err=True)


def _plain(score: Score) -> dict[str, JsonValue]:
    return {**score.model_dump(mode="json"), "passed": score.passed}


def _print(tallies: Sequence[Tally], scores: Sequence[Score]) -> None:
    """One column a mind, one line a measure, then every answer that something is wrong with."""
    from bot.evaluation.tally import flaws

    columns = [_measures(one) for one in tallies]
    rows = [(name, *(column[name] for column in columns)) for name in columns[0]]
    print_table(("", *(one.mind for one in tallies)), rows, empty="No case was answered.")
    for one in scores:
        if not one.passed:
            click.echo(words(f"{one.case} ({one.mind}): {flaws(one)}"))


def _measures(tally: Tally) -> dict[str, str]:
    """What a tally says, in the words and the order of the table."""
    return {
        "cases": str(tally.cases),
        "right cause": _of(tally.right),
        "wrong cause": str(tally.wrong),
        "silent where nothing is wrong": _of(tally.silent),
        "claims where nothing is wrong": str(tally.claims),
        "both of two faults named": _of(tally.both),
        "claims a case forbids": str(tally.banned),
        "every claim quoted": _of(tally.quoted),
        "remedy of the right kind": _of(tally.remedy),
        "confidence when right": _mean(tally.sure_right),
        "confidence when wrong": _mean(tally.sure_wrong),
        "Brier score (0 is best)": f"{tally.brier[0]:.3f} (n={tally.brier[1]})" if tally.brier else "–",
        "did not answer, so the rules did": str(tally.failures),
        "tokens": f"{tally.tokens:,}",
        "dollars": f"{tally.dollars:.2f}" if tally.dollars is not None else "–",
        "seconds a case, median and p95": f"{tally.seconds[0]:.3f}, {tally.seconds[1]:.3f}",
        "CPU seconds in all": f"{tally.processor:.2f}",
    }


def _of(pair: tuple[int, int]) -> str:
    """`19 of 20 (95 %)`."""
    count, of = pair
    return f"{count} of {of} ({100 * count / of:.0f} %)" if of else "–"


def _mean(value: float | None) -> str:
    return f"{value:.1f} of 10" if value is not None else "–"
