"""What every flow works with, put together once by `bot.app` and handed to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from bot.durable import Durable
from bot.investigation.minds import Minds
from bot.memory import Library
from bot.metrics import Metrics
from bot.people import People
from bot.people.services import NONE, Services
from bot.plans.lookout import Lookout
from bot.policy.rulebook import Rulebook
from bot.sign_in.step_up import SignIns
from policies.rules import Policy
from storage.database import Database
from tools.clients import Readers, Writers


@dataclass(frozen=True)
class Patience:
    """How long things may take, in seconds."""

    verify: float
    """Deadline for the success criteria to hold after an apply."""
    watch: float
    """They must hold this long without a break; and only a loss this long counts as worse."""
    poll: float = 1.0
    """Between two looks at the world."""


@dataclass(frozen=True)
class Desk:
    """The on-call desk: the record, the eyes, the hands, the rules and the people."""

    database: Database
    durable: Durable
    readers: Readers
    writers: Writers
    rulebook: Rulebook
    people: People
    minds: Minds
    metrics: Metrics
    patience: Patience
    environment: str
    channel: str
    """Slack channel id where incidents are posted."""
    now: Callable[[], datetime]
    services: Services = NONE
    """Whose service is whose."""
    lookout: Lookout = field(default_factory=Lookout)
    sign_ins: SignIns = field(default_factory=SignIns)
    """Where people sign in afresh."""
    library: Library = field(default_factory=Library)
    """What may be remembered beside incidents."""
    audit_channel: str | None = None
    """Where broken glass is told; None means the channel of the incidents."""

    @property
    def policy(self) -> Policy:
        """The rules in force at this moment. Ask once for one decision: they may change between two."""
        return self.rulebook.in_force()
