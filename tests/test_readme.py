"""What the README and its companions say is so: commands, settings, permissions, stories, paths and links exist."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner

from bot import doctor
from bot.answers import ORDERS, VERBS
from bot.cli import sayso
from bot.settings import VARIABLES
from deploy.sandbox.stories import stories

ROOT = Path(__file__).parents[1]
GUIDES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
FOLDERS = ("bot", "tools", "policies", "storage", "deploy", "tests")
README = (ROOT / "README.md").read_text()


def commands(text: str) -> list[str]:
    """What a reader would type or copy: spans and blocks of code, line by line."""
    fenced = re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S)
    rest = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.M | re.S)
    indented = re.findall(r"^    (\S.*)$", rest, re.M)
    spans = re.findall(r"`([^`\n]+)`", rest)
    return [line.strip() for block in (*fenced, *indented, *spans) for line in block.splitlines()]


def section(text: str, name: str) -> str:
    """What stands between the markers of a name."""
    found = re.search(rf"<!-- {name} -->\n(.*?)(?=<!-- /{name} -->)", text, re.S)
    assert found is not None, f"no <!-- {name} --> … <!-- /{name} -->"
    return found[1].strip()


def typed(program: str) -> Iterator[list[str]]:
    """The words after a program, wherever a guide shows it."""
    for name in GUIDES:
        for line in commands((ROOT / name).read_text()):
            match = re.match(rf"{re.escape(program)}(?: +([^#]*))?(?:#.*)?$", line)
            if match is not None:
                yield (match[1] or "").split()


def test_the_table_of_settings_is_the_one_the_command_prints() -> None:
    printed = CliRunner().invoke(sayso, ["settings", "--markdown"]).stdout

    shown = section(README, "settings")

    assert shown == printed.strip(), "put the output of `sayso settings --markdown` between the markers"


def test_every_setting_that_is_named_exists() -> None:
    named = set(re.findall(r"\b(?:SAYSO|SLACK|OPENAI)_[A-Z_]*[A-Z]\b", README))

    assert named
    assert named <= set(VARIABLES)


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    named = {words[0] for words in typed("make") if words}

    assert {"demo", "test"} <= named
    assert named <= targets


def test_every_command_that_is_named_exists_with_its_options() -> None:
    shown = [words for words in typed("sayso") if words]

    assert len(shown) > 10
    assert [words for words in shown if not understood(sayso, words)] == []


def understood(command: click.Command, words: list[str]) -> bool:
    """Whether click would take the words; nothing is run."""
    if words == ["--help"]:
        return True
    if isinstance(command, click.Group):
        named = command.commands.get(words[0]) if words else None
        return understood(named, words[1:]) if named is not None else _by_default(command, words)
    try:
        command.parse_args(click.Context(command), list(words))
    except click.ClickException:
        return False
    return True


def _by_default(group: click.Group, words: list[str]) -> bool:
    """`sayso audit --json`: the word `list` is left out. A group without one may only be named."""
    listed = group.commands.get("list")
    return understood(listed, words) if listed is not None else not words


@pytest.mark.parametrize(("words", "known"), [("audit --subject P-7", True), ("audit --sbuject P-7", False)])
def test_a_mistyped_option_would_be_noticed(words: str, known: bool) -> None:
    assert understood(sayso, words.split()) is known


def test_every_slash_command_that_is_named_exists() -> None:
    verbs = {words[0] for words in typed("/sayso") if words}

    assert verbs == {*VERBS, *ORDERS}


@pytest.mark.parametrize("guide", GUIDES)
def test_no_link_to_a_file_or_heading_is_dead(guide: str) -> None:
    text = (ROOT / guide).read_text()
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not link.startswith("http")]

    dead = [link for link in links if not _there(link, guide)]

    assert links
    assert dead == []


def _there(link: str, guide: str) -> bool:
    path, _, heading = link.partition("#")
    target = ROOT / (path or guide)
    if not target.exists():
        return False
    titles = re.findall(r"^#+ (.+)$", target.read_text(), re.M) if heading else []
    return not heading or heading in {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("guide", GUIDES)
def test_every_path_that_is_named_exists(guide: str) -> None:
    paths = re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]+)`", (ROOT / guide).read_text())

    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_stories_are_those_the_demo_tells() -> None:
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|", README, re.M)

    assert [(int(number), title.strip()) for number, title in rows] == [(one.number, one.title) for one in stories()]


@pytest.mark.parametrize(
    ("role", "wanted"), [("sayso-reader", doctor.KUBERNETES_READS), ("sayso-writer", doctor.KUBERNETES_WRITES)]
)
def test_the_roles_shown_grant_what_doctor_asks_for(role: str, wanted: tuple[str, ...]) -> None:
    block = README.partition("<!-- rbac -->")[2].partition("```yaml\n")[2].partition("```")[0]
    roles: dict[str, Any] = {one["metadata"]["name"]: one["rules"] for one in yaml.safe_load_all(block)}

    granted = {
        f"{verb} {_as_doctor_says(resource, group)}"
        for rule in roles[role]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }

    assert set(wanted) <= granted
    assert role != "sayso-writer" or granted == set(wanted)


def _as_doctor_says(resource: str, group: str) -> str:
    """`deployments.apps/scale` for the resource `deployments/scale` of the group `apps`."""
    kind, slash, part = resource.partition("/")
    return f"{kind}.{group}{slash}{part}" if group else resource


def test_the_picture_is_a_small_one() -> None:
    picture = (ROOT / "deploy" / "sandbox" / "demo.png").read_bytes()

    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", picture[16:24]) == (1280, 800)
    assert len(picture) <= 200_000
