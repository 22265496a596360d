"""Identities the cluster hands out: uids, name suffixes, addresses. Seeded, so that a run can be repeated exactly."""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from itertools import count

from deploy.sandbox.cluster.objects.shapes import Object

_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


class Names:
    """The source of uids, suffixes and service addresses of one cluster."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._addresses = count(10)

    def uid(self) -> str:
        """A new uid."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def suffix(self) -> str:
        """Five letters for generateName."""
        return "".join(self._random.choices(_SUFFIX_LETTERS, k=5))

    def service_address(self) -> str:
        """The next address of the service range."""
        number = next(self._addresses)
        return f"10.96.{number >> 8}.{number & 255}"


def template_hash(template: Object) -> str:
    """The value of the pod-template-hash label: the same for the same template."""
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).digest()
    return "".join(_SUFFIX_LETTERS[byte % len(_SUFFIX_LETTERS)] for byte in digest[:10])


def pod_address(uid: str) -> str:
    """A pod's address, from its uid."""
    number = int(uid.replace("-", "")[:4], 16)
    return f"10.244.{number >> 8}.{number & 255}"
