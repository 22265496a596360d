"""`python -m deploy.sandbox`: the laptop world with the bot in it, to click around in, or hands-free with `--once`."""

from __future__ import annotations

import argparse
import fcntl
import os
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.sandbox.bot import REPOSITORY, BotProcess
from deploy.sandbox.handsfree import Telling, tell_all
from deploy.sandbox.laptop import Laptop, free_port
from deploy.sandbox.model.engineer import engineer
from deploy.sandbox.serving import LOOPBACK
from deploy.sandbox.stories import NOTICED_AFTER, Story, stories
from deploy.sandbox.transcript import Transcript
from deploy.sandbox.workspace.directory import ALERTS

FOLDER = REPOSITORY / "var" / "demo"
FIRST_STORY = 1
PAGE, CLUSTER, AWS, BOT = 8190, 8001, 5555, 8080
"""Where the parts of the clickable world answer, unless another program does."""


def main() -> None:
    """Start the world and the bot; tell the stories."""
    options = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the bot must not outlive its world
    # The clickable world has one known place. Hands-free runs may go on beside it, and leave nothing when all is well.
    folder = Path(tempfile.mkdtemp(prefix="sayso-once-")) if options.once else FOLDER
    try:
        with alone(folder):
            ended = _run(options, folder)
    except KeyboardInterrupt:
        print("\nstopped", flush=True)
        sys.exit(130 if options.once else 0)
    except RuntimeError as error:
        sys.exit(f"\nthe demo cannot go on: {error}")
    if options.once and ended == 0:
        shutil.rmtree(folder)
    sys.exit(ended)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.sandbox", description=__doc__)
    parser.add_argument(
        "--once", action="store_true", help="tell every story hands-free, then exit (0: all as expected)"
    )
    parser.add_argument("--model", choices=("none", "scripted"), default="none", help="which mind investigates")
    parser.add_argument("--port", type=int, default=PAGE, help=f"port of the workspace page (default {PAGE})")
    parser.add_argument("--patience", type=float, default=90.0, help="seconds for all stories with --once (default 90)")
    return parser.parse_args()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """An empty record in a folder that no other demo uses."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RuntimeError(f"another one is running in {_short(folder)}; stop that one first") from error
        # The signer's memory goes with the record it signed: else a fresh record looks like one that was cut.
        for old in (*folder.glob("sayso*.sqlite*"), *folder.glob("sayso.audit.*"), *folder.glob("bot.log")):
            old.unlink()
        yield


def _run(options: argparse.Namespace, folder: Path) -> int:
    transcript = Transcript()
    transcript.tell("starting a workspace, a cluster, an AWS account and the bot")
    model = engineer if options.model == "scripted" else None
    page, cluster, aws, bot_port = (0 if options.once else _free(port) for port in (options.port, CLUSTER, AWS, BOT))
    world = Laptop(folder, model=model, page_port=page, cluster_port=cluster, aws_port=aws, bot_port=bot_port)
    with world as laptop, laptop.bot() as bot:
        laptop.driver.wait_for_app()
        transcript.tell(f"everything is up; the bot's log is {_short(folder / 'bot.log')}")
        if options.once:
            return _once(laptop, bot, transcript, options.patience)
        return _play(laptop, bot, transcript)


def _free(port: int) -> int:
    """This port, or one nobody listens on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return free_port()
        return port


def _once(laptop: Laptop, bot: BotProcess, transcript: Transcript, patience: float) -> int:
    transcript.tell(f"the page, while this runs: {_page(laptop)}")
    tellings = tell_all(stories(), laptop, bot.url, transcript, patience)
    print()
    for telling in tellings:
        print(_verdict(telling))
    ended = sum(telling.ended for telling in tellings)
    print(f"\n{ended} of {len(tellings)} stories ended as expected, in {transcript.seconds:.0f} s")
    print("\n$ sayso audit plan P-1", flush=True)
    _sayso(bot, "audit", "plan", "P-1")
    print("\n$ sayso audit verify", flush=True)
    intact = _sayso(bot, "audit", "verify") == 0
    return 0 if intact and ended == len(tellings) else 1


def _verdict(telling: Telling) -> str:
    sign = "ok  " if telling.ended else "FAIL"
    said = telling.fault or telling.story.expected.ending
    return f"{sign} {telling.story.number:2}  {telling.story.title}\n         {said}"


def _sayso(bot: BotProcess, *words: str) -> int:
    """Run the command line beside the bot, on the same record."""
    return subprocess.run([sys.executable, "-m", "bot", *words], env=bot.environment, cwd=REPOSITORY).returncode


def _play(laptop: Laptop, bot: BotProcess, transcript: Transcript) -> int:
    """One story is fired at once; others on request, by number. Ctrl-C ends it."""
    told = {story.number: story for story in stories()}
    _let_world_be_well(told, laptop)
    _help(laptop, told)
    fired = [_fire(told[FIRST_STORY], laptop, bot, transcript)]
    while True:
        transcript.follow(laptop.driver.messages(ALERTS))
        fired = [story for story in fired if not _cleared(story, laptop, bot, transcript)]
        typed = _typed(0.5)
        if not typed:
            continue
        story = told.get(int(typed)) if typed.isascii() and typed.isdigit() else None
        if story is None:
            transcript.tell(f"there is no story {typed!r}; they are 1 to {max(told)}, and Ctrl-C stops")
        elif story in fired:
            transcript.tell(f"story {story.number} is still going on")
        else:
            fired.append(_fire(story, laptop, bot, transcript))


def _let_world_be_well(told: dict[int, Story], laptop: Laptop) -> None:
    for story in told.values():
        story.prepare(laptop)
    deadline = time.monotonic() + 30
    while not all(story.healed(laptop) for story in told.values()):
        if time.monotonic() > deadline:
            raise RuntimeError("the sandbox did not come up well")
        time.sleep(0.1)


def _help(laptop: Laptop, told: dict[int, Story]) -> None:
    print(f"\n  Open   {_page(laptop)}")
    print("         You are alice, who is on call. Open the thread of the incident, and approve or reject its plan.")
    print(f"\n  Look   in another terminal, after   . {_environment_file(laptop)}")
    print("           sayso audit                        who decided what")
    print("           kubectl get pods -n shop           the cluster, as the bot sees it")
    print("           aws cloudwatch describe-alarms     the account, likewise")
    print("\n  Type   a number and Enter for another story; Ctrl-C to stop.")
    for story in told.values():
        print(f"           {story.number:2}  {story.title}")
    print(flush=True)


def _page(laptop: Laptop) -> str:
    return f"{laptop.workspace.url}/?as=alice&channel=alerts"


def _environment_file(laptop: Laptop) -> Path:
    """What the bot was told, for a shell: with it sayso, kubectl and the AWS CLI look at this world."""
    path = laptop.folder / "environment"
    lines = [f"export {name}={shlex.quote(value)}" for name, value in laptop.environment().items()]
    programs = shlex.quote(str(Path(sys.executable).parent))
    path.write_text("\n".join([*lines, f"export PATH={programs}:$PATH", ""]))
    return path


def _short(path: Path) -> str:
    """The path as one would type it here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


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


def _typed(seconds: float) -> str:
    """What was typed within these seconds, if anything."""
    if not select.select([sys.stdin], [], [], seconds)[0]:
        return ""
    line = os.read(sys.stdin.fileno(), 100)
    if not line:  # nobody will ever type: it only passes the time
        time.sleep(seconds)
    return line.decode(errors="replace").strip()


if __name__ == "__main__":
    main()
