"""Every story hands-free: fired, approved by clicks as the on-call person, and checked for its expected ending."""

from __future__ import annotations

import time
from dataclasses import dataclass

from deploy.sandbox.laptop import Laptop
from deploy.sandbox.stories import NOTICED_AFTER, Story
from deploy.sandbox.transcript import Transcript
from deploy.sandbox.workspace.directory import ALERTS
from deploy.sandbox.workspace.seen import Seen

ONCALL_PERSON = "alice"
APPROVE = "plan.approve"


@dataclass
class Telling:
    """How far one story has come, as far as a person in the workspace can see."""

    story: Story
    parent: Seen | None = None
    approved_at: float | None = None
    succeeded: bool = False
    cleared: bool = False
    ended: bool = False
    fault: str | None = None

    @property
    def over(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self.ended or self.fault is not None


def tell_all(
    stories: list[Story], laptop: Laptop, bot_url: str, transcript: Transcript, patience: float
) -> list[Telling]:
    """Fire every story and see each to its end. `patience` is in seconds for all of them together."""
    for story in stories:
        story.prepare(laptop)
    _wait_until_well(stories, laptop, transcript)
    tellings = [Telling(story) for story in stories]
    for telling in tellings:
        transcript.tell(f"story {telling.story.number}: {telling.story.title}. {telling.story.breaks}")
        telling.story.break_world(laptop)
    laptop.pass_time(NOTICED_AFTER)
    for telling in tellings:
        telling.story.ring(bot_url)
    deadline = time.monotonic() + patience
    while not all(telling.over for telling in tellings):
        messages = laptop.driver.messages(ALERTS)
        transcript.follow(messages)
        for telling in tellings:
            if not telling.over:
                _go_on(telling, messages, laptop, bot_url, transcript)
        if time.monotonic() > deadline:
            _give_up(tellings)
        time.sleep(0.2)
    return tellings


def _wait_until_well(stories: list[Story], laptop: Laptop, transcript: Transcript) -> None:
    deadline = time.monotonic() + 30
    while not all(story.healed(laptop) for story in stories):
        if time.monotonic() > deadline:
            raise RuntimeError("the sandbox did not come up well")
        time.sleep(0.1)
    transcript.tell("the world is well: every Deployment is rolled out, every alarm is OK")


def _go_on(telling: Telling, messages: list[Seen], laptop: Laptop, bot_url: str, transcript: Transcript) -> None:
    """The next thing a person would do, if it can be done yet."""
    telling.parent = next((one for one in messages if _is_root(one) and telling.story.sign in one.everything), None)
    if telling.parent is None:
        return
    thread = [one for one in messages if one.thread_ts == telling.parent.ts != one.ts]
    if telling.story.expected.action is None:
        telling.ended = "No plan" in telling.parent.everything and not any(APPROVE in one.action_ids for one in thread)
        return
    if telling.approved_at is None:
        _approve(telling, thread, laptop, transcript)
        return
    if not telling.succeeded:
        _type_the_target(laptop, transcript)
    telling.succeeded = telling.succeeded or any("Succeeded" in one.text for one in thread)
    failed = next((one.text for one in thread if one.text.startswith(("Undo", "Needs a person", "Out of date"))), None)
    if failed is not None:
        telling.fault = failed
    if telling.succeeded and not telling.cleared and telling.story.healed(laptop):
        telling.story.clear(bot_url)
        telling.cleared = True
    telling.ended = telling.cleared and "Resolved" in telling.parent.everything


def _is_root(message: Seen) -> bool:
    """A message that is no reply: once it has replies, its own timestamp is its thread's."""
    return message.thread_ts in ("", message.ts)


def _approve(telling: Telling, thread: list[Seen], laptop: Laptop, transcript: Transcript) -> None:
    card = next((one for one in thread if APPROVE in one.action_ids), None)
    if card is None:
        return
    finding = telling.story.expected.finding
    if finding is not None and not any(finding in one.everything for one in thread):
        return  # the evidence is posted a moment later
    transcript.tell(f"    {ONCALL_PERSON} reads the card of story {telling.story.number} and clicks Approve")
    laptop.driver.person(ONCALL_PERSON).click(ALERTS, card.ts, APPROVE)
    telling.approved_at = transcript.seconds


def _type_the_target(laptop: Laptop, transcript: Transcript) -> None:
    """What destroys is asked about twice: a form says what to type, and wants exactly that."""
    form = laptop.driver.open_view(ONCALL_PERSON)
    if form is None or form.callback_id != APPROVE:
        return
    wanted = {block: label.removeprefix("Type ") for block, label in form.asks.items()}
    transcript.tell(f"    {ONCALL_PERSON} types what it is done to: {', '.join(wanted.values())}")
    laptop.driver.person(ONCALL_PERSON).submit(form, wanted)


def _give_up(tellings: list[Telling]) -> None:
    for telling in tellings:
        if not telling.over:
            seen = telling.parent.text if telling.parent is not None else "no incident was posted"
            telling.fault = f"did not end as expected in time; last seen: {seen}"
