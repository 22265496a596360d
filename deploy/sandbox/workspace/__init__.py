"""A Slack workspace on loopback: Web API, Socket Mode, signed HTTP delivery, and a page to act as people on.

The app under test talks to it as it would to Slack and knows no difference but `SLACK_API_URL`. Tests and the demo
act as people through `driver`, browsers through the page. Start with `server`; what is seeded stands in `directory`.
Nothing persists across restarts, and everything binds to loopback.
"""

from __future__ import annotations

from deploy.sandbox.workspace.directory import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET
from deploy.sandbox.workspace.faults import CallFault, DeliveryFault, Switches
from deploy.sandbox.workspace.server import Workspace

__all__ = ["APP_TOKEN", "BOT_TOKEN", "SIGNING_SECRET", "CallFault", "DeliveryFault", "Switches", "Workspace"]
