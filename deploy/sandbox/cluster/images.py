"""The table of images: what each image's program needs, uses and answers.

A container's health follows from its spec and from this table alone. There is no switch that makes a pod fail: a pod
fails because its spec does not suit its image, and whatever change makes the spec right heals it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from deploy.sandbox.cluster.objects.quantities import quantity


@dataclass(frozen=True)
class App:
    """What one image runs: what it needs to live, what it uses, where it answers."""

    env: tuple[str, ...] = ()
    """Environment variables without which the program exits with 1."""
    cpu: str = "20m"
    memory: str = "64Mi"
    memory_growth: str = "0"
    """Memory gained each second: a leak ends in OOMKilled wherever a limit is set."""
    port: int = 8080
    paths: tuple[str, ...] = ("/", "/healthz", "/readyz")
    """HTTP paths answered with 200; all others are 404."""
    boot_seconds: float = 1.0
    """From the start of the container until the port is open."""
    needs: tuple[str, ...] = ()
    """Services of the same namespace without whose ready endpoints /readyz answers 503."""
    finishes_after: float | None = None
    """Seconds until the program ends by itself; None runs for ever."""
    exit_code: int = 0
    log: tuple[str, ...] = ()
    """Lines written once the program is up."""
    chatter: str = ""
    """A line written again and again while the program is up."""
    chatter_seconds: float = 1.0

    def memory_at(self, uptime: float) -> float:
        """Bytes in use after `uptime` seconds."""
        return quantity(self.memory) + quantity(self.memory_growth) * max(0.0, uptime)

    def seconds_to_memory(self, limit: float) -> float | None:
        """Seconds of running after which `limit` bytes are exceeded; None if they never are."""
        if quantity(self.memory) > limit:
            return 1.0
        growth = quantity(self.memory_growth)
        return max(1.0, (limit - quantity(self.memory)) / growth) if growth > 0 else None


Images = Mapping[str, App]
"""Image reference -> the program in it. An image that is not in the table cannot be pulled."""

IMAGES: Images = MappingProxyType(
    {
        "registry.local/web:3.1.0": App(memory="90Mi"),
        "registry.local/web:3.0.0": App(memory="85Mi"),
        "registry.local/checkout:1.4.2": App(env=("DATABASE_URL",), memory="180Mi"),
        "registry.local/checkout:1.4.1": App(memory="170Mi"),
        "registry.local/catalog:2.0.0": App(memory="300Mi", cpu="60m"),
        "registry.local/catalog:1.9.0": App(memory="110Mi", cpu="40m"),
        "registry.local/search:1.0.0": App(memory="120Mi", boot_seconds=40.0),
        "registry.local/recommend:1.0.0": App(memory="100Mi", memory_growth="4Mi"),
        "registry.local/orders:1.0.0": App(memory="80Mi", needs=("database",)),
        "registry.local/database:16": App(memory="200Mi", port=5432),
        "registry.local/audit:1.0.0": App(chatter="INFO request served status=200 path=/", chatter_seconds=0.1),
        "registry.local/report:1.0.0": App(finishes_after=3.0, log=("INFO report written",)),
        "registry.local/report:1.0.1": App(finishes_after=1.0, exit_code=1, log=("ERROR cannot reach the warehouse",)),
        "registry.local/agent:1.0.0": App(cpu="5m", memory="20Mi", port=9100),
        "registry.k8s.io/pause:3.10": App(cpu="1m", memory="1Mi", port=0),
        "nginx:1.27": App(port=80),
        "nginx:1.28": App(port=80),
        "busybox:1.36": App(cpu="1m", memory="4Mi", port=0),
    }
)


def pull_refusal(image: str, has_pull_secret: bool) -> str:
    """Why an image outside the table cannot be pulled, in the runtime's words, told from the name alone."""
    registry = image.split("/", 1)[0]
    prefix = f'Failed to pull image "{image}": '
    if registry.endswith(".invalid"):
        return f'{prefix}failed to do request: Head "https://{registry}/v2/": dial tcp: lookup {registry}: no such host'
    if "/private/" in image and not has_pull_secret:
        return f"{prefix}failed to authorize: failed to fetch anonymous token: 401 Unauthorized"
    if registry.startswith("busy."):
        return f"{prefix}429 Too Many Requests - toomanyrequests: You have reached your pull rate limit"
    return f'{prefix}rpc error: code = NotFound desc = failed to resolve reference "{image}": {image}: not found'
