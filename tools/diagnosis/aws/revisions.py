"""What one revision of a task definition changed against another. Names of variables only, never a value."""

from __future__ import annotations

from collections.abc import Iterator

from tools.reads.aws.views import Container, TaskDefinition


def differences(before: TaskDefinition, now: TaskDefinition) -> tuple[str, ...]:
    """In words, what matters most first: images, memory, CPU, variables, secrets, containers."""
    old = {one.name: one for one in before.containers}
    new = {one.name: one for one in now.containers}
    both = [(old[name], new[name]) for name in new if name in old]
    return (
        *(line for pair in both for line in _differences(*pair)),
        *_field("task memory", before.memory, now.memory),
        *_field("task cpu", before.cpu, now.cpu),
        *(f"container {name} is new" for name in new if name not in old),
        *(f"container {name} is gone" for name in old if name not in new),
    )


def _differences(old: Container, new: Container) -> Iterator[str]:
    yield from _field(f"{new.name} image", old.image, new.image)
    yield from _field(f"{new.name} memory", old.memory, new.memory)
    yield from _field(f"{new.name} cpu", old.cpu, new.cpu)
    yield from _names(f"{new.name} env", old.env, new.env)
    yield from _names(f"{new.name} secrets", old.secrets, new.secrets)
    if old.command != new.command:
        yield f"{new.name} starts with another command"


def _field(what: str, old: object, new: object) -> Iterator[str]:
    if old != new:
        yield f"{what} {'-' if old is None else old} -> {'-' if new is None else new}"


def _names(what: str, old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[str]:
    gone, come = sorted(set(old) - set(new)), sorted(set(new) - set(old))
    if gone:
        yield f"{what} without {', '.join(gone)}"
    if come:
        yield f"{what} with {', '.join(come)}"
