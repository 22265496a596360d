"""Alerts and incidents: folding what comes in, and moving an incident along.

`receiving` takes alerts, `belonging` finds the incident of one, `storms` folds what nobody could read one by one,
`moving` changes an incident, `apart` splits and merges as people say, and `reading` changes nothing.
"""

from __future__ import annotations

from storage.incidents.apart import Refused, merge, split
from storage.incidents.belonging import Membership, latest_memberships, memberships
from storage.incidents.moving import conclude, keep_reminders, look_again, move, raise_severity
from storage.incidents.news import AlertNews, correlation_key, identity_of, profile_of
from storage.incidents.reading import (
    alerts_of,
    anchor_of,
    firing,
    get,
    joinings_of,
    listed,
    rings,
    unexplained,
    waiting_for_triage,
)
from storage.incidents.receiving import Received, receive
from storage.incidents.storms import is_storm, storm_of, unsettled

__all__ = [
    "AlertNews",
    "Membership",
    "Received",
    "Refused",
    "alerts_of",
    "anchor_of",
    "conclude",
    "correlation_key",
    "firing",
    "get",
    "identity_of",
    "is_storm",
    "joinings_of",
    "keep_reminders",
    "latest_memberships",
    "listed",
    "look_again",
    "memberships",
    "merge",
    "move",
    "profile_of",
    "raise_severity",
    "receive",
    "rings",
    "split",
    "storm_of",
    "unexplained",
    "unsettled",
    "waiting_for_triage",
]
