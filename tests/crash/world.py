"""The world the crash runs change, as a program of its own: `python -m tests.crash.world JOURNAL`.

It outlives every bot that is killed. A change is asked for by `POST /do`; between its arrival, its effect and its
answer it dawdles, so that a kill lands in between. The journal says what really happened, one line an event, whatever
any bot believes. It speaks as much Kubernetes as measuring a rollout takes, and the workspace's people live here too.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from deploy.sandbox.workspace import Workspace
from tools.values import JsonObject, JsonValue

DAWDLE = (0.005, 0.05)
"""Seconds between a request's arrival and its effect, and again between its effect and its answer."""
BEFORE = 2
"""Replicas of every workload nobody has touched."""
SICK = "sick"
"""In the name of workloads that serve nobody once they have been changed."""


@dataclass
class Workload:
    """What a change changes. Every effect is another generation, so that a change can be pinned to what was seen."""

    replicas: int = BEFORE
    generation: int = 1


@dataclass
class Everything:
    """All workloads, and the journal."""

    journal: Path
    workloads: dict[str, Workload] = field(default_factory=dict)
    effects: dict[str, int] = field(default_factory=dict)
    """How often each key took effect."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def workload(self, name: str) -> Workload:
        """The workload; there is one under every name."""
        return self.workloads.setdefault(name, Workload())

    def write(self, what: str, asked: JsonObject) -> None:
        """One line of the journal, in the order in which things happened."""
        line = json.dumps({"what": what, "at": time.monotonic(), **asked})
        with self.journal.open("a") as journal:
            journal.write(line + "\n")

    def change(self, asked: JsonObject) -> tuple[int, JsonObject]:
        """Do what was asked, slowly. 409 where the workload is no longer the generation the asker saw."""
        with self.lock:
            self.write("attempt", asked)
        time.sleep(random.uniform(*DAWDLE))
        with self.lock:
            answer = self._apply(asked)
        time.sleep(random.uniform(*DAWDLE))
        return answer

    def _apply(self, asked: JsonObject) -> tuple[int, JsonObject]:
        key, found = str(asked["key"]), self.workload(str(asked["workload"]))
        if asked["mode"] == "pinned" and asked["generation"] != found.generation:
            self.write("refused", asked)
            return 409, {"generation": found.generation}
        if isinstance(asked.get("replicas"), int):
            found.replicas = int(str(asked["replicas"]))
        found.generation += 1
        self.effects[key] = self.effects.get(key, 0) + 1
        self.write("effect", asked)
        return 200, {"generation": found.generation, "replicas": found.replicas}

    def deployment(self, name: str) -> JsonObject:
        """The workload as the Kubernetes API tells it."""
        with self.lock:
            found = self.workload(name)
            serving = 0 if SICK in name and found.generation > 1 else found.replicas
        counts: dict[str, JsonValue] = {
            "replicas": found.replicas,
            "updatedReplicas": found.replicas,
            "readyReplicas": serving,
            "availableReplicas": serving,
        }
        return {
            "metadata": {"name": name, "namespace": "shop", "uid": name, "generation": found.generation},
            "spec": {"replicas": found.replicas},
            "status": {"observedGeneration": found.generation, **counts},
        }


def main(journal: Path) -> None:
    """Serve until the standard input ends, which it does when whoever started this goes."""
    world = Everything(journal)
    with Workspace() as workspace:
        server = _Server(("127.0.0.1", 0), _handler(world))
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        addresses = {"world": f"http://127.0.0.1:{server.server_port}", "slack": workspace.api_url}
        sys.stdout.write(json.dumps(addresses) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
        os._exit(0)  # the workspace's polite goodbye takes a second, and nobody is left to hear it


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked was killed."""


def _handler(world: Everything) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self._answer(*world.change(asked))

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path == "/probe":
                key = parse_qs(url.query)["key"][0]
                self._answer(200, {"effects": world.effects.get(key, 0)})
            elif url.path.startswith("/apis/apps/v1/namespaces/shop/deployments/"):
                self._answer(200, world.deployment(url.path.rpartition("/")[2]))
            else:
                self._answer(404, {"message": f"there is no {url.path}"})

        def _answer(self, status: int, body: JsonObject) -> None:
            content = json.dumps(body).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                self.close_connection = True  # whoever asked is dead

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """The journal says it all."""

    return Handler


if __name__ == "__main__":
    main(Path(sys.argv[1]))
