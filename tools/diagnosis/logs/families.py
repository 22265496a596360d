"""The families of errors, the role each plays in a chain of causes, and what a line of one amounts to. Values only."""

from __future__ import annotations

from enum import StrEnum

from tools.evidence import Role
from tools.values import Value


class Family(StrEnum):
    """What kind of trouble a line tells of."""

    CONNECTION_REFUSED = "connection_refused"
    """The other side answered that nobody listens there."""
    CONNECTION_LOST = "connection_lost"
    """A connection that stood was reset or closed."""
    TIMEOUT = "timeout"
    """No answer in time: connecting, reading, or a deadline that a caller set."""
    UNREACHABLE = "unreachable"
    """No way there: no route, network unreachable."""
    DNS = "dns"
    """A name does not resolve."""
    TLS = "tls"
    """A certificate or a handshake is refused."""
    LOGIN_REFUSED = "login_refused"
    """The other side does not accept who we say we are."""
    NOT_PERMITTED = "not_permitted"
    """It knows who we are and says no: RBAC, IAM, file permissions, 403."""
    OUT_OF_MEMORY = "out_of_memory"
    DISK_FULL = "disk_full"
    READ_ONLY = "read_only"
    """A file system or a database that only reads."""
    CONNECTIONS_EXHAUSTED = "connections_exhausted"
    """No connection is left, on the server's side or in our own pool."""
    TOO_MANY_FILES = "too_many_files"
    RATE_LIMITED = "rate_limited"
    LOCKED = "locked"
    """Deadlocks, and locks that do not come free."""
    MISSING_CODE = "missing_code"
    """A module, class, command or library the program needs is not in the image."""
    MISSING_FILE = "missing_file"
    BAD_CONFIG = "bad_config"
    """A configuration that cannot be read, or a value nobody accepts."""
    MIGRATION = "migration"
    """The database's schema is not what the program expects, or changing it failed."""
    PORT_TAKEN = "port_taken"
    UPSTREAM = "upstream"
    """Something it calls answers 5xx."""
    UNHANDLED = "unhandled"
    """The program fell over: a panic, a nil, an exception nobody caught."""


ROLES: dict[Family, Role] = {
    Family.MISSING_CODE: Role.CHANGE,
    Family.MISSING_FILE: Role.CHANGE,
    Family.BAD_CONFIG: Role.CHANGE,
    Family.MIGRATION: Role.CHANGE,
    Family.PORT_TAKEN: Role.CHANGE,
    Family.READ_ONLY: Role.RESOURCE,
    Family.OUT_OF_MEMORY: Role.RESOURCE,
    Family.DISK_FULL: Role.RESOURCE,
    Family.CONNECTIONS_EXHAUSTED: Role.RESOURCE,
    Family.TOO_MANY_FILES: Role.RESOURCE,
    Family.RATE_LIMITED: Role.RESOURCE,
    Family.CONNECTION_REFUSED: Role.DEPENDENCY,
    Family.CONNECTION_LOST: Role.DEPENDENCY,
    Family.TIMEOUT: Role.DEPENDENCY,
    Family.UNREACHABLE: Role.DEPENDENCY,
    Family.DNS: Role.DEPENDENCY,
    Family.TLS: Role.DEPENDENCY,
    Family.LOGIN_REFUSED: Role.DEPENDENCY,
    Family.NOT_PERMITTED: Role.DEPENDENCY,
    Family.LOCKED: Role.DEPENDENCY,
    Family.UPSTREAM: Role.DEPENDENCY,
    Family.UNHANDLED: Role.SYMPTOM,
}
"""Every family's role: what a person would look at first."""

NETWORK = frozenset(
    {
        Family.CONNECTION_REFUSED,
        Family.CONNECTION_LOST,
        Family.TIMEOUT,
        Family.UNREACHABLE,
        Family.DNS,
        Family.TLS,
        Family.LOGIN_REFUSED,
        Family.UPSTREAM,
        Family.CONNECTIONS_EXHAUSTED,
    }
)
"""Families whose subject is another system's address, and which end when it answers again."""


class LogFinding(Value):
    """What a log tells of one family: about whom, how often, and the line to quote (the latest, exactly as it is)."""

    family: Family
    role: Role
    subject: str | None
    """The address, file, permission or name the line is about, where it says one."""
    statement: str
    """One sentence."""
    line: str
    count: int
    """How many messages said so; a stack trace is one."""
