"""A laptop world with the real bot in it, and the troubles a test tells there: each a story under a name of its own.

What a person would see is read from the workspace, what happened from the record, what was done from the cluster.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.sandbox.bot import BotProcess
from deploy.sandbox.cluster.api.effects import Effect
from deploy.sandbox.laptop import Laptop
from deploy.sandbox.stories import FOLDER, NOTICED_AFTER, KubernetesStory
from deploy.sandbox.workspace.acks import Ack
from deploy.sandbox.workspace.directory import ALERTS, BOT_USER
from deploy.sandbox.workspace.driver import NothingCame
from deploy.sandbox.workspace.seen import OpenView, Seen
from storage.tables import Plan
from tests.journeys.record import Record

APPROVE, REJECT = "plan.approve", "plan.reject"
PLAN_CARD = " · Plan P-"
"""What the head of every plan's card holds, whatever state the plan is in."""
FAILING = frozenset({"CrashLoopBackOff", "ImagePullBackOff"})
PATIENCE = 30.0
"""Seconds a test waits for what should take two: the machine may be busy."""


class Scene:
    """One world and the bot in it. The bot may be killed and started again; the record stays."""

    def __init__(self, laptop: Laptop, bot: BotProcess) -> None:
        self.laptop, self.bot = laptop, bot
        self.driver = laptop.driver
        self.record = Record(bot.environment["DATABASE_URL"])

    def trouble(self, number: int, name: str, *, environment: str = "prod") -> Trouble:
        """A story's fault, happening to a workload of this name, noticed but not yet ringing."""
        trouble = self.calm(number, name, environment=environment)
        trouble.story.break_world(self.laptop)
        self.notice(trouble)
        return trouble

    def notice(self, trouble: Trouble) -> None:
        """Let the time pass in which a monitoring system notices that something changed for the worse."""
        self.laptop.pass_time(NOTICED_AFTER)
        eventually(lambda: shows(self.laptop, trouble.name), f"the fault of {trouble.name} to show")

    def calm(self, number: int, name: str, *, environment: str = "prod") -> Trouble:
        """The same before its fault: rolled out and well."""
        trouble = self.about(number, name, environment=environment)
        trouble.story.prepare(self.laptop)
        eventually(lambda: trouble.healed, f"{name} to be well")
        return trouble

    def about(self, number: int, name: str, *, environment: str = "prod") -> Trouble:
        """A story about a workload of this name, whatever state that is in."""
        (folder,) = FOLDER.glob(f"{number}-*")
        copy = renamed(folder, name, environment, self.laptop.folder / f"{name}-{environment}")
        return Trouble(self, KubernetesStory(copy), name)

    def card(self, words: str, root: Seen, timeout: float = PATIENCE) -> Seen:
        """The plan's card in the thread under `root`, once it shows these words."""

        def fits(message: Seen) -> bool:
            return PLAN_CARD in message.everything and words in message.everything

        with self.explained():
            return self.driver.wait_for_message(ALERTS, fits, timeout, root.ts)

    def root(self, sign: str, words: str = "", timeout: float = PATIENCE) -> Seen:
        """The incident's own message about `sign`, once it shows these words."""

        def fits(message: Seen) -> bool:
            ours = message.user == BOT_USER and message.thread_ts in ("", message.ts)
            return ours and sign in message.everything and words in message.everything

        with self.explained():
            return self.driver.wait_for_message(ALERTS, fits, timeout)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Whatever does not come, the end of the bot's log comes with it."""
        try:
            yield
        except NothingCame as error:
            error.add_note(f"the bot's log ends:\n{self.bot.log_tail()}")
            raise


class Trouble:
    """Something wrong with one workload: its alert, the incident's thread, its plan, and what was done about it."""

    def __init__(self, scene: Scene, story: KubernetesStory, name: str) -> None:
        self.scene, self.story, self.name = scene, story, name

    @property
    def sign(self) -> str:
        """The incident's title."""
        return self.story.sign

    @property
    def healed(self) -> bool:
        """Whether the fault is gone from the world."""
        return self.story.healed(self.scene.laptop)

    def ring(self) -> None:
        """The alert fires."""
        self.story.ring(self.scene.bot.url)

    def clear(self) -> None:
        """The alert resolves."""
        self.story.clear(self.scene.bot.url)

    def root(self, words: str = "", timeout: float = PATIENCE) -> Seen:
        """The incident's own message, once it shows these words."""
        return self.scene.root(self.sign, words, timeout)

    def card(self, words: str = "", timeout: float = PATIENCE) -> Seen:
        """The plan's card, once it shows these words."""
        return self.scene.card(words, self.root(), timeout)

    def asks(self) -> Seen:
        """Let the alert fire and wait until people are asked."""
        self.ring()
        return self.card("Approval needed")

    def click(self, person: str, button: str, *, forced: bool = False) -> Ack:
        """Press a button of the plan's card. `forced`: as it once was, or by somebody who cannot see it."""
        return self.scene.driver.person(person).click(ALERTS, self.card().ts, button, forced=forced)

    def modal(self, person: str, button: str) -> OpenView:
        """Press a button that opens a modal, and look at it."""
        assert self.click(person, button).acked
        return self.scene.driver.wait_for_view(person, button)

    def release_again(self) -> None:
        """Somebody else rolls the Deployment out again, with nothing changed that matters."""
        body = {"spec": {"template": {"metadata": {"annotations": {"release": "by somebody else"}}}}}
        self.scene.laptop.kubernetes.patch(
            f"/apis/apps/v1/namespaces/shop/deployments/{self.name}",
            content=json.dumps(body),
            headers={"Content-Type": "application/merge-patch+json"},
        ).raise_for_status()

    def template(self) -> object:
        """The Deployment's pod template as it is now."""
        found = self.scene.laptop.kubernetes.get(f"/apis/apps/v1/namespaces/shop/deployments/{self.name}")
        return found.raise_for_status().json()["spec"]["template"]

    def plan(self) -> Plan:
        """Its only plan, as recorded."""
        return self.scene.record.plan(self.sign)

    def effects(self) -> list[Effect]:
        """Every call sayso made for good on the objects of this name; dry runs do not count."""
        made = self.scene.laptop.cluster.effects(manager="sayso")
        return [effect for effect in made if effect.name == self.name]


def shows(laptop: Laptop, name: str) -> bool:
    """Whether the cluster shows the fault as a monitoring system would see it: a container waits, or nobody serves."""
    pods = laptop.kubernetes.get("/api/v1/namespaces/shop/pods", params={"labelSelector": f"app={name}"}).json()
    states = [one["state"] for pod in pods["items"] for one in pod["status"].get("containerStatuses", [])]
    if any(state.get("waiting", {}).get("reason") in FAILING for state in states):
        return True
    slices = laptop.kubernetes.get(
        "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices",
        params={"labelSelector": f"kubernetes.io/service-name={name}"},
    ).json()
    return not any(endpoint for one in slices["items"] for endpoint in one.get("endpoints") or [])


def misspelt(name: str) -> str:
    """A name with two letters of its middle changed round, as story 7 needs one."""
    at = len(name) // 2
    return name[: at - 1] + name[at] + name[at - 1] + name[at + 1 :]


def renamed(folder: Path, name: str, environment: str, to: Path) -> Path:
    """A story's folder with its workload called `name`: the same fault, disturbing nobody else."""
    alert = json.loads((folder / "alert.json").read_text())
    old = str(alert["commonLabels"]["service"])
    to.mkdir(exist_ok=True)
    for file in folder.iterdir():
        text = re.sub(rf"(?<!registry\.local/)\b{old}\b", name, file.read_text())
        text = re.sub(r"\bpaymnets\b", misspelt(name), text)
        if environment != "prod":  # a title of its own, too
            text = re.sub(rf'("summary": "[^"]*)\b{name}\b', rf"\1{name} ({environment})", text)
        text = re.sub(r'"fingerprint": "\w+"', f'"fingerprint": "{name}-{environment}"', text)
        (to / file.name).write_text(text.replace('"env": "prod"', f'"env": "{environment}"'))
    return to


def eventually(holds: Callable[[], bool], what: str, timeout: float = PATIENCE) -> None:
    """Wait until something holds that the workspace does not show."""
    deadline = time.monotonic() + timeout
    while not holds():
        if time.monotonic() > deadline:
            raise NothingCame(f"{what} did not come within {timeout} s")
        time.sleep(0.05)
