"""AWS on loopback: moto behind a thin wire of our own, seeded, with faults that really go away when they are fixed.

moto keeps its whole world in the process, so one sandbox runs at a time in one process; starting one resets it.
"""

from __future__ import annotations

from deploy.sandbox.aws.server import Aws

__all__ = ["Aws"]
