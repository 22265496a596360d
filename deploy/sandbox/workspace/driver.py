"""Acting as a person, from Python: what a journey or the demo clicks, says, submits and waits for.

A `WorkspaceDriver` speaks to a running workspace over its control API and nothing else, so it works the same for one
in this process and one somewhere else. A gesture nobody could make raises `Impossible`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar

from deploy.sandbox.workspace.acks import Ack
from deploy.sandbox.workspace.directory import ALERT_BOT
from deploy.sandbox.workspace.elements import Chosen
from deploy.sandbox.workspace.faults import CallFault, DeliveryFault
from deploy.sandbox.workspace.seen import OpenView, Seen, Submission
from deploy.sandbox.workspace.wire import JsonObject, as_object, listed, nested, words


class Impossible(Exception):
    """A person could not have done that: the button is not there, the view is not open, the channel is not theirs."""


class NothingCame(AssertionError):
    """What was waited for did not happen in time."""


Wanted: TypeAlias = str | Callable[[Seen], bool]
Found = TypeVar("Found")


class WorkspaceDriver:
    """A workspace somewhere, and everybody in it."""

    def __init__(self, url: str, control_token: str = "") -> None:
        import httpx

        self.url = url.rstrip("/")
        headers = {"x-control-token": control_token} if control_token else {}
        # Loopback only: a proxy from the environment must not come between.
        self._http = httpx.Client(base_url=self.url, trust_env=False, headers=headers, timeout=60)

    @property
    def api_url(self) -> str:
        """The base URL for the app's Slack client."""
        return f"{self.url}/api/"

    def person(self, name: str) -> ActingPerson:
        """Somebody to act as, by name or id."""
        return ActingPerson(self, name)

    def alert(
        self, channel: str, text: str = "", attachments: Sequence[JsonObject] = (), blocks: Sequence[JsonObject] = ()
    ) -> Seen:
        """Post as the alert bot."""
        body = {"user": ALERT_BOT, "channel": channel, "text": text}
        return Seen(self.order("message", {**body, "attachments": list(attachments), "blocks": list(blocks)}))

    def messages(self, channel: str) -> list[Seen]:
        """Everything in a channel, replies included, oldest first."""
        state = self.state()
        return [Seen(message) for message in listed(nested(state, "messages"), self._channel_id(state, channel))]

    def thread(self, channel: str, ts: str) -> list[Seen]:
        """A thread, root first."""
        return [message for message in self.messages(channel) if ts in (message.ts, message.thread_ts)]

    def message(self, channel: str, ts: str) -> Seen:
        """One message as it looks now."""
        return next(message for message in self.messages(channel) if message.ts == ts)

    def ephemerals(self, user: str) -> list[Seen]:
        """What only this person can see, oldest first."""
        state = self.state()
        wanted = self._user_id(state, user)
        return [Seen(m) for m in listed(state, "ephemerals") if m.get("only_for") == wanted]

    def open_view(self, user: str) -> OpenView | None:
        """The modal this person is looking at, if any."""
        state = self.state()
        stack = listed(nested(state, "stacks"), self._user_id(state, user))
        return OpenView(stack[-1]) if stack else None

    def home(self, user: str) -> OpenView | None:
        """This person's Home tab, once the app has published one."""
        state = self.state()
        home = nested(nested(state, "homes"), self._user_id(state, user))
        return OpenView(home) if home else None

    def wait_for_message(self, channel: str, wanted: Wanted, timeout: float = 10.0, thread_ts: str = "") -> Seen:
        """The first message of a channel (or thread) that holds these words, or that the predicate accepts."""

        def found() -> Seen | None:
            seen = self.thread(channel, thread_ts) if thread_ts else self.messages(channel)
            return next((message for message in seen if _fits(message, wanted)), None)

        return self.wait_until(found, f"a message in {channel} with {wanted}", timeout)

    def wait_for_ephemeral(self, user: str, wanted: Wanted, timeout: float = 10.0) -> Seen:
        """The first message only this person sees that holds these words, or that the predicate accepts."""

        def found() -> Seen | None:
            return next((message for message in self.ephemerals(user) if _fits(message, wanted)), None)

        return self.wait_until(found, f"an ephemeral message for {user} with {wanted}", timeout)

    def wait_for_view(self, user: str, wanted: str = "", timeout: float = 10.0) -> OpenView:
        """The modal before this person, once it has this callback id, title or words."""

        def found() -> OpenView | None:
            view = self.open_view(user)
            return view if view and (wanted == view.callback_id or wanted in view.everything) else None

        return self.wait_until(found, f"a view for {user} with {wanted}", timeout)

    def wait_for_home(self, user: str, wanted: str = "", timeout: float = 10.0) -> OpenView:
        """This person's Home tab, once these words are on it."""

        def found() -> OpenView | None:
            home = self.home(user)
            return home if home and wanted in home.everything else None

        return self.wait_until(found, f"a home tab for {user} with {wanted}", timeout)

    def wait_for_app(self, connections: int = 1, timeout: float = 15.0) -> None:
        """Wait until the app has this many Socket Mode connections open."""
        self.wait_until(lambda: self.connections() >= connections or None, "the app to connect", timeout)

    def wait_until(self, found: Callable[[], Found | None], what: str, timeout: float = 10.0) -> Found:
        """Ask again after every change in the workspace, until there is an answer."""
        deadline = time.monotonic() + timeout
        while True:
            revision = self.state()["revision"]
            answer = found()
            if answer is not None:
                return answer
            left = deadline - time.monotonic()
            if left <= 0:
                raise NothingCame(f"{what} did not come within {timeout} s")
            self._http.get("/_control/wait", params={"after": str(revision), "timeout": str(min(left, 5.0))})

    def connections(self) -> int:
        """How many Socket Mode connections the app has open."""
        return int(str(self.state()["connected"]))

    def fault(self, fault: CallFault | DeliveryFault) -> None:
        """Let something go wrong with the app's calls, or with what is delivered to it."""
        self.order("fault" if isinstance(fault, CallFault) else "delivery_fault", fault.model_dump())

    def announce(self, event: JsonObject, channel: str = "") -> None:
        """Send the app an event no gesture makes, like `tokens_revoked`."""
        self.order("announce", {"event": event, "channel": channel})

    def release(self) -> None:
        """Let go of what a `hold` fault keeps."""
        self.order("release", {})

    def disconnect(self, reason: str = "refresh_requested") -> None:
        """Ask the app to renew its connections."""
        self.order("disconnect", {"reason": reason})

    def drop(self) -> None:
        """Cut the app's connections."""
        self.order("drop", {})

    def reset(self) -> None:
        """Go back to the seeds, with nothing under way and an empty journal; connections and switches stay."""
        self.order("reset", {})

    def settings(self, **switches: object) -> None:
        """Change some `Switches`; a `request_url` is verified with a challenge."""
        self.order("settings", switches)

    def set_usergroup(self, usergroup: str, *users: str) -> None:
        """Change who is in a usergroup."""
        self.order("usergroup", {"usergroup": usergroup, "users": list(users)})

    def set_standing(self, user: str, standing: str) -> None:
        """Deactivate somebody, or make them a guest or a member."""
        self.order("standing", {"user": user, "standing": standing})

    def journal(self, kind: str = "") -> list[JsonObject]:
        """The calls, deliveries and socket events so far, oldest first."""
        lines = self._http.get("/_control/journal").text.splitlines()
        entries = [as_object(json.loads(line)) for line in lines]
        return [entry for entry in entries if not kind or entry.get("kind") == kind]

    def calls(self, method: str) -> list[JsonObject]:
        """The app's calls of one Web API method so far."""
        return [entry for entry in self.journal("call") if entry.get("method") == method]

    def state(self) -> JsonObject:
        """Everything there is now."""
        return as_object(self._http.get("/_control/state").raise_for_status().json())

    def order(self, what: str, body: JsonObject) -> JsonObject:
        """Send one order to the control API."""
        answer = self._http.post(f"/_control/{what}", json=body)
        if answer.status_code in (404, 409):
            raise Impossible(answer.json()["error"])
        if answer.is_error:
            raise ValueError(f"{what}: {answer.text}")
        return as_object(answer.json())

    def close(self) -> None:
        """Let go of the connection to the workspace."""
        self._http.close()

    def _channel_id(self, state: JsonObject, channel: str) -> str:
        named = (c for c in listed(state, "channels") if channel.lstrip("#") in (c.get("id"), c.get("name")))
        return words(next(named, {"id": channel}), "id")

    def _user_id(self, state: JsonObject, user: str) -> str:
        named = (p for p in listed(state, "people") if user in (p.get("id"), p.get("name")))
        return words(next(named, {"id": user}), "id")


class ActingPerson:
    """Somebody in the workspace, doing what people do."""

    def __init__(self, workspace: WorkspaceDriver, name: str) -> None:
        self._workspace = workspace
        self.name = name

    def say(self, channel: str, text: str, thread_ts: str | None = None) -> Seen:
        """Post a message or a reply; `@name` is a mention."""
        body = {"channel": channel, "text": text, "thread_ts": thread_ts or ""}
        return Seen(self._order("message", body))

    def edit(self, message: Seen, text: str) -> Seen:
        """Change an own message; empty text deletes it."""
        return Seen(self._order("edit", {"channel": message.channel, "ts": message.ts, "text": text}))

    def react(self, channel: str, ts: str, name: str) -> None:
        """Add a reaction."""
        self._order("reaction", {"channel": channel, "ts": ts, "name": name})

    def click(
        self,
        channel: str,
        ts: str,
        action_id: str,
        *,
        chosen: Chosen = None,
        value: str = "",
        block_id: str = "",
        forced: bool = False,
    ) -> Ack:
        """Use a button, select or menu of a message; `chosen` is the option's value.

        `value` and `block_id` pick one of several with the same action id. `forced` replays a click on what the
        message showed before, by anybody, or a button that never was there.
        """
        which = {"channel": channel, "ts": ts, "action_id": action_id, "block_id": block_id, "value": value}
        return _ack(self._order("click", {**which, "chosen": chosen, "forced": forced}))

    def click_in_view(
        self, view: OpenView, action_id: str, *, values: Mapping[str, Chosen] | None = None, value: str = ""
    ) -> Ack:
        """Use an element of a modal or of the Home tab; `values` is what is chosen there, by block or action id."""
        body = {"view_id": view.id, "action_id": action_id, "values": dict(values or {}), "value": value}
        return _ack(self._order("click_view", body))

    def submit(self, view: OpenView, values: Mapping[str, Chosen] | None = None) -> Submission:
        """Submit the modal on top, with what was entered, by block id or action id."""
        answer = self._order("submit", {"view_id": view.id, "values": dict(values or {})})
        errors = {block: str(said) for block, said in nested(answer, "errors").items()}
        return Submission(errors, _ack(nested(answer, "ack")) if answer.get("ack") else None)

    def close(self, view: OpenView, *, everything: bool = False) -> None:
        """Close a modal, or all of them."""
        self._order("close", {"view_id": view.id, "everything": everything})

    def slash(self, command: str, text: str = "", channel: str = "alerts") -> Ack:
        """Run a slash command."""
        return _ack(self._order("slash", {"channel": channel, "command": command, "text": text}))

    def open_home(self, tab: str = "home") -> None:
        """Look at the app's Home (or Messages) tab."""
        self._order("home", {"tab": tab})

    def stop(self, channel: str, thread_ts: str) -> None:
        """Press Stop in a thread where the app is working."""
        self._order("stop", {"channel": channel, "thread_ts": thread_ts})

    def join(self, channel: str) -> None:
        """Join a channel."""
        self._order("join", {"channel": channel})

    def _order(self, what: str, body: JsonObject) -> JsonObject:
        return self._workspace.order(what, {"user": self.name, **body})


def _ack(answer: JsonObject) -> Ack:
    return Ack(bool(answer.get("acked")), nested(answer, "payload"), words(answer, "reason"), bool(answer.get("final")))


def _fits(message: Seen, wanted: Wanted) -> bool:
    return wanted in message.everything if isinstance(wanted, str) else wanted(message)
