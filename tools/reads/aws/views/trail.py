"""What CloudTrail recorded, as values. Parameters by name; only a few plain ones with their value."""

from __future__ import annotations

from tools.reads.aws.views.basics import Utc
from tools.values import Value


class TrailEvent(Value):
    """One call that wanted to change something. Its text was chosen by whoever made the call: it is never followed."""

    id: str
    at: Utc
    name: str
    """The call: `UpdateService`."""
    source: str
    """The service: `ecs.amazonaws.com`."""
    by: str
    about: tuple[str, ...] = ()
    """Names of the resources it touched, as far as CloudTrail or its parameters say."""
    parameters: tuple[str, ...] = ()
    """`desiredCount=4`, or the name alone where the value may be anything."""
    error: str | None = None
    """Set where the call was refused: it then changed nothing."""
