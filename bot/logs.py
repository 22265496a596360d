"""How sayso logs: structured events, one line each, to standard error, with the ids of the work they belong to.

Everything passes `tools.redaction` on the way out, the standard library's records too. What is worth a line is for the
caller to say; what people are told is in Slack and the audit record, never only here.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TextIO

import structlog

from tools.redaction import redact

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

LogFormat = Literal["json", "console"]
LogLevel = Literal["debug", "info", "warning", "error"]

HIDDEN = "‹hidden: the name says it is a secret›"
CHATTY = ("urllib3", "botocore", "httpx", "httpcore", "openai", "kubernetes", "apscheduler", "alembic")
"""Libraries whose information is noise here; their warnings are not."""
OWN_HANDLERS = ("dbos",)
"""Libraries that would put a handler of their own on their logger unless it has one."""


def configure(style: LogFormat, level: LogLevel, stream: TextIO | None = None) -> None:
    """Send every log line of the process, ours and the libraries', to one stream. Calling it again replaces it."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,  # before redaction: a traceback quotes whatever it likes
                _redacted,
                _renderer(style),
            ],
        )
    )
    _attach(handler, level)


@contextmanager
def bound(*, incident: int | None = None, plan: int | None = None) -> Iterator[None]:
    """Every line logged in this block, at whatever depth, names the incident and the plan it belongs to."""
    ids = {"incident_id": incident, "plan_id": plan}
    with structlog.contextvars.bound_contextvars(**{name: value for name, value in ids.items() if value is not None}):
        yield


def _attach(handler: logging.Handler, level: LogLevel) -> None:
    """The one handler of the root logger, and of those that would otherwise bring their own."""
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.DEBUG if level == "debug" else logging.WARNING)
    for name in OWN_HANDLERS:
        logger = logging.getLogger(name)
        logger.handlers[:], logger.propagate = [handler], False


def _renderer(style: LogFormat) -> Processor:
    if style == "console":
        return structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    return structlog.processors.JSONRenderer(ensure_ascii=False, default=str)


def _redacted(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The event without secrets, whether they show by their own shape or by the name they are logged under."""
    return {name: _clean(name, value) for name, value in event.items()}


def _clean(name: str, value: object) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case _ if _names_a_secret(name):
            return HIDDEN
        case dict():
            return {str(key): _clean(str(key), each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_clean(name, each) for each in value]
        case _:
            return redact(str(value))


@lru_cache(maxsize=1024)
def _names_a_secret(name: str) -> bool:
    """Whether redaction would hide any value written beside this name."""
    harmless = f"{name}={json.dumps('harmless')}"
    return redact(harmless) != harmless
