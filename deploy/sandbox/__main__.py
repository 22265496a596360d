"""`python -m deploy.sandbox`: the laptop world with the bot in it, to click around in, or hands-free with `--once`."""

from __future__ import annotations

import argparse
import os
import select
import subprocess
import sys
from pathlib import Path

from deploy.sandbox.bot import REPOSITORY, BotProcess
from deploy.sandbox.handsfree import Telling, tell_all
from deploy.sandbox.laptop import Laptop
from deploy.sandbox.model.engineer import engineer
from deploy.sandbox.stories import NOTICED_AFTER, Story, stories
from deploy.sandbox.transcript import Transcript
from deploy.sandbox.workspace.directory import ALERTS

FOLDER = REPOSITORY / "var" / "demo"
FIRST_STORY = 1


def main() -> None:
    """Start the world and the bot; tell the stories."""
    parser = argparse.ArgumentParser(prog="python -m deploy.sandbox", description=__doc__)
    parser.add_argument(
        "--once", action="store_true", help="tell every story hands-free, then exit (0: all as expected)"
    )
    parser.add_argument("--model", choices=("none", "scripted"), default="none", help="which mind investigates")
    parser.add_argument("--port", type=int, default=8190, help="port of the workspace page")
    parser.add_argument("--patience", type=float, default=90.0, help="seconds for all stories with --once")
    options = parser.parse_args()
    _forget(FOLDER)
    model = engineer if options.model == "scripted" else None
    ports = (
        {} if options.once else {"page_port": options.port, "cluster_port": 8001, "aws_port": 5555, "bot_port": 8080}
    )
    transcript = Transcript()
    with Laptop(FOLDER, model=model, **ports) as laptop, laptop.bot() as bot:
        laptop.driver.wait_for_app()
        transcript.tell(f"workspace page   {laptop.workspace.url}/?as=alice&channel=alerts")
        transcript.tell(f"the bot's log    {FOLDER / 'bot.log'}")
        sys.exit(_once(laptop, bot, transcript, options.patience) if options.once else _play(laptop, bot, transcript))


def _once(laptop: Laptop, bot: BotProcess, transcript: Transcript, patience: float) -> int:
    tellings = tell_all(stories(), laptop, bot.url, transcript, patience)
    print()
    for telling in tellings:
        print(_verdict(telling))
    print("\nsayso audit --limit 12")
    _sayso(bot, "audit", "--limit", "12")
    print("\nsayso audit verify")
    intact = _sayso(bot, "audit", "verify") == 0
    return 0 if intact and all(telling.ended for telling in tellings) else 1


def _verdict(telling: Telling) -> str:
    sign = "ok  " if telling.ended else "FAIL"
    said = telling.fault or telling.story.expected.ending
    return f"{sign} story {telling.story.number:2}  {telling.story.title}: {said}"


def _sayso(bot: BotProcess, *words: str) -> int:
    """Run the command line beside the bot, on the same record."""
    return subprocess.run([sys.executable, "-m", "bot", *words], env=bot.environment, cwd=REPOSITORY).returncode


def _play(laptop: Laptop, bot: BotProcess, transcript: Transcript) -> int:
    """One story is fired at once; others on request, by number. Ctrl-C ends it."""
    told = {story.number: story for story in stories()}
    for story in told.values():
        story.prepare(laptop)
    _help(laptop, bot, told)
    fired = [_fire(told[FIRST_STORY], laptop, bot, transcript)]
    try:
        while True:
            transcript.follow(laptop.driver.messages(ALERTS))
            fired = [story for story in fired if not _cleared(story, laptop, bot, transcript)]
            number = _typed(0.5)
            if number in told and told[number] not in fired:
                fired.append(_fire(told[number], laptop, bot, transcript))
    except KeyboardInterrupt:
        print("\nstopping", flush=True)
        return 0


def _help(laptop: Laptop, bot: BotProcess, told: dict[int, Story]) -> None:
    database = bot.environment["DATABASE_URL"]
    print(f"\n  open      {laptop.workspace.url}/?as=alice&channel=alerts   and click Approve as alice, who is on call")
    print(f"  record    DATABASE_URL={database} {Path(sys.executable).parent}/sayso audit")
    print(f"  cluster   kubectl --kubeconfig {laptop.folder}/reader.kubeconfig get pods -n shop")
    print(f"  aws       AWS_ENDPOINT_URL={laptop.aws.url} aws cloudwatch describe-alarms --region {laptop.aws.region}")
    print("\n  type a number and Enter to fire another story, Ctrl-C to stop:")
    for story in told.values():
        print(f"    {story.number:2}  {story.title}")
    print(flush=True)


def _fire(story: Story, laptop: Laptop, bot: BotProcess, transcript: Transcript) -> Story:
    transcript.tell(f"story {story.number}: {story.title}. {story.breaks}")
    story.break_world(laptop)
    laptop.pass_time(NOTICED_AFTER)
    story.ring(bot.url)
    return story


def _cleared(story: Story, laptop: Laptop, bot: BotProcess, transcript: Transcript) -> bool:
    """Whether the fault has gone; its alert then resolves, as it would."""
    if not story.healed(laptop):
        return False
    transcript.tell(f"story {story.number}: the fault is gone from the world; its alert resolves")
    story.clear(bot.url)
    return True


def _typed(seconds: float) -> int | None:
    """A number typed within these seconds, if any."""
    if not select.select([sys.stdin], [], [], seconds)[0]:
        return None
    line = os.read(sys.stdin.fileno(), 100).decode(errors="replace").strip()
    return int(line) if line.isascii() and line.isdigit() else None


def _forget(folder: Path) -> None:
    """Every demo starts with an empty record."""
    for old in (*folder.glob("sayso*.sqlite*"), *folder.glob("bot.log")):
        old.unlink()


if __name__ == "__main__":
    main()
