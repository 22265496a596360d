"""YAML read strictly, remembering lines: what a reader of the file would be misled by is refused.

Knows nothing of policies beyond how to point at a rule by its id.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import yaml

Path: TypeAlias = "tuple[str | int, ...]"
"""Where something stands in a document: `("rules", 3, "when", "env")`."""


@dataclass(frozen=True)
class Problem:
    """Something wrong with a document, and where."""

    path: Path
    message: str


class PolicyError(Exception):
    """The policy was refused. `complaints` says why, each as `rules.yaml:37: rule prod-scale: ...`."""

    def __init__(self, complaints: Iterable[str]) -> None:
        self.complaints = tuple(complaints)
        super().__init__("\n".join(self.complaints))


@dataclass(frozen=True)
class Document:
    """A YAML document: its plain value, and its nodes for finding lines."""

    name: str
    value: object
    root: yaml.Node

    def error(self, problems: Iterable[Problem]) -> PolicyError:
        """The refusal of this document, in the order of its lines."""
        placed = sorted((self._line(problem.path), self._complaint(problem)) for problem in problems)
        return PolicyError(f"{self.name}:{line}: {complaint}" for line, complaint in dict.fromkeys(placed))

    def _line(self, path: Path) -> int:
        """The line of the last part of a path that the file has."""
        line = self.root.start_mark.line
        for _, node in self._found(path):
            line = node.start_mark.line
        return line + 1

    def _complaint(self, problem: Problem) -> str:
        """The message after what it is about: `rule prod-scale: require.approvals: ...`."""
        place = [part for part, _ in self._found(problem.path)]
        if len(place) > 1 and isinstance(place[1], int):
            about, rest = f"{str(place[0]).removesuffix('s')} {self._label(place[:2])}", place[2:]
        else:
            about, rest = ".".join(map(str, place[:2])), place[2:]
        return ": ".join(part for part in (about, ".".join(map(str, rest)), problem.message) if part)

    def _found(self, path: Path) -> Iterator[tuple[str | int, yaml.Node]]:
        """The parts of a path that the file has, each with its node; pydantic adds the tags of unions."""
        node = self.root
        for part in path:
            for key, mark, child in _children(node):
                if key == part:
                    yield part, mark
                    node = child
                    break

    def _label(self, place: list[str | int]) -> str:
        """The id or name an item gives itself, else its number."""
        item = self.value
        for part in place:
            item = item[part]  # type: ignore[index]
        for key in ("id", "name"):
            if isinstance(item, dict) and isinstance(item.get(key), str):
                return str(item[key])
        return f"number {int(place[-1]) + 1}"


class _StrictLoader(yaml.SafeLoader):
    """Plain values only: sequences are tuples, times stay text, and nothing is empty, repeated or merged in."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        """A mapping whose keys are distinct strings."""
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:str":
                raise _refusal(f"the key {key.value!r} is not plain text", key)
            if key.value in lines:
                raise _refusal(f"the key {key.value!r} stands here again, after line {lines[key.value]}", key)
            lines[key.value] = key.start_mark.line + 1
        return super().construct_mapping(node, deep=deep)

    def construct_tuple(self, node: yaml.SequenceNode) -> tuple[object, ...]:
        """A sequence, finished at once so that nothing refers to itself."""
        return tuple(self.construct_object(child, deep=True) for child in node.value)

    def construct_nothing(self, node: yaml.ScalarNode) -> object:
        """An empty value would quietly drop a condition."""
        raise _refusal("a value is missing here", node)


_StrictLoader.add_constructor("tag:yaml.org,2002:seq", _StrictLoader.construct_tuple)
_StrictLoader.add_constructor("tag:yaml.org,2002:null", _StrictLoader.construct_nothing)
# A time without a zone means local time here, and YAML would read it as UTC.
_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse(text: str, name: str) -> Document:
    """The document; PolicyError when it is not one mapping in plain YAML."""
    try:
        loader = _StrictLoader(text)
        root = loader.get_single_node()
        value = loader.construct_document(root) if isinstance(root, yaml.MappingNode) else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise PolicyError([f"{name}:{mark.line + 1 if mark else 1}: {error.problem or error.context}"]) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        # ValueError: SafeLoader leaves a malformed number such as `0b` to int().
        raise PolicyError([f"{name}:1: not readable as YAML: {error}"]) from error
    if root is None or value is None:
        raise PolicyError([f"{name}:1: the file is not a mapping"])
    return Document(name=name, value=value, root=root)


def _children(node: yaml.Node) -> Iterator[tuple[str | int, yaml.Node, yaml.Node]]:
    """What a node holds: the key or index, the node where it starts, and its own node."""
    if isinstance(node, yaml.MappingNode):
        yield from ((key.value, key, child) for key, child in node.value)
    if isinstance(node, yaml.SequenceNode):
        yield from ((index, child, child) for index, child in enumerate(node.value))


def _refusal(message: str, node: yaml.Node) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, message, node.start_mark)
