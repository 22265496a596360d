"""How the crash runs' bots change the crash runs' world: entries of WRITES, put there when such a bot starts.

Scaling names a wanted state and is pinned to the generation that was seen; a restart can only be looked for.
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tools.actions import RestartDeployment, ScaleDeployment
from tools.clients import Writers
from tools.errors import Uncertain, Unreachable
from tools.previews import Preview
from tools.values import JsonObject, JsonValue
from tools.writes import WRITES
from tools.writes.write import Applied, Landing, Observed, Reentry, Refused, Stale, Write

PATIENCE = 10.0


@dataclass(frozen=True)
class World:
    """The way to the world: one connection a request, as nothing is kept that a fork could share."""

    url: str

    def do(self, key: str, workload: str, **asked: JsonValue) -> JsonObject | None:
        """Change something for good; None when the world refused because it has moved on."""
        body = {"key": key, "workload": workload, **asked}
        try:
            status, answer = self._ask("POST", "/do", json.dumps(body))
        except ConnectionRefusedError as error:
            raise Unreachable(str(error)) from error
        except (OSError, http.client.HTTPException) as error:
            raise Uncertain(str(error)) from error
        return answer if status == 200 else None

    def effects(self, key: str) -> int:
        """How often this key has taken effect."""
        return int(str(self._read(f"/probe?key={key}")["effects"]))

    def deployment(self, name: str) -> tuple[int, int]:
        """Generation and replicas of a workload."""
        read: Any = self._read(f"/apis/apps/v1/namespaces/shop/deployments/{name}")
        return int(read["metadata"]["generation"]), int(read["spec"]["replicas"])

    def _read(self, path: str) -> JsonObject:
        try:
            return self._ask("GET", path)[1]
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(str(error)) from error

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, JsonObject]:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=PATIENCE)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


def install(world: World) -> None:
    """From now on this process scales and restarts what is in that world."""
    WRITES[ScaleDeployment] = _scaling(world)
    WRITES[RestartDeployment] = _restarting(world)


Some = ScaleDeployment | RestartDeployment


def _scaling(world: World) -> Write[ScaleDeployment]:
    def check(action: ScaleDeployment, approved: Observed, _: Writers) -> Observed | Stale | Refused:
        generation, replicas = world.deployment(action.deployment)
        if replicas != approved.replicas_before:
            return Stale(reason=f"{action.deployment} has {replicas} replicas")
        return approved.model_copy(update={"generation": generation})

    def apply(action: ScaleDeployment, seen: Observed, key: str, _: Writers) -> Applied | Stale:
        return _sent(world, key, action.deployment, replicas=action.replicas, mode="pinned", generation=seen.generation)

    def landed(action: ScaleDeployment, seen: Observed, _key: str, _: Writers) -> Landing:
        return _is(world, action.deployment, action.replicas)

    def undo(action: ScaleDeployment, seen: Observed, key: str, _: Writers) -> Applied | Stale:
        generation, replicas = world.deployment(action.deployment)
        if replicas != action.replicas:
            return Stale(reason=f"{action.deployment} has {replicas} replicas")
        before = seen.replicas_before
        return _sent(world, key, action.deployment, replicas=before, mode="pinned", generation=generation)

    def undone(action: ScaleDeployment, seen: Observed, _key: str, _: Writers) -> Landing:
        return _is(world, action.deployment, seen.replicas_before or 0)

    return Write(
        destructive=False,
        reversible=True,
        routine=True,
        reentry=Reentry.WANTED_STATE,
        permissions=(),
        observe=_unasked,
        check=check,
        preview=_undrawn,
        apply=apply,
        landed=landed,
        undo=undo,
        undone=undone,
    )


def _restarting(world: World) -> Write[RestartDeployment]:
    def check(action: RestartDeployment, approved: Observed, _: Writers) -> Observed | Stale | Refused:
        return approved

    def act(action: RestartDeployment, _seen: Observed, key: str, _: Writers) -> Applied | Stale:
        return _sent(world, key, action.deployment, mode="every call")

    def happened(_action: RestartDeployment, _seen: Observed, key: str, _: Writers) -> Landing:
        return Landing.LANDED if world.effects(key) else Landing.NOT_LANDED

    return Write(
        destructive=False,
        reversible=True,  # unlike the real one, so that the runs also undo what only a probe can tell of
        routine=True,
        reentry=Reentry.PROBE,
        permissions=(),
        observe=_unasked,
        check=check,
        preview=_undrawn,
        apply=act,
        landed=happened,
        undo=act,
        undone=happened,
    )


def _sent(world: World, key: str, workload: str, **asked: JsonValue) -> Applied | Stale:
    answer = world.do(key, workload, **asked)
    if answer is None:
        return Stale(reason=f"{workload} is no longer the generation that was seen")
    return Applied(after=json.dumps(answer), request=key)


def _is(world: World, workload: str, replicas: int) -> Landing:
    return Landing.LANDED if world.deployment(workload)[1] == replicas else Landing.NOT_LANDED


def _unasked(_action: Some, _: Writers) -> Observed | Refused:
    return Refused(reason="the plans of a crash run come rehearsed")


def _undrawn(_action: Some, _observed: Observed, _: Writers) -> Preview | Refused:
    return Refused(reason="the plans of a crash run come rehearsed")
