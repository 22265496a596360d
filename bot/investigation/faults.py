"""What went wrong with a call to a model, in words people understand, and what they can set to mend it.

Imports the client library, so it is imported only where a model is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import openai

from bot.investigation.wire import TOO_LONG
from tools.redaction import redact

NO_CREDIT = "the account has no credit"


class Fault(NamedTuple):
    """A failed call: the reason in a few words, one sentence more, and whether the same call may succeed later.

    `wait` is how many seconds the endpoint asked for before that.
    """

    reason: str
    detail: str
    again: bool = False
    wait: float | None = None


def fault_of(error: Exception) -> Fault:
    """What the client library raised, in words. Anything it could not make sense of counts as nonsense."""
    match error:
        case openai.APITimeoutError():
            return Fault("timeout", "the model did not answer in time")
        case openai.APIConnectionError():
            return _unconnected(error)
        case openai.APIStatusError():
            return _refused(error)
        case openai.ContentFilterFinishReasonError():
            return Fault("refused", "the endpoint's content filter stopped the answer")
        case openai.LengthFinishReasonError():
            return Fault("nonsense", "the answer was cut at its longest length")
        case _:
            return Fault("nonsense", f"the answer could not be read ({type(error).__name__})")


def _unconnected(error: openai.APIConnectionError) -> Fault:
    if any(TOO_LONG in str(behind) for behind in _behind(error)):
        return Fault("nonsense", TOO_LONG)
    return Fault("unreachable", _sentence(error), again=True)


def _behind(error: BaseException) -> Iterator[BaseException]:
    """What an error was raised from, as far back as is told."""
    while (before := error.__cause__ or error.__context__) is not None:
        yield before
        error = before


def _refused(error: openai.APIStatusError) -> Fault:
    """An HTTP error; where it is the settings that are wrong, the reason says which."""
    status, told = error.status_code, _sentence(error)
    if "content_filter" in str(error.code) or "content_filter" in told or "content management policy" in told:
        return Fault("refused", "the endpoint's content filter refused the question")
    hint = _hint(error, told)
    busy = (status in (408, 409, 425, 429) or status >= 500) and hint != NO_CREDIT
    return Fault(f"http {status}{': ' if hint else ''}{hint}", told, again=busy, wait=_asked_to_wait(error))


def _hint(error: openai.APIStatusError, told: str) -> str:
    """Which setting to look at, if it is one."""
    no_model = "model" in told.lower() or "deployment" in told.lower()
    match error.status_code:
        case 401 | 403:
            return "check OPENAI_API_KEY"
        case 404 if no_model and "pull" in told.lower():
            return "SAYSO_MODEL is not there; `ollama pull` it first"
        case 404 if no_model:
            return "SAYSO_MODEL names no model there (on Azure: the deployment's name)"
        case 404 | 405:
            return f"check OPENAI_BASE_URL{'' if '/v1' in str(error.request.url) else ', which ends in /v1'}"
        case 402:
            return NO_CREDIT
        case 429 if error.code == "insufficient_quota":
            return NO_CREDIT
        case _:
            return ""


def _asked_to_wait(error: openai.APIStatusError) -> float | None:
    """The seconds of `Retry-After`, where it gives seconds."""
    try:
        return float(error.response.headers.get("retry-after", ""))
    except ValueError:
        return None


def _sentence(error: openai.APIError) -> str:
    return " ".join(redact(error.message).split())[:200]
