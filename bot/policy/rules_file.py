"""The rules file of this process: read at the start and whenever it changes, and put before `bot.policy.policy_change`.

Each replica has a file of its own. A file is acted on when it changes, so that an old copy beside a new one changes
nothing back.
"""

from __future__ import annotations

import os
from pathlib import Path

import structlog

from bot.desk import Desk
from bot.policy import policy_cards, policy_change
from bot.policy.policy_change import Considered, Fate, Submission
from bot.rehearsal import catalogue
from policies.loading import SHIPPED
from storage.policies import fingerprint
from tools.errors import PermanentError

log = structlog.get_logger(__name__)


class RulesFile:
    """Where this process's rules are written, and what was last seen there."""

    def __init__(self, path: Path | None) -> None:
        self.path = path or SHIPPED
        self._seen: tuple[int, int, int] | None = None

    def read(self) -> str:
        """The text. Raises PermanentError when there is none to read."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PermanentError(f"the rules cannot be read (SAYSO_RULES): {error}") from error
        return text

    def changed(self) -> bool:
        """Whether it is another file than at the last look, going by its inode, size and time. True the first time."""
        try:
            found = os.stat(self.path)
        except OSError:
            return False  # being replaced, or gone: what is in force stays
        signature = (found.st_ino, found.st_size, found.st_mtime_ns)
        before, self._seen = self._seen, signature
        return signature != before


def watch(file: RulesFile, desk: Desk) -> None:
    """Read the record again, take in a file that changed, and show what people have not been shown yet."""
    desk.rulebook.look()
    if file.changed():
        take_in(file, desk)
    policy_cards.show_all(desk)


def take_in(file: RulesFile, desk: Desk) -> Considered | None:
    """Put what the file says now before the rules in force. None when it cannot be read."""
    try:
        text = file.read()
    except PermanentError as error:
        log.warning("rules.unreadable", error=str(error))
        return None
    wanted = Submission(text=text, name=file.path.name, origin="file")
    found = policy_change.consider(wanted, desk.database, catalogue(), desk.now())
    log.info("rules.read", fate=found.fate, version=found.version, looser=len(found.looser))
    if found.fate is Fate.REFUSED and found.news:
        policy_cards.show_refusal(file.path.name, found.version, found.complaints, fingerprint(text), desk)
    desk.rulebook.look()
    return found
